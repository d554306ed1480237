"""The measure of separation."""

from __future__ import annotations

import numpy as np

from sonic.server.models.quality import roc_auc


def test_roc_auc_counts_pairs() -> None:
    """The area is the fraction of pairs in the right order, ties counting one half."""
    rng = np.random.default_rng(1)
    positive = rng.integers(2, 12, 40).astype(np.float32)
    negative = rng.integers(0, 10, 60).astype(np.float32)
    pairs = positive[:, None] - negative[None, :]

    assert np.isclose(roc_auc(positive, negative), (pairs > 0).mean() + (pairs == 0).mean() / 2)


def test_roc_auc_of_no_and_of_full_separation() -> None:
    """Equal scores give one half; disjoint ones give 1 or 0."""
    low, high = np.zeros(5, np.float32), np.ones(7, np.float32)

    assert roc_auc(low, low) == 0.5
    assert roc_auc(high, low) == 1
    assert roc_auc(low, high) == 0
