"""What people ask of jobs is on the record at once, and a damaged line costs no more than itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import CampaignError
from jobs.layout import BlockFolder
from jobs.running.asked import AskedReader, note_hold, note_release, note_retry, read_asked


@pytest.fixture
def folder(tmp_path: Path) -> BlockFolder:
    """The folder of a block that has nothing yet."""
    return BlockFolder(tmp_path / "block")


def test_nobody_asked(folder: BlockFolder) -> None:
    """Without a file nothing was asked."""
    assert not read_asked(folder).retries
    assert not AskedReader(folder).look()


def test_the_newest_retry_counts_and_older_clusters_stay_known(folder: BlockFolder) -> None:
    """A job that failed twice and was asked for twice is about its second failure, and in neither cluster any more."""
    note_retry(folder, {3: (12, 1), 4: (12, 1), 9: (12, 2)})
    note_retry(folder, {3: (15, 2)}, why="mended")
    asked = read_asked(folder)
    assert (asked.retries[3].cluster, asked.retries[3].records) == (15, 2)
    assert asked.left == {3: {12, 15}, 4: {12}, 9: {12}}
    assert len(folder.asked.read_text().splitlines()) == 3, "jobs of one failure share a line"


def test_a_hold_ends_with_its_release(folder: BlockFolder) -> None:
    """Only what was not released since is held, with who and why."""
    note_hold(folder, [1, 2, 3], why="downtime")
    note_release(folder, [2])
    holds = read_asked(folder).holds
    assert sorted(holds) == [1, 3]
    assert holds[1].why == "downtime"
    assert "@" in holds[1].who


def test_a_line_that_a_crash_cut_short_spoils_no_other(folder: BlockFolder) -> None:
    """Whatever was written before and is written after is read."""
    note_hold(folder, [1])
    with folder.asked.open("ab") as file:
        file.write(b'{"asked":"hold","jobs":"7","at":1.0,"wh')
    note_hold(folder, [2])
    assert sorted(read_asked(folder).holds) == [1, 2]


def test_a_reader_notices_what_is_new(folder: BlockFolder) -> None:
    """It says so once for each change."""
    reader = AskedReader(folder)
    note_hold(folder, [1])
    assert reader.look()
    assert not reader.look()
    note_release(folder, [1])
    assert reader.look()
    assert not reader.asked.holds


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    """A request that cannot be written down is not half done."""
    (tmp_path / "block").write_text("no folder")
    with pytest.raises(CampaignError, match="nothing was asked for"):
        note_hold(BlockFolder(tmp_path / "block"), [1])
