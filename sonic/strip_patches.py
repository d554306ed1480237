"""Cuts the patches of a `views` message: what the model in the server does, and whoever stands in for it.

It travels to the servers, so it imports only what travels too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sonic.network import PATCH_PIXELS
from sonic.view_message import unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StripPatches"]


class StripPatches:
    """The patches of one message.

    Args:
        message: uint8, of any shape; one message of `sonic.view_message`.
        most_patches: that are taken.

    Raises:
        MessageDamaged: the message was changed on its way.
        MessageInvalid: it breaks a rule of the format.

    """

    def __init__(self, message: NDArray[np.uint8], *, most_patches: int) -> None:
        # Flat, since a memoryview with an axis of length 0 cannot be cast: an empty message is refused like others.
        data = np.ascontiguousarray(message).reshape(-1).data
        strip = unpack(data, most_patches=most_patches, margin_pixels=PATCH_PIXELS // 2)
        self._place = (strip.wire, strip.drift)
        self._windows = sliding_window_view(strip.pixels, (PATCH_PIXELS, PATCH_PIXELS))

    def __len__(self) -> int:
        return len(self._place[0])

    def cut(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the patches [start, stop): float32 (n, 48, 48, 1)."""
        wire, drift = self._place
        patches: NDArray[Any] = self._windows[wire[start:stop], drift[start:stop]]
        return patches[..., np.newaxis]
