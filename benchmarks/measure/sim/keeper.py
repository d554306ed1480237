"""The throttle on a simulated clock: what the running `submit` does every few seconds, with the same modules."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.throttle.correct import LOOK_BACK_S, Correction, correct
from jobs.throttle.decide import SiteSeen, decide
from jobs.throttle.ramp import Ramp
from jobs.throttle.rate import choose_rate
from jobs.throttle.tally import Tally, tally_of_heartbeat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.heartbeat import Heartbeat
    from jobs.spec.links import Links
    from jobs.spec.site import Site
    from jobs.throttle.decide import Decision

__all__ = ["EVERY_S", "SETTLE_S", "Keeper"]

EVERY_S = 5
"""How often it decides."""

SETTLE_S = 12
"""How long a smaller share must have been published before jobs may count on it: each reads its ad again within 6 s."""

NEARLY = 0.95
"""Part of the admitted jobs that run where jobs end and start all the time."""


@dataclass
class _Memory:
    tally: Tally = field(default_factory=Tally)
    recent: Tally = field(default_factory=Tally)
    correction: Correction = field(default_factory=Correction)
    ramp: Ramp = field(default_factory=Ramp)
    made: deque[tuple[float, Decision]] = field(default_factory=deque)


class Keeper:
    """Keeps what the throttle remembers between two decisions."""

    def __init__(self, sites: Mapping[str, Site], links: Links, slots: Mapping[str, int]) -> None:
        self.sites = dict(sites)
        self._links = links
        self._slots = slots
        self._memory = {name: _Memory() for name in sites}
        self._last_s = 0.0
        self.decisions: dict[str, Decision] = {}

    def decide(
        self,
        now_s: float,
        running: Mapping[str, int],
        started: Mapping[str, int],
        beats: Mapping[str, Sequence[Heartbeat]],
        jobs_left: int,
    ) -> dict[str, Decision]:
        """Decide from what came in since the last time."""
        seen, rates = {}, {}
        for name, memory in self._memory.items():
            new = sum((tally_of_heartbeat(beat) for beat in beats.get(name, ())), Tally())
            memory.tally = memory.tally.faded(now_s - self._last_s) + new
            memory.recent = memory.recent.faded(now_s - self._last_s, LOOK_BACK_S) + new
            memory.ramp = memory.ramp.after(now_s, started[name], self.sites[name].ramp_per_min)
        everywhere = sum((memory.tally for memory in self._memory.values()), Tally())
        for name, memory in self._memory.items():
            site = self.sites[name]
            before = self.decisions.get(name)
            memory.correction = correct(
                memory.correction,
                memory.recent.pressure,
                admit_factor=site.admit_factor,
                at_limit=before is not None and before.link_binds and running[name] >= NEARLY * before.admitted,
                now_s=now_s,
                share_use=memory.recent.share_use,
                over_limit=before is not None and running[name] > before.admitted,
            )
            rates[name] = choose_rate(site, memory.tally, everywhere, None, memory.correction.factor)
            while memory.made and memory.made[0][0] < now_s - SETTLE_S:
                memory.made.popleft()
            made = [decision for _, decision in memory.made] if now_s >= SETTLE_S else []
            seen[name] = SiteSeen(
                running=running[name],
                starts=memory.ramp.starts,
                ready=min((decision.planned for decision in made), default=0),
                ready_mbps=min((decision.target_mbps for decision in made), default=0.0),
                most=min(self._slots[name], running[name] + jobs_left),
            )
        self.decisions = decide(self.sites, self._links, rates, seen, {})
        for name, decision in self.decisions.items():
            self._memory[name].made.append((now_s, decision))
        self._last_s = now_s
        return self.decisions

    def correction(self, name: str) -> float:
        """Return what the site's measured rate is multiplied with now."""
        return self._memory[name].correction.factor
