"""Views, a pool of fake endpoints and a client of it, and the check that every hit has its own scores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from sonic.client import Client
from sonic.fake import pixel_scores
from sonic.limits import Limits
from sonic.patches import cut_patches
from sonic.view import View
from sonic.wire_format import WireFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sonic.fake import FakeTransport
    from sonic.pace import Pacer
    from sonic.scores import Scores

__all__ = ["FORMATS", "QUICK", "a_client", "a_sparse_view", "a_view", "assert_right", "quick"]

FORMATS: tuple[WireFormat, ...] = get_args(WireFormat)

QUICK = Limits(
    batch_patches=8,
    message_patches=8,
    window_requests=3,
    check_timeout_s=0.2,
    request_timeout_s=0.2,
    backoff_first_s=0.01,
    backoff_max_s=0.05,
    patience_s=5.0,
)
"""Requests of at most eight patches, and no long waits."""

_SHAPE = (30, 40)


def quick(**changes: Any) -> Limits:  # noqa: ANN401  # any field of Limits
    """Return `QUICK` with other numbers."""
    return replace(QUICK, **changes)


def a_view(n_hits: int, seed: int = 0) -> View:
    """Return a view of noise with its hits on pixels of their own, in no order."""
    rng = np.random.default_rng(seed)
    place = rng.choice(_SHAPE[0] * _SHAPE[1], n_hits, replace=False)
    wire, drift = (axis.astype(np.int32) for axis in np.divmod(place, _SHAPE[1]))
    return View(rng.normal(size=_SHAPE).astype(np.float32), wire, drift)


def a_sparse_view(n_hits: int, seed: int = 0, shape: tuple[int, int] = (400, 120), lit: float = 0.05) -> View:
    """Return a larger view that is mostly silent, as real ones are, with its hits on lit pixels of their own."""
    rng = np.random.default_rng(seed)
    pixels = np.where(rng.random(shape) < lit, rng.uniform(-5, 15, shape), 0).astype(np.float32)
    place = rng.choice(np.flatnonzero(pixels), n_hits, replace=False)
    wire, drift = (axis.astype(np.int32) for axis in np.divmod(place, shape[1]))
    return View(pixels, wire, drift)


def a_client(
    *pool: FakeTransport, limits: Limits = QUICK, wire_format: WireFormat = "patches", pacer: Pacer | None = None
) -> Client:
    """Return a client of fake endpoints, in this order of preference."""
    by_name = {transport.endpoint: transport for transport in pool}
    return Client(
        list(by_name), wire_format=wire_format, limits=limits, pacer=pacer, open_transport=by_name.__getitem__
    )


def assert_right(views: Sequence[View], scores: Sequence[Scores]) -> None:
    """Assert that every hit has the scores of its own patch."""
    assert len(views) == len(scores)
    for view, one in zip(views, scores, strict=True):
        expected = pixel_scores(cut_patches(view))
        assert np.array_equal(one.em_trk_none, expected.em_trk_none)
        assert np.array_equal(one.michel, expected.michel[:, 0])
