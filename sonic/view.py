"""One wire plane's image and the hits in it: what every wire format and every flavour starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["View"]


@dataclass(frozen=True, eq=False)
class View:
    """The downscaled, clipped and scaled image of one plane of one event, with its hits.

    Attributes:
        pixels: float32 (n_wires, n_drift), in the network's range [OUT_MIN, OUT_MAX]; silence is exactly 0.
        hit_wire: int32 (n_hits,), row of each hit in `pixels`.
        hit_drift: int32 (n_hits,), column of each hit in `pixels`: its peak tick // DRIFT_WINDOW_TICKS.

    """

    pixels: NDArray[np.float32]
    hit_wire: NDArray[np.int32]
    hit_drift: NDArray[np.int32]

    @property
    def n_hits(self) -> int:
        """Number of hits in the view, each of which gets one row of scores."""
        return len(self.hit_wire)
