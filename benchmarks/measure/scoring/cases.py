"""What is compared: four ways, through Envoy and direct, for several numbers of jobs; and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from measure.scoring.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from measure.scoring.ways import WayName

__all__ = ["ROUTES", "ROUTE_WORDS", "Case", "Route", "deal", "name_of", "one_round"]

Route = Literal["none", "envoy", "direct"]

ROUTES: tuple[Route, ...] = get_args(Route)[1:]
"""Those of the ways that go to servers."""

ROUTE_WORDS: dict[Route, str] = {"none": "", "envoy": "through Envoy", "direct": "direct"}

_SIDE_BY_SIDE: tuple[WayName, ...] = ("bare", "patches", "views")


@dataclass(frozen=True)
class Case:
    """One way to score, on one route, with so many jobs at once."""

    way: WayName
    route: Route
    jobs: int


def name_of(case: Case) -> str:
    """Return a case in words."""
    where = f"{WAYS[case.way]} {ROUTE_WORDS[case.route]}".rstrip()
    return f"{where}, {case.jobs} {'job' if case.jobs == 1 else 'jobs'}"


def one_round(number: int, jobs: Sequence[int], servers: int) -> Iterator[Case]:
    """Yield every case once; those that are compared follow each other, in the opposite order in every other round.

    What drifts while a round lasts, on the machine or beside it, then speaks for none of them.

    Args:
        number: of the round.
        jobs: how many at once.
        servers: ONNX Runtime alone runs in as many processes as there are servers, with the same threads.

    """
    ways = _SIDE_BY_SIDE if number % 2 == 0 else _SIDE_BY_SIDE[::-1]
    yield Case("onnx", "none", servers)
    for count in jobs:
        for route in ROUTES:
            for way in ways:
                yield Case(way, route, count)


def deal(case: Case, balanced: str, direct: Sequence[str]) -> list[str]:
    """Return the endpoint of each job: Envoy's, or those of the servers in turn."""
    if case.route == "direct":
        return [direct[number % len(direct)] for number in range(case.jobs)]
    return [balanced if case.route == "envoy" else ""] * case.jobs
