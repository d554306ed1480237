"""What one GPU of the paper needs for a batch; a campaign and the knee of the paper's curve are simulated with it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "EVENT_PATCHES",
    "LARGE_REQUEST_PATCHES",
    "LARGE_REQUEST_S_PER_EVENT",
    "SMALL_REQUEST_PATCHES",
    "SMALL_REQUEST_S_PER_EVENT",
    "T4",
    "Gpu",
]

EVENT_PATCHES = 55_000
"""Patches of a ProtoDUNE event: Wang et al., arXiv:2009.04509."""

SMALL_REQUEST_PATCHES = 235
LARGE_REQUEST_PATCHES = 1720
"""Mean patches of a request with the client's batches limited to 256 and to 16,384 a plane: nuSONIC README."""

SMALL_REQUEST_S_PER_EVENT = 2.75
LARGE_REQUEST_S_PER_EVENT = 1.77
"""Seconds of a T4 for an event, request by request, and merged into batches: `t_gpu` of nuSONIC plot-1c.py."""

MOST_PATCHES = 65_536
"""Largest batch of the served model: nuSONIC's model configuration."""


@dataclass(frozen=True)
class Gpu:
    """Seconds of one batch: `per_batch_s` and `per_patch_s` for each patch in it."""

    per_batch_s: float
    per_patch_s: float
    most_patches: int = MOST_PATCHES

    def seconds(self, patches: float) -> float:
        """Return how long a batch takes."""
        return self.per_batch_s + self.per_patch_s * patches

    def patches_per_s(self, batch: float) -> float:
        """Return the rate with batches of so many patches."""
        return batch / self.seconds(batch)


def _through_both_points() -> Gpu:
    """Return the GPU on which both of the authors' service times are right, each for its own size of request."""
    small_s = SMALL_REQUEST_S_PER_EVENT * SMALL_REQUEST_PATCHES / EVENT_PATCHES
    large_s = LARGE_REQUEST_S_PER_EVENT * LARGE_REQUEST_PATCHES / EVENT_PATCHES
    per_patch_s = (large_s - small_s) / (LARGE_REQUEST_PATCHES - SMALL_REQUEST_PATCHES)
    return Gpu(small_s - per_patch_s * SMALL_REQUEST_PATCHES, per_patch_s)


T4 = _through_both_points()
"""About 4.9 ms for a batch and 29 us for a patch."""
