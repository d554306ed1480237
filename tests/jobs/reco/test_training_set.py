"""Patches with truth: shares, seeds, and the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from jobs.reco.training_set import draw_training_set, main

if TYPE_CHECKING:
    from pathlib import Path


def test_balanced_set_has_all_kinds_in_equal_shares() -> None:
    """No kind of hit has more than its quarter, and the common kinds fill theirs."""
    drawn = draw_training_set(3, 5, hits_per_event=80)

    ordinary = drawn.label[~drawn.michel]
    assert np.bincount(ordinary, minlength=3).tolist() == [60, 60, 60]
    assert 0 < drawn.michel.sum() <= 60
    assert drawn.patches.shape == (len(drawn.label), 48, 48, 1)
    assert drawn.patches.dtype == np.float32


def test_same_seed_gives_the_same_set_and_another_seed_another() -> None:
    """A set depends on its seed and on nothing else."""
    first, again, other = (draw_training_set(1, seed, hits_per_event=20) for seed in (5, 5, 6))

    assert np.array_equal(first.patches, again.patches)
    assert first.patches.shape != other.patches.shape or not np.array_equal(first.patches, other.patches)


def test_most_hits_are_in_the_middle_of_their_patch() -> None:
    """The pixel of the hit itself is lit, so labels belong to what the patch shows in its middle."""
    drawn = draw_training_set(2, 5, hits_per_event=200, balanced=False)

    assert (drawn.patches[:, 24, 24, 0] > 0).mean() > 0.95


def test_command_writes_a_file_and_reports_a_bad_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file holds the attributes under their names; a folder that is not there is an error without a traceback."""
    file = tmp_path / "set.npz"
    assert main(["--out", str(file), "--events", "1", "--seed", "9", "--hits-per-event", "12"]) == 0
    with np.load(file, allow_pickle=False) as stored:
        assert set(stored) == {"patches", "label", "michel", "seed", "n_events"}
        assert int(stored["seed"]) == 9
    assert main(["--out", str(tmp_path / "none" / "set.npz"), "--events", "1"]) == 1
    assert "cannot write" in capsys.readouterr().err
