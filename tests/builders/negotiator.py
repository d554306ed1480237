"""A negotiator that a test can make forgetful, stubborn, or somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.throttle.negotiator import Negotiator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FakeNegotiator"]


class FakeNegotiator(Negotiator):
    """Takes limits and knows how many slots are free.

    Attributes:
        in_force: the limits.
        no: why it cannot be leaned on; empty if it can.
        free: free slots, by the expression of a site's slots; plenty of others.
        elsewhere: what is charged to jobs of other schedds, by limit.
        n_hosts: on which the slots are.
        calls: `limit NAME VALUE` for each limit that was set; others may add theirs.

    """

    def __init__(self, calls: list[str] | None = None) -> None:
        self.in_force: dict[str, float] = {}
        self.no = ""
        self.free: dict[str, float] = {}
        self.elsewhere: dict[str, float] = {}
        self.calls = [] if calls is None else calls
        self.asked = 0
        self.n_hosts = 1

    def obstacle(self) -> str:
        """Return why not."""
        self.asked += 1
        return self.no

    def limits(self, names: list[str]) -> dict[str, float | None]:
        """Return the limits in force."""
        return {name: self.in_force.get(name) for name in names}

    def set_limits(self, limits: Mapping[str, float]) -> None:
        """Take limits."""
        self.calls += [f"limit {name} {value:g}" for name, value in limits.items()]
        self.in_force |= limits

    def charged_to_others(self, schedds: Iterable[str]) -> dict[str, float]:
        """Return what others are charged."""
        del schedds
        return self.elsewhere

    def hosts(self, expressions: Iterable[str]) -> int:
        """Return the number of hosts."""
        del expressions
        return self.n_hosts

    def slots_to_have(self, expression: str, owner: str) -> float:
        """Return the slots of a site that are free or the user's."""
        del owner
        return self.free.get(expression, 1000.0)
