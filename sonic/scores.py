"""What comes back for every hit, and the one interface that remote and local inference share."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from sonic.view import View

__all__ = ["LATENCY_BOUNDS_S", "LATENCY_COUNTS", "Scorer", "Scores", "Traffic"]

LATENCY_BOUNDS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
"""Upper ends of all classes but the last of the histogram of latencies."""

_CLASSES = ", ".join(f"{bound:g}" for bound in LATENCY_BOUNDS_S)
LATENCY_COUNTS = f"Requests by how long their answers took: up to {_CLASSES} s, and longer"
"""What the numbers of such a histogram say, in their order."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The network's outputs for the hits of one view, in the hits' order.

    Attributes:
        em_trk_none: float32 (n_hits, 3): track, em, none; each row sums to 1.
        michel: float32 (n_hits,), 0 to 1.

    """

    em_trk_none: NDArray[np.float32]
    michel: NDArray[np.float32]


@dataclass(frozen=True)
class Traffic:
    """What a scorer has moved so far; all zero for the cpu flavour.

    Attributes:
        bytes_sent: bytes of requests handed to gRPC, repeats included.
        bytes_received: bytes of answers.
        requests: requests answered.
        retries: requests sent again.
        paced_s: seconds for which a request was ready and the window had room, but the pacer held it.
        latency_s: seconds from sending to the answer, summed over `requests`.
        latency_counts: requests answered, by latency; `LATENCY_COUNTS` says how.

    """

    bytes_sent: int = 0
    bytes_received: int = 0
    requests: int = 0
    retries: int = 0
    paced_s: float = 0.0
    latency_s: float = 0.0
    latency_counts: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS_S) + 1)

    def with_answer(self, latency_s: float, bytes_received: int) -> Traffic:
        """Return the sums with one more request answered."""
        counts = list(self.latency_counts)
        counts[bisect_left(LATENCY_BOUNDS_S, latency_s)] += 1
        return replace(
            self,
            requests=self.requests + 1,
            bytes_received=self.bytes_received + bytes_received,
            latency_s=self.latency_s + latency_s,
            latency_counts=tuple(counts),
        )


class Scorer(Protocol):
    """Turns views into scores; `sonic.client.Client` asks a pool, `sonic.local.LocalScorer` computes here."""

    def score(self, views: Sequence[View]) -> list[Scores]:
        """Return the scores of every view, in the views' order.

        Raises:
            SonicError: as the tree in `sonic.errors` says.

        """
        ...

    @property
    def endpoint(self) -> str:
        """The endpoint that answered last; empty before the first answer and for the cpu flavour."""
        ...

    def traffic(self) -> Traffic:
        """Return what was sent and received since the scorer was opened; any thread may ask."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
