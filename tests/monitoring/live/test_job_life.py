"""A long event log is read a piece at a time, and whatever becomes of it, nothing is told twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.job_life import read_life
from tests.builders.campaign_life import a_heartbeat
from tests.builders.collected import MINUTE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.builders.collected import Collected


def test_a_long_log_is_read_piece_by_piece(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look reads on, says how far it is, and in the end all of the job's events are there, once."""
    monkeypatch.setattr("monitoring.live.job_life._PIECE_BYTES", 1000)
    monkeypatch.setattr("monitoring.live.job_life._LONGEST_EVENT_BYTES", 900)
    for job in range(10):
        collected.run(job, MINUTE)
    folder = collected.campaign.folder.block(0)
    looks = [read_life(folder, 3, most_bytes=1000) for _ in range(20)]
    read = [look.read_bytes for look in looks]
    assert read == sorted(read)
    assert not looks[0].whole
    assert looks[-1].whole
    assert looks[-1].read_bytes == looks[-1].log_bytes == folder.events_log.stat().st_size
    assert [event.type for event in looks[-1].events] == [0, 1, 8]
    assert read_life(folder, 3).events == looks[-1].events


def test_a_log_grows(collected: Collected) -> None:
    """The next look has what was added, and an event that is half-written waits until it is whole."""
    collected.run(0, MINUTE)
    folder = collected.campaign.folder.block(0)
    assert len(read_life(folder, 0).events) == 3
    with folder.events_log.open("a") as log:
        log.write("005 (007.000.000) 2026-11-27 07:00:00 Job terminated.\n")
    assert len(read_life(folder, 0).events) == 3
    with folder.events_log.open("a") as log:
        log.write("\t(1) Normal termination (return value 0)\n...\n")
    assert [event.type for event in read_life(folder, 0).events] == [0, 1, 8, 5]


def test_a_log_that_is_another(collected: Collected) -> None:
    """A log that was cut, or begun anew, is read from its beginning."""
    collected.run(0, MINUTE)
    folder = collected.campaign.folder.block(0)
    read_life(folder, 0)
    folder.events_log.write_text("")
    assert read_life(folder, 0).events == ()
    collected.log.submitted(9, 0, job=0)
    assert [(event.type, event.cluster) for event in read_life(folder, 0).events] == [(0, 9)]


def test_pieces_of_events_are_passed_over(collected: Collected) -> None:
    """What a full disk left in the middle of the log hides no event after it."""
    collected.run(0, MINUTE)
    with collected.log.path.open("a") as log:
        log.write("012 (007.000.000) 2026-11-27 07:0")
    collected.log.evicted(7, 0)
    life = read_life(collected.campaign.folder.block(0), 0)
    assert [event.type for event in life.events] == [0, 1, 8, 4]


def test_other_jobs_and_lookalikes_are_left_out(collected: Collected) -> None:
    """Job 1 is not job 10, cluster 7 not 17, and what a job prints is no event of another."""
    collected.log.submitted(7, 1, job=1)
    collected.log.submitted(17, 1, job=10)
    collected.log.executing(17, 1)
    collected.log.told(17, 1, "sonicgrid job 1")
    collected.log.told(17, 1, "see (007.001.000) for more")
    life = read_life(collected.campaign.folder.block(0), 1)
    assert [(event.type, event.cluster, event.proc) for event in life.events] == [(0, 7, 1)]


def test_only_so_many_heartbeats_are_kept(
    collected: Collected, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The oldest heartbeats go first; what else happened stays."""
    monkeypatch.setattr("monitoring.live.job_life._MOST_EVENTS", 5)
    collected.run(0, MINUTE)
    for beat in range(10):
        collected.log.told(7, 0, a_heartbeat(0, total_events=beat).encode())
    collected.log.terminated(7, 0, 0)
    life = read_life(collected.campaign.folder.block(0), 0)
    assert [event.type for event in life.events] == [0, 1, 8, 8, 5]
    assert '"total_events":9' in life.events[-2].text
