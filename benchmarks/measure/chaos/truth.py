"""What must come out of a campaign, as plain arrays: what the judge compares with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TrueEvent", "TrueFile"]


@dataclass(frozen=True, eq=False)
class TrueEvent:
    """One event as it must come out.

    Attributes:
        identity: run, subrun, event.
        hit_channel: int32 (n_hits,), in the order of the input's hits.
        scores: float32 (n_hits, 4): track, em, none, michel.

    """

    identity: tuple[int, int, int]
    hit_channel: NDArray[np.int32]
    scores: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrueFile:
    """One input: its UUID, and its events in the order of its entries."""

    uuid: str
    events: tuple[TrueEvent, ...]
