"""Event logs and records, whatever was written when: cut, damaged or mixed, they never say what nobody wrote."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.record import Record, StageSeconds, read_record
from jobs.running.event_text import EVENT_END, read_events
from tests.builders.event_log import EventLog
from tests.builders.records import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.running.standing import LogEvent

SLOW = settings(max_examples=60, deadline=None)

LINES = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=40)
PROCS = st.integers(0, 10_000)
EVENTS = st.one_of(
    st.tuples(st.just("submitted"), PROCS, st.integers(0, 10**6)),
    st.tuples(st.just("executing"), PROCS),
    st.tuples(st.just("told"), PROCS, LINES),
    st.tuples(st.just("evicted"), PROCS),
    st.tuples(st.just("held"), PROCS, LINES),
    st.tuples(st.just("released"), PROCS),
    st.tuples(st.just("aborted"), PROCS, LINES),
    st.tuples(st.just("terminated"), PROCS, st.integers(0, 255)),
    st.tuples(st.just("killed"), PROCS, st.integers(1, 31)),
)
COUNTS = st.integers(0, 2**53)
SECONDS = st.floats(0, 1e9)


def log_of(events: Sequence[tuple[Any, ...]]) -> bytes:
    """Return the log of these events, of cluster 7."""
    with TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events.log")
        for name, *arguments in events:
            getattr(log, name)(7, *arguments)
        return log.path.read_bytes() if events else b""


def whole(events: Sequence[LogEvent | None]) -> list[LogEvent]:
    """Leave out what was no event."""
    return [event for event in events if event is not None]


@SLOW
@given(st.lists(EVENTS, max_size=8))
def test_all_that_was_written_is_read(events: list[tuple[Any, ...]]) -> None:
    """One event of each call, with its proc, in order."""
    read = list(read_events(log_of(events)))
    assert [event and event.proc for event in read] == [event[1] for event in events]


@SLOW
@given(st.lists(EVENTS, min_size=1, max_size=6), st.data())
def test_a_log_that_ends_anywhere_gives_the_events_before(events: list[tuple[Any, ...]], data: st.DataObject) -> None:
    """A crash in the middle of the last event takes that one away, and no other."""
    log = log_of(events)
    cut = data.draw(st.integers(0, len(log)))
    complete = log[:cut].rfind(EVENT_END)
    before = log[: complete + len(EVENT_END)] if complete >= 0 else b""
    read = list(read_events(log))
    assert read[: before.count(EVENT_END)] == list(read_events(before))


@SLOW
@given(st.lists(EVENTS, max_size=4), EVENTS, st.lists(EVENTS, min_size=1, max_size=4), st.data())
def test_a_writer_that_was_cut_off_costs_its_event_alone(
    before: list[tuple[Any, ...]], cut_off: tuple[Any, ...], after: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    """Another writer goes on behind half an event: its events are all read, and half an event never becomes another."""
    half = log_of([cut_off])
    half = half[: data.draw(st.integers(1, len(half) - len(EVENT_END)))]
    # Whoever goes on begins a line of its own, as HTCondor's log writer does by one write of a whole event.
    read = whole(list(read_events(log_of(before) + half + b"\n" + log_of(after))))
    sane = [*read_events(log_of(before)), *read_events(log_of(after))]
    assert [event for event in read if event in sane] == sane
    assert len(read) <= len(sane) + 1


@SLOW
@given(
    st.sampled_from(list(ExitClass)),
    st.fixed_dictionaries(
        dict.fromkeys(("events", "hits", "bytes_sent", "bytes_received", "requests", "output_bytes"), COUNTS)
        | dict.fromkeys(("started", "ended", "cpu_s", "paced_s", "latency_s"), SECONDS)
        | {name: st.text(max_size=30) for name in ("site", "host", "cpu_model", "input_file", "error")}
        | {"stages": st.builds(StageSeconds, read_s=SECONDS, inference_s=SECONDS)}
    ),
    st.data(),
)
def test_a_record_is_read_whole_or_not_at_all(
    exit_class: ExitClass, fields: dict[str, Any], data: st.DataObject
) -> None:
    """What was written is read to the last bit, and any shorter piece of it is refused by its name."""
    with TemporaryDirectory() as folder:
        record = RecordWriter(Path(folder)).write(3, 0, exit_class, **fields)
        (path,) = Path(folder).glob("*.json")
        assert read_record(path) == record
        text = path.read_bytes()
        path.write_bytes(text[: data.draw(st.integers(0, len(text) - 1))])
        with pytest.raises(CampaignError, match=str(path)):
            read_record(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_no_record(value: float) -> None:
    """JSON has no such numbers: a record with one could be written and never read again."""
    with TemporaryDirectory() as folder:
        record = RecordWriter(Path(folder)).write(3)
    with pytest.raises(ValueError, match="finite"):
        Record.model_validate({**record.model_dump(), "cpu_s": value})
