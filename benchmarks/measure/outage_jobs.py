"""Clients under load for as long as a pool is being hurt: processes that score events again and again, and tell all.

Each is one job's client: it checks every score against the network's own, and notes when each answer came.
"""

from __future__ import annotations

import multiprocessing
import queue
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sonic.client import Client
from sonic.credentials import Credentials
from sonic.errors import SonicError
from sonic.formats import format_named
from sonic.limits import Limits
from sonic.network import MODEL_NAME, MODEL_VERSION
from sonic.transport import Model, TritonTransport
from sonic.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import SpawnProcess
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from numpy.typing import NDArray

    from sonic.message import Message
    from sonic.scores import Scores
    from sonic.transport import Reply
    from sonic.wire_format import WireFormat

__all__ = ["Heard", "Jobs", "load_views", "running_jobs", "save_views"]

_LAST_WORDS_S = 60.0


@dataclass(frozen=True)
class _Note:
    """What one job tells: an answer, or an event that is done; `at_s` by `time.monotonic`, which processes share."""

    job: int
    kind: str
    at_s: float
    retries: int = 0


@dataclass
class Heard:
    """What the jobs have told.

    Attributes:
        answers_s: when each job's answers came, by job.
        right, wrong: events with all scores as the network here gives them, and others.
        retries: requests sent again, by job.
        errors: what ended a job.

    """

    answers_s: dict[int, list[float]] = field(default_factory=dict)
    right: int = 0
    wrong: int = 0
    retries: dict[int, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def longest_wait_s(self, begin_s: float, end_s: float) -> float:
        """Return the longest time for which a job had no answer between two moments."""
        waits = []
        for times in self.answers_s.values():
            inside = [begin_s, *(at for at in times if begin_s < at < end_s), end_s]
            waits.append(max(after - before for before, after in pairwise(inside)))
        return max(waits, default=end_s - begin_s)

    def answers(self, begin_s: float, end_s: float) -> int:
        """Return how many answers came between two moments."""
        return sum(begin_s < at < end_s for times in self.answers_s.values() for at in times)


class Jobs:
    """Running jobs.

    Attributes:
        heard: what they have told so far, once `listen` has run.

    """

    def __init__(self, notes: Queue[_Note | str], processes: list[SpawnProcess]) -> None:
        self._notes = notes
        self._processes = processes
        self.heard = Heard({job: [] for job in range(len(processes))})

    def listen(self, seconds: float) -> None:
        """Take in what they tell for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self._take(self._notes.get(timeout=left))
            except queue.Empty:
                return

    def finish(self, stop: Event) -> None:
        """Let every job finish its event, and take in its last words."""
        stop.set()
        until = time.monotonic() + _LAST_WORDS_S
        while any(process.is_alive() for process in self._processes) and time.monotonic() < until:
            self.listen(0.2)
        self.listen(0.2)

    def _take(self, note: _Note | str) -> None:
        heard = self.heard
        if isinstance(note, str):
            heard.errors.append(note)
        elif note.kind == "answer":
            heard.answers_s[note.job].append(note.at_s)
        else:
            heard.right += note.kind == "right"
            heard.wrong += note.kind == "wrong"
            heard.retries[note.job] = note.retries


@contextmanager
def running_jobs(n_jobs: int, endpoint: str, event: Path, wire_format: WireFormat, patience_s: float) -> Iterator[Jobs]:
    """Have so many jobs score an event (`save_views`) through an endpoint until the context is left."""
    spawn = multiprocessing.get_context("spawn")
    notes: Queue[_Note | str] = spawn.Queue()
    stop = spawn.Event()
    arguments = (endpoint, event, wire_format, patience_s, notes, stop)
    processes = [spawn.Process(target=_score_on, args=(job, *arguments), daemon=True) for job in range(n_jobs)]
    for process in processes:
        process.start()
    jobs = Jobs(notes, processes)
    try:
        yield jobs
        jobs.finish(stop)
    finally:
        for process in processes:
            process.kill()
            process.join()


def save_views(path: Path, views: tuple[View, ...], scores: list[Scores]) -> None:
    """Write an event's views and the scores that they must get."""
    arrays: dict[str, NDArray[Any]] = {}
    for number, (view, score) in enumerate(zip(views, scores, strict=True)):
        names = ("pixels", "hit_wire", "hit_drift", "em_trk_none", "michel")
        values = (view.pixels, view.hit_wire, view.hit_drift, score.em_trk_none, score.michel)
        arrays |= {f"{number}_{name}": value for name, value in zip(names, values, strict=True)}
    np.savez(path, allow_pickle=False, n_views=len(views), **arrays)


def load_views(path: Path) -> tuple[list[View], list[tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """Return what `save_views` wrote: views, and (em_trk_none, michel) of each."""
    with np.load(path, allow_pickle=False) as file:
        numbers = range(int(file["n_views"]))
        views = [View(file[f"{n}_pixels"], file[f"{n}_hit_wire"], file[f"{n}_hit_drift"]) for n in numbers]
        return views, [(file[f"{n}_em_trk_none"], file[f"{n}_michel"]) for n in numbers]


class _NotingTransport(TritonTransport):
    """Notes when answers come."""

    def __init__(self, endpoint: str, model: Model, note: Callable[[], None]) -> None:
        super().__init__(endpoint, model, Credentials())
        self._note = note

    def send(self, number: int, message: Message, timeout_s: float, done: Callable[[Reply], None]) -> int:
        """Send, and note the answer."""

        def noted(reply: Reply) -> None:
            if reply.answer is not None:
                self._note()
            done(reply)

        return super().send(number, message, timeout_s, noted)


def _score_on(
    job: int,
    endpoint: str,
    event: Path,
    wire_format: WireFormat,
    patience_s: float,
    notes: Queue[_Note | str],
    stop: Event,
) -> None:
    """Score one event again and again; what a job's process does."""
    views, expected = load_views(event)
    model = Model(format_named(wire_format), MODEL_NAME, MODEL_VERSION)
    note = partial(_put, notes, job, "answer")
    client = Client(
        [endpoint],
        wire_format=wire_format,
        limits=Limits(patience_s=patience_s),
        open_transport=lambda url: _NotingTransport(url, model, note),
    )
    with client:
        try:
            while not stop.is_set():
                scores = client.score(views)
                same = all(
                    np.array_equal(one.em_trk_none, em_trk_none) and np.array_equal(one.michel, michel)
                    for one, (em_trk_none, michel) in zip(scores, expected, strict=True)
                )
                _put(notes, job, "right" if same else "wrong", client.traffic().retries)
        except SonicError as error:
            notes.put(f"job {job}: {type(error).__name__}: {error}")


def _put(notes: Queue[_Note | str], job: int, kind: str, retries: int = 0) -> None:
    notes.put(_Note(job, kind, time.monotonic(), retries))
