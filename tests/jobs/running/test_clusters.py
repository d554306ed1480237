"""Which clusters a block had can be told after a crash."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from jobs.errors import CampaignError
from jobs.layout import BlockFolder
from jobs.running.clusters import note_cluster, note_return, read_clusters

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def block(tmp_path: Path) -> BlockFolder:
    """A block that had no cluster yet."""
    return BlockFolder(tmp_path)


def test_a_block_without_clusters(block: BlockFolder) -> None:
    """Nothing was submitted yet."""
    assert read_clusters(block) == []


def test_clusters_read_back_oldest_first(block: BlockFolder) -> None:
    """With their jobs, when they were made, and whether their rest was given back."""
    before = time.time()
    note_cluster(block, 9, [0, 1, 2, 7])
    note_cluster(block, 12, [5])
    note_return(block, 9)
    first, second = read_clusters(block)
    assert (first.cluster, first.jobs, first.returned) == (9, (0, 1, 2, 7), True)
    assert (second.cluster, second.jobs, second.returned) == (12, (5,), False)
    assert before <= first.submitted <= second.submitted <= time.time()


def test_a_line_that_a_crash_cut_short_is_passed_over(block: BlockFolder) -> None:
    """What was noted before is still known."""
    note_cluster(block, 9, [0, 1])
    with block.cluster.open("a") as file:
        file.write('{"cluster": 10, "jo')
    assert [made.cluster for made in read_clusters(block)] == [9]


def test_what_comes_after_a_line_that_was_cut_short_counts(block: BlockFolder) -> None:
    """The process that goes on writes into the same file: its cluster must not be lost in the ruin of the line."""
    with block.cluster.open("a") as file:
        file.write('{"cluster": 10, "jo')
    note_cluster(block, 11, [3])
    assert [made.cluster for made in read_clusters(block)] == [11]


def test_a_note_that_cannot_be_written_is_an_error_of_the_campaign(tmp_path: Path) -> None:
    """A full disk must not end who keeps the throttle: it knows what to do about a `CampaignError`."""
    folder = BlockFolder(tmp_path)
    folder.cluster.mkdir()
    with pytest.raises(CampaignError, match="cannot be written"):
        note_cluster(folder, 7, [1])
