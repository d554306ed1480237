"""The event log alone tells where every job of a block stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.heartbeat import Heartbeat
from jobs.layout import BlockFolder
from jobs.running.clusters import note_cluster, note_return
from jobs.running.follow import BlockFollower
from jobs.running.queue import GIVEN_BACK
from jobs.states import JobState

if TYPE_CHECKING:
    from tests.builders.event_log import EventLog


@pytest.fixture
def follower(event_log: EventLog) -> BlockFollower:
    """A follower of jobs 10 to 12."""
    return BlockFollower(BlockFolder(event_log.path.parent), range(10, 13))


def states(follower: BlockFollower) -> list[str]:
    """Read what is new and return the states in the order of the jobs."""
    follower.poll()
    return [str(standing.state) for _, standing in sorted(follower.standings.items())]


def test_no_log_yet(follower: BlockFollower) -> None:
    """Before HTCondor wrote a line, every job is pending and nothing fails."""
    assert follower.poll() == 0
    assert states(follower) == ["pending"] * 3
    assert follower.unfinished() == {10, 11, 12}


def test_a_whole_life(follower: BlockFollower, event_log: EventLog) -> None:
    """A job is found by the note of its submit event, whatever its proc, and followed to its exit status."""
    event_log.cluster_submitted(7)
    event_log.submitted(7, 0, job=12)
    assert states(follower) == ["pending", "pending", "idle"]
    event_log.executing(7, 0)
    assert states(follower) == ["pending", "pending", "running"]
    event_log.terminated(7, 0, code=0)
    assert states(follower) == ["pending", "pending", "done"]
    standing = follower.standings[12]
    assert (standing.cluster, standing.proc, standing.starts, standing.exit_code) == (7, 0, 1, 0)
    assert follower.unfinished() == {10, 11}


def test_each_poll_reads_only_what_is_new(follower: BlockFollower, event_log: EventLog) -> None:
    """The log is read incrementally."""
    event_log.submitted(7, 0, job=10)
    assert follower.poll() == 1
    event_log.executing(7, 0)
    assert follower.poll() == 1
    assert follower.poll() == 0


def test_retry_counts_starts(follower: BlockFollower, event_log: EventLog) -> None:
    """A job that HTCondor runs again is idle in between and counts its starts."""
    event_log.submitted(7, 0, job=10)
    event_log.executing(7, 0)
    event_log.evicted(7, 0)
    assert states(follower)[0] == "idle"
    event_log.executing(7, 0)
    event_log.terminated(7, 0, code=20)
    follower.poll()
    assert follower.standings[10].state is JobState.FAILED
    assert follower.standings[10].starts == 2
    assert follower.standings[10].exit_code == 20


def test_held_and_released(follower: BlockFollower, event_log: EventLog) -> None:
    """A held job says why, and is idle again when it is released."""
    event_log.submitted(7, 0, job=10)
    event_log.held(7, 0, "memory usage exceeded request_memory")
    follower.poll()
    assert follower.standings[10].state is JobState.HELD
    assert "memory usage" in follower.standings[10].reason
    event_log.released(7, 0)
    assert states(follower)[0] == "idle"


@pytest.mark.parametrize("cut", [3, 30, 70, 100])
def test_a_piece_of_an_event_costs_nothing_but_itself(follower: BlockFollower, event_log: EventLog, cut: int) -> None:
    """A writer was killed, or its disk full, in the middle of an event: those after it are read, none is lost."""
    event_log.submitted(7, 0, job=10)
    event_log.executing(7, 0)
    whole = event_log.path.read_bytes()
    with event_log.path.open("ab") as log:
        log.write(whole[whole.rindex(b"001 (") :][:cut])
    assert states(follower)[0] == "running"
    event_log.terminated(7, 0, code=0)
    assert states(follower)[0] == "done"


def test_an_event_that_is_being_written_is_waited_for(follower: BlockFollower, event_log: EventLog) -> None:
    """Half an event at the end of the log is left for the next look, which has the whole of it."""
    event_log.submitted(7, 0, job=10)
    before = event_log.path.read_bytes()
    event_log.executing(7, 0)
    whole = event_log.path.read_bytes()
    event_log.path.write_bytes(whole[: len(before) + 20])
    assert states(follower)[0] == "idle"
    event_log.path.write_bytes(whole)
    assert states(follower)[0] == "running"


def test_a_log_that_lost_its_end_is_read_again(follower: BlockFollower, event_log: EventLog) -> None:
    """A repaired file system may give back a shorter log; what is written after that counts."""
    event_log.submitted(7, 0, job=10)
    before = event_log.path.read_bytes()
    event_log.executing(7, 0)
    assert states(follower)[0] == "running"
    event_log.path.write_bytes(before)
    follower.poll()
    event_log.terminated(7, 0, code=0)
    assert states(follower)[0] == "done"


def test_killed_by_a_signal(follower: BlockFollower, event_log: EventLog) -> None:
    """A job that a signal ended has failed without an exit status, and names the signal."""
    event_log.submitted(7, 0, job=10)
    event_log.executing(7, 0)
    event_log.killed(7, 0, signal=9)
    follower.poll()
    standing = follower.standings[10]
    assert standing.state is JobState.FAILED
    assert standing.exit_code == -1
    assert standing.reason == "killed by signal 9"


def test_removed_cluster_gives_up_its_pending_jobs(follower: BlockFollower, event_log: EventLog) -> None:
    """Jobs that a removed cluster never materialized have failed, with that reason; nothing waits for them."""
    event_log.submitted(7, 0, job=10)
    event_log.aborted(7, 0, "via condor_rm (by user sonicgrid)")
    event_log.cluster_removed(7, jobs=1, complete=False)
    assert states(follower) == ["failed"] * 3
    assert "removed" in follower.standings[12].reason
    assert not follower.unfinished()


def test_removed_cluster_gives_up_only_what_it_had(follower: BlockFollower, event_log: EventLog) -> None:
    """A block has many clusters: somebody who removes one says nothing of the jobs of others."""
    folder = BlockFolder(event_log.path.parent)
    note_cluster(folder, 7, [10, 11, 99])
    note_cluster(folder, 8, [12])
    event_log.submitted(7, 0, job=10)
    event_log.aborted(7, 0, "via condor_rm (by user sonicgrid)")
    event_log.cluster_removed(7, jobs=1, complete=False)
    assert states(follower) == ["failed", "failed", "pending"]
    assert follower.unfinished() == {12}


def test_a_returned_cluster_gives_nothing_up(follower: BlockFollower, event_log: EventLog) -> None:
    """What was given back is to run elsewhere: what waited and what never came up is pending, and none has failed."""
    folder = BlockFolder(event_log.path.parent)
    note_cluster(folder, 7, [10, 11, 12])
    event_log.submitted(7, 0, job=10)
    event_log.submitted(7, 1, job=11)
    event_log.executing(7, 0)
    note_return(folder, 7)
    event_log.aborted(7, 1, f"{GIVEN_BACK} (by user sonicgrid)")
    event_log.terminated(7, 0, code=0)
    event_log.cluster_removed(7, jobs=2, complete=False)
    assert states(follower) == ["done", "pending", "pending"]
    assert follower.unfinished() == {11, 12}
    event_log.submitted(8, 0, job=11)
    event_log.executing(8, 0)
    assert states(follower) == ["done", "running", "pending"]


def test_second_cluster_takes_failed_jobs_up_again(follower: BlockFollower, event_log: EventLog) -> None:
    """A new round makes failed jobs unfinished again and not before; a new cluster begins their new life."""
    for proc, code in enumerate((10, 20, 0)):
        event_log.submitted(7, proc, job=10 + proc)
        event_log.executing(7, proc)
        event_log.terminated(7, proc, code=code)
    event_log.cluster_removed(7, jobs=3)
    assert states(follower) == ["failed", "failed", "done"]
    assert follower.unfinished(event_log.at - 1) == set()
    assert follower.unfinished(event_log.at) == {10, 11, 12}
    event_log.at += 60
    event_log.cluster_submitted(8)
    event_log.submitted(8, 0, job=11)
    event_log.executing(8, 0)
    assert states(follower) == ["failed", "running", "done"]
    event_log.terminated(8, 0, code=20)
    assert states(follower) == ["failed", "failed", "done"]
    assert follower.unfinished(event_log.at - 1) == {10, 12}


def test_heartbeats_are_told_once(follower: BlockFollower, event_log: EventLog) -> None:
    """What jobs say of themselves comes with its time; a line that is cut short or another's is passed over."""
    beat = Heartbeat(
        job=10,
        attempt=0,
        site="FNAL",
        flavour="gpu",
        window_s=60.0,
        events=3,
        hits=1000,
        bytes_sent=10**7,
        requests=4,
        retries=0,
        paced_s=1.0,
        latency_s=2.0,
        prepare_s=3.0,
        inference_s=4.0,
        write_s=5.0,
        share_mbps=34.0,
        total_events=3,
        total_bytes_sent=10**7,
    )
    event_log.submitted(7, 0, job=10)
    event_log.told(7, 0, beat.encode())
    event_log.told(7, 0, beat.encode()[:30])
    event_log.told(7, 0, "a word of somebody else")
    follower.poll()
    assert [(told.at, told.heartbeat) for told in follower.heartbeats()] == [(event_log.at, beat)]
    assert follower.heartbeats() == []


def test_echo_of_an_earlier_cluster_changes_nothing(follower: BlockFollower, event_log: EventLog) -> None:
    """What is said late about a cluster that was replaced does not touch the job's new life."""
    event_log.submitted(7, 0, job=10)
    event_log.cluster_submitted(8)
    event_log.submitted(8, 0, job=10)
    event_log.executing(8, 0)
    event_log.aborted(7, 0, "via condor_rm")
    assert states(follower)[0] == "running"


def test_jobs_of_others_in_the_log_are_ignored(follower: BlockFollower, event_log: EventLog) -> None:
    """A submit event without our note, or with a job of another block, is not one of ours."""
    event_log.submitted(7, 0, job=999)
    event_log.executing(7, 0)
    assert states(follower) == ["pending"] * 3
