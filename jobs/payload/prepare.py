"""Reads and prepares the next event in a thread of its own, while this one's scores are on their way.

The thread opens the file too: a main thread that never waits for a file system can always be stopped.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.payload.say import say
from jobs.reco.errors import InputAway, InputError
from jobs.reco.read import open_events
from jobs.reco.views import build_views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from jobs.payload.output import ScoredEvent
    from jobs.payload.progress import Progress
    from jobs.reco.event import EventId
    from jobs.reco.views import EventViews

__all__ = ["PreparedEvent", "Preparer"]

_AHEAD = 1
"""Events that wait ready; with the one being read and the one being scored, three are in memory."""

_LOOK_AROUND_S = 0.2
"""How soon the thread notices that nobody wants its events any more."""


@dataclass(frozen=True, eq=False)
class PreparedEvent:
    """One event, ready for the network; its waveforms are gone.

    Attributes:
        id: identity of the event.
        entry: its entry in the input.
        hit_channel: int32 (n_hits,), in the order of the input's hits.
        hit_peak_tick: float32 (n_hits,).
        views: the views that have hits, and the way back to the order of the hits.

    """

    id: EventId
    entry: int
    hit_channel: NDArray[np.int32]
    hit_peak_tick: NDArray[np.float32]
    views: EventViews


class _End:
    """Put last into the queue."""


def _nothing(_uuid: str) -> Iterable[ScoredEvent]:
    return ()


class Preparer:
    """Iterates over the prepared events of one entry range.

    Args:
        input_file: path or URL.
        start: first entry.
        stop: one past the last.
        adc_per_electron: factor from the wires' electrons per tick to the network's ADC.
        rest_of_chain_s: seconds slept for each event in place of the rest of the reconstruction, for rehearsals.
        progress: where seconds and the file's UUID are noted.
        resume: given the file's UUID, returns the events at the start of the range that an earlier attempt scored: they
            come first, and are not read again.

    Raises:
        InputError: while iterating; whatever the thread raises is raised again in the thread that iterates.

    """

    def __init__(
        self,
        input_file: str,
        start: int,
        stop: int,
        *,
        adc_per_electron: float,
        progress: Progress,
        rest_of_chain_s: float = 0.0,
        resume: Callable[[str], Iterable[ScoredEvent]] = _nothing,
    ) -> None:
        self._input_file = input_file
        self._range = self._left = range(start, stop)
        self._adc_per_electron = adc_per_electron
        self._progress = progress
        self._rest_of_chain_s = rest_of_chain_s
        self._resume = resume
        self._queue: queue.Queue[PreparedEvent | ScoredEvent | BaseException | _End] = queue.Queue(maxsize=_AHEAD)
        self._unwanted = threading.Event()
        # A daemon: a read that hangs in a file system must not keep a stopped job alive.
        self._thread = threading.Thread(target=self._run, name="prepare", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the thread end by itself; there is nothing to wait for."""
        self._unwanted.set()

    def __iter__(self) -> Iterator[PreparedEvent | ScoredEvent]:
        while True:
            item = self._queue.get()
            if isinstance(item, _End):
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        try:
            for event in self._events():
                if not self._put(event):
                    return
        except BaseException as error:  # noqa: BLE001  # raised again, whatever it is, where the events are awaited
            self._put(error)
        else:
            self._put(_End())

    def _put(self, item: PreparedEvent | ScoredEvent | BaseException | _End) -> bool:
        """Put one item as soon as there is room; False if nobody wants it."""
        while not self._unwanted.is_set():
            try:
                self._queue.put(item, timeout=_LOOK_AROUND_S)
            except queue.Full:
                continue
            return True
        return False

    def _events(self) -> Iterator[PreparedEvent | ScoredEvent]:
        """Yield the events; what cannot be used is read twice before it is believed.

        Bad input ends a job for good, and a read can fail once for reasons that are not in the file: a page that a
        network file system delivered damaged, a library that is not as safe in threads as it says.
        """
        doubted = None
        while True:
            try:
                yield from self._read()
            except InputAway:
                raise
            except InputError as error:
                if doubted == self._left.start:
                    raise
                doubted = self._left.start
                say(f"warning: {error}; it is read once more before the job gives up\n")
            else:
                return

    def _read(self) -> Iterator[PreparedEvent | ScoredEvent]:
        """Open the file and yield the events that are still to come."""
        stages = self._progress.stages
        with stages.timed("read_s"):
            opened = open_events(self._input_file)
            file = opened.__enter__()
        try:
            if self._progress.input_uuid not in ("", file.uuid):
                message = f"{self._input_file}: another file took its place while the job read it; it begins again"
                raise InputAway(message)
            self._progress.input_uuid = file.uuid
            if self._left == self._range:
                for kept in self._resume(file.uuid):
                    self._left = self._left[1:]
                    yield kept
            if not self._left:
                # All was scored before, and only the output could not be put in place.
                return
            events = file.events(self._left.start, self._left.stop)
            for entry in self._left:
                with stages.timed("read_s"):
                    event = next(events)
                with stages.timed("prepare_s"):
                    views = build_views(event, file.channels, self._adc_per_electron)
                    if self._rest_of_chain_s:
                        self._unwanted.wait(self._rest_of_chain_s)
                self._progress.prepared_hits += len(event.hits.channel)
                self._left = self._left[1:]
                # Copies: slices would keep the arrays of all events that were read together.
                yield PreparedEvent(event.id, entry, event.hits.channel.copy(), event.hits.peak_tick.copy(), views)
        finally:
            opened.__exit__(None, None, None)
