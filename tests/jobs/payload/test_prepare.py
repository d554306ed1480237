"""Reading ahead: the right events in order, no more of them in memory than agreed, errors where they are awaited."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from jobs.payload import prepare
from jobs.payload.prepare import PreparedEvent, Preparer
from jobs.payload.progress import Progress
from jobs.reco.errors import EntriesOutOfRange, EventBad, InputAway
from jobs.reco.read import open_events
from jobs.reco.views import build_views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.errors import InputError
    from jobs.reco.event import Event
    from jobs.reco.read import EventFile
    from jobs.reco.views import EventViews
    from tests.builders.payload import PayloadCampaign


def preparer(path: str, start: int, stop: int, progress: Progress | None = None) -> Preparer:
    """Return a preparer with the usual factor."""
    return Preparer(path, start, stop, adc_per_electron=0.003, progress=progress or Progress())


@pytest.fixture
def path(campaign: PayloadCampaign) -> str:
    """Return the input of four events."""
    return campaign.block.jobs[0].input_file


def test_the_entries_asked_for_come_in_order(path: str) -> None:
    """Entries, identities and hits must be those of the file."""
    progress = Progress()
    with preparer(path, 1, 4, progress) as events:
        prepared = [event for event in events if isinstance(event, PreparedEvent)]
    assert [event.entry for event in prepared] == [1, 2, 3]
    assert [event.id.event for event in prepared] == [1, 2, 3]
    assert [len(event.hit_channel) for event in prepared] == [40, 0, 17]
    with open_events(path) as file:
        assert progress.input_uuid == file.uuid
        assert (prepared[0].hit_channel == next(file.events(1, 2)).hits.channel).all()
    assert all(event.hit_channel.base is None for event in prepared), "a slice keeps its whole chunk in memory"
    seconds = progress.stages.seconds()
    assert seconds.read_s > 0
    assert seconds.prepare_s > 0
    assert progress.prepared_hits == 57


@pytest.mark.parametrize(("name", "error"), [("input.root", EntriesOutOfRange), ("missing.root", InputAway)])
def test_an_error_of_the_thread_is_raised_where_the_events_are_awaited(
    path: str, name: str, error: type[Exception]
) -> None:
    """The reader's errors must reach the main thread, as they are."""
    with preparer(path.replace("input.root", name), 2, 9) as events, pytest.raises(error):
        list(events)


def test_an_error_half_way_comes_after_the_good_events(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events before the bad one must be handed out first: their order is that of the file."""
    calls = iter(range(10))

    def fails_at_the_third(*arguments: object) -> object:
        del arguments
        if next(calls) == 2:
            raise ZeroDivisionError
        return object()

    monkeypatch.setattr(prepare, "build_views", fails_at_the_third)
    with preparer(path, 0, 4) as events:
        iterator = iter(events)
        first = [next(iterator), next(iterator)]
        assert [event.entry for event in first if isinstance(event, PreparedEvent)] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            next(iterator)


def test_no_more_than_three_events_are_in_memory(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first event is being scored, one more may wait and one more be prepared."""
    read: list[Event] = []

    @contextlib.contextmanager
    def watched(name: str) -> Iterator[object]:
        with open_events(name) as file:
            yield _Watched(file, read)

    monkeypatch.setattr(prepare, "open_events", watched)
    with preparer(path, 0, 4) as events:
        iterator = iter(events)
        next(iterator)
        deadline = time.monotonic() + 10
        while len(read) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert len(read) == 3
        assert len(list(iterator)) == 3


class _Watched:
    """An event file that notes what was read from it."""

    def __init__(self, file: EventFile, read: list[Event]) -> None:
        self._file, self._read = file, read
        self.uuid, self.channels = file.uuid, file.channels

    def events(self, start: int, stop: int) -> Iterator[Event]:
        for event in self._file.events(start, stop):
            self._read.append(event)
            yield event


def test_the_rest_of_the_chain_is_slept_and_left_at_once(path: str) -> None:
    """A rehearsal must take its time for each event, and none once nobody wants its events."""
    before, progress = time.monotonic(), Progress()
    with Preparer(path, 0, 2, adc_per_electron=0.003, progress=progress, rest_of_chain_s=0.2) as events:
        assert len(list(events)) == 2
    assert time.monotonic() - before >= 0.4
    assert progress.stages.so_far("prepare_s") >= 0.4, "the rest of the chain is part of preparing an event"
    with Preparer(path, 0, 2, adc_per_electron=0.003, progress=Progress(), rest_of_chain_s=3600):
        time.sleep(0.1)
    assert_no_thread_is_left()


def test_the_thread_ends_when_nobody_wants_its_events(path: str) -> None:
    """Leaving early must not leave a thread that holds the file open."""
    with preparer(path, 0, 4) as events:
        next(iter(events))
    assert_no_thread_is_left()


def assert_no_thread_is_left() -> None:
    """Assert that the threads end by themselves, soon."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(thread.name == "prepare" for thread in threading.enumerate()):
        time.sleep(0.02)
    assert not any(thread.name == "prepare" for thread in threading.enumerate())


class Flaw:
    """Makes building the views of one call after another fail as told; what is built otherwise is real."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *fails: InputError | None) -> None:
        self._fails = iter(fails)
        monkeypatch.setattr(prepare, "build_views", self._sometimes)

    def _sometimes(self, *arguments: Any) -> EventViews:  # noqa: ANN401 - passed on
        error = next(self._fails, None)
        if error is not None:
            raise error
        return build_views(*arguments)


def test_what_cannot_be_used_once_is_read_again(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read that fails once, at whatever entry, must cost no event, double none and be told of."""
    Flaw(monkeypatch, EventBad("first"), None, None, EventBad("third"))
    with preparer(path, 0, 4) as events:
        entries = [event.entry for event in events if isinstance(event, PreparedEvent)]
    assert entries == [0, 1, 2, 3]
    assert capsys.readouterr().err.count("it is read once more before the job gives up") == 2


def test_what_cannot_be_used_twice_ends_the_job(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage that stays must be reported, after the events before it."""
    Flaw(monkeypatch, None, EventBad("once"), EventBad("twice"))
    with preparer(path, 0, 4) as events:
        iterator = iter(events)
        assert isinstance(next(iterator), PreparedEvent)
        with pytest.raises(EventBad, match="twice"):
            next(iterator)


def test_events_of_two_files_are_not_mixed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is another one at the second look must make the job begin again."""
    Flaw(monkeypatch, None, EventBad("once"))
    progress = Progress()
    with preparer(path, 0, 4, progress) as events:
        iterator = iter(events)
        next(iterator)
        progress.input_uuid = "of another file"
        with pytest.raises(InputAway, match="another file took its place"):
            list(iterator)


_READ_IN_A_THREAD = """
import sys
import jobs.payload.attempt
from jobs.payload.prepare import Preparer
from jobs.payload.progress import Progress

before = set(sys.modules)
with Preparer(sys.argv[1], 0, 4, adc_per_electron=0.003, progress=Progress()) as events:
    list(events)
print(*sorted(set(sys.modules) - before))
"""


def test_reading_imports_nothing(path: str) -> None:
    """The thread must not import what walks through tables of modules that the main thread imports meanwhile."""
    done = subprocess.run([sys.executable, "-c", _READ_IN_A_THREAD, path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
