"""Reading an event log as text gives what HTCondor's own bindings give, and survives what they stumble over."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import htcondor2
import pytest

from jobs.running import event_text
from jobs.running.describe import EVENT_NOTE
from jobs.running.event_text import EVENT_END, read_events
from jobs.running.standing import LogEvent

if TYPE_CHECKING:
    from tests.builders.event_log import EventLog


def as_ours(event: htcondor2.JobEvent) -> LogEvent:
    """Return what HTCondor's bindings read from a log."""
    note = (
        re.search(EVENT_NOTE + r"(\d+)", str(event.get("LogNotes", "")))
        if event.type == htcondor2.JobEventType.SUBMIT
        else None
    )
    # An attempt that is to be tried again at once ends with an eviction.
    ended = bool(event.get("TerminatedNormally")) and "ReturnValue" in event
    return LogEvent(
        type=event.type,
        cluster=event.cluster,
        proc=event.proc,
        at=event.timestamp,
        job=int(note.group(1)) if note else -1,
        exit_code=int(event["ReturnValue"]) if ended else -1,
        signal=str(event.get("TerminatedBySignal", "")),
        reason=str(event.get("HoldReason", event.get("Reason", ""))),
        hold_code=int(event.get("HoldReasonCode", 0)),
        hold_subcode=int(event.get("HoldReasonSubCode", 0)),
        host=str(event.get("ExecuteHost", "")),
        slot=str(event.get("SlotName", "")),
        text=str(event.get("Info", "")),
        complete=event.get("Completion", 1) == 1,
    )


def by_bindings(log: EventLog) -> list[LogEvent]:
    """Read a log as HTCondor does."""
    with htcondor2.JobEventLog(str(log.path)) as events:
        return [as_ours(event) for event in events.events(stop_after=0)]


def forget_hours() -> None:
    """When an hour began is remembered, and another zone has other hours."""
    event_text._at.cache_clear()
    event_text._hour.cache_clear()


def write_one_of_each(log: EventLog) -> None:
    """Write every event that the builder knows."""
    log.cluster_submitted(7)
    log.submitted(7, 0, job=12)
    log.executing(7, 0)
    log.told(7, 0, "a line with ... and (brackets) of its own")
    log.evicted(7, 0)
    log.held(7, 0, "memory usage exceeded request_memory")
    log.released(7, 0)
    log.aborted(7, 0, "via condor_rm (by user sonicgrid)")
    log.terminated(7, 1, code=31)
    log.killed(7, 2, signal=9)
    log.cluster_removed(7, jobs=3)
    log.cluster_removed(8, jobs=1, complete=False)
    log.submitted(1234, 10567, job=1234567)


def test_every_event_is_what_the_bindings_say(event_log: EventLog) -> None:
    """Type, numbers, time and all that we ask an event for are the same."""
    write_one_of_each(event_log)
    read = list(read_events(event_log.path.read_bytes()))
    assert read == by_bindings(event_log)
    assert len(read) == 13


def test_an_attempt_that_is_tried_again_has_its_exit_status(event_log: EventLog) -> None:
    """HTCondor calls it an eviction; one that was sent back without an end has none."""
    event_log.requeued(7, 0, code=30)
    event_log.evicted(7, 0)
    for events in (read_events(event_log.path.read_bytes()), by_bindings(event_log)):
        assert [event.exit_code for event in events if event] == [30, -1]


@pytest.mark.parametrize("zone", ["Europe/Zurich", "America/Chicago", "UTC"])
def test_times_are_those_of_the_bindings_in_every_zone(
    event_log: EventLog, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Logs are in local time, and days on which clocks change are no exception."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for at in (1_774_745_999.0, 1_774_750_000.0, 1_793_000_000.0, 1_772_960_000.0):
            event_log.at = at
            event_log.executing(7, 0)
        forget_hours()
        assert list(read_events(event_log.path.read_bytes())) == by_bindings(event_log)
    finally:
        monkeypatch.undo()
        time.tzset()
        forget_hours()


def test_utc_and_fractions_of_a_second(event_log: EventLog) -> None:
    """HTCondor may be told to write UTC and milliseconds; whole seconds are enough for us, as for the bindings."""
    text = b"001 (007.000.000) 2026-11-27 04:37:47.123Z Job executing on host: <10.0.0.7:9618>\n...\n"
    event_log.path.write_bytes(text)
    (event,) = read_events(text)
    assert event is not None
    assert event.at == 1_795_754_267.0
    assert [event] == by_bindings(event_log)


def test_memory_and_disk_that_a_job_used(event_log: EventLog) -> None:
    """The table at the end of an attempt says what was used of what was asked for."""
    text = (
        b"005 (001.037.000) 2026-11-27 04:38:44 Job terminated.\n\t(1) Normal termination (return value 0)\n"
        b"\tPartitionable Resources :    Usage  Request Allocated \n"
        b"\t   Cpus                 :     0.02        1         1 \n"
        b"\t   Disk (KB)            :    2000     2048000   5050444 \n"
        b"\t   Memory (MB)          :   146        1500      2048 \n...\n"
    )
    (event,) = read_events(text)
    assert event is not None
    assert (event.exit_code, event.memory_mb) == (0, 146.0)
    assert event.disk_mb == pytest.approx(2.048)


@pytest.mark.parametrize("cut", [3, 30, 70, 100])
def test_an_event_that_was_never_finished_costs_nothing_but_itself(event_log: EventLog, cut: int) -> None:
    """After a full disk, the next event begins in the middle of a line; it is read, and the piece before it is told."""
    event_log.executing(7, 0)
    whole = event_log.path.read_bytes()
    read = list(read_events(whole + whole[:cut] + whole))
    assert [event is None for event in read] == [False, True, False]
    assert read[0] == read[2]


def test_what_is_no_event_is_told() -> None:
    """Bytes that are no log at all are one damaged piece each, and no error."""
    assert list(read_events(b"\x00\xffnothing" + EVENT_END + b"005 (1.2" + EVENT_END)) == [None, None]
