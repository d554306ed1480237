"""The benchmark of the codecs packs what the wire format packs, and counts all of it."""

from __future__ import annotations

import numpy as np
import view_codecs

from sonic import View
from sonic.hit_pixels import HitPixels, Span
from sonic.message import Most
from sonic.views import ViewCutter


def _views() -> tuple[View, View]:
    rng = np.random.default_rng(1)
    pixels = np.where(rng.random((90, 120)) < 0.05, rng.uniform(-5, 15, (90, 120)), 0).astype(np.float32)
    wire, drift = (rng.integers(0, size, 40, dtype=np.int32) for size in pixels.shape)
    twice = (np.concatenate([wire, wire[:5]]), np.concatenate([drift, drift[:5]]))
    return View(pixels, wire, drift), View(pixels.copy(), *twice)


def test_what_is_packed_is_what_travels() -> None:
    """With the format's own codec the bytes are those of whole messages; hits that share a pixel count once in them."""
    views = _views()
    pixels, done, travelling = HitPixels(views), 0, 0
    while done < pixels.n_patches:
        message = ViewCutter(pixels).cut(Span(done, pixels.n_patches), Most(10**6, 1e9))
        travelling, done = travelling + message.payload_bytes, message.span.stop

    source = view_codecs.measure("two views", [views], view_codecs.codecs())

    sizes = {size.codec: size.bytes for size in source.sizes}
    assert sizes["zstd, level 1"] == travelling
    assert {"zstd, level 9", "zlib, level 6", "lzma, level 6"} <= set(sizes)
    assert (source.hits, source.messages) == (85, 2)
    assert source.patches_bytes == pixels.n_patches * 9216
