"""One job: a process of its own that takes orders through a pipe, and scores when it is told to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tritonclient.utils import InferenceServerException

from measure.errors import BenchmarkFailed
from measure.scoring.meter import Meter
from measure.scoring.stored import read_patches, read_scores, read_views
from measure.scoring.ways import BareLoop, ClientLoop, LocalLoop
from sonic.client import Client
from sonic.errors import SonicError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from measure.scoring.ways import WayName
    from sonic import Scores
    from sonic.wire_format import WireFormat

__all__ = ["Failed", "Loop", "Ready", "Slice", "Whole", "WholeEvents", "work"]


_BURST_S = 0.05


@dataclass(frozen=True)
class Loop:
    """The order to get ready for a slice; the job says `Ready`, is told the `Slice`, and answers with `Metered`."""

    way: WayName
    endpoint: str


@dataclass(frozen=True)
class Ready:
    """The job can begin at any moment."""


@dataclass(frozen=True)
class Slice:
    """When to score, by `time.monotonic`, which all processes of a machine share."""

    start_at: float
    stop_at: float


@dataclass(frozen=True)
class Whole:
    """The order to score every event once, from its beginning to its end; the job answers with `WholeEvents`."""

    wire_format: WireFormat
    endpoint: str


@dataclass(frozen=True)
class WholeEvents:
    """Events scored one after the other by one job alone.

    Attributes:
        cpu_s: CPU seconds of the job's process for each, all its threads together.
        seconds: for each.
        bytes_sent: handed to gRPC for each.
        same_scores: whether every score has the same bits as ONNX Runtime's in one process.

    """

    cpu_s: tuple[float, ...]
    seconds: tuple[float, ...]
    bytes_sent: tuple[int, ...]
    same_scores: bool


@dataclass(frozen=True)
class Failed:
    """The job could not do what it was told."""

    why: str


def work(pipe: Connection, folder: Path, events: int, model: Path, threads: int) -> None:
    """Take orders until the other end of the pipe is gone.

    Args:
        pipe: to who gives the orders.
        folder: with the prepared events.
        events: how many they are.
        model: for ONNX Runtime.
        threads: of it.

    """
    job = _Job(pipe, folder, events, model, threads)
    while True:
        try:
            order = pipe.recv()
        except EOFError:
            return
        try:
            job.obey(order)
        except (BenchmarkFailed, SonicError, InferenceServerException) as error:
            pipe.send(Failed(f"{type(error).__name__}: {error}"))


class _Job:
    def __init__(self, pipe: Connection, folder: Path, events: int, model: Path, threads: int) -> None:
        self._pipe = pipe
        self._model = model
        self._threads = threads
        self._scores = [read_scores(folder, number) for number in range(events)]
        self._events = [read_views(folder, number) for number in range(events)]
        self._batches = read_patches(folder)
        # A first look at each page of a mapped file costs time that is nobody's in the comparison.
        for array in (*self._batches, *(view.pixels for views in self._events for view in views)):
            array.max()

    def obey(self, order: Loop | Whole) -> None:
        if isinstance(order, Whole):
            self._pipe.send(self._score_whole(order))
            return
        with self._loop(order) as loop:
            self._pipe.send(Ready())
            slice_: Slice = self._pipe.recv()
            time.sleep(max(0.0, slice_.start_at - time.monotonic()))
            meter = Meter(slice_.stop_at)
            retries = loop.run(meter)
            # Answers that came in one burst with the last one count with it.
            time.sleep(_BURST_S)
            metered = meter.metered(retries)
        self._pipe.send(metered)

    def _loop(self, order: Loop) -> LocalLoop | BareLoop | ClientLoop:
        if order.way == "onnx":
            return LocalLoop(self._model, self._threads, self._batches)
        if order.way == "bare":
            return BareLoop(order.endpoint, self._batches)
        return ClientLoop(order.endpoint, order.way, self._events)

    def _score_whole(self, order: Whole) -> WholeEvents:
        cpu_s, seconds, n_bytes, same = [], [], [], True
        with Client([order.endpoint], wire_format=order.wire_format) as client:
            # Connects, imports and allocates.
            client.score(self._events[0][:1])
            for views, expected in zip(self._events, self._scores, strict=True):
                sent_before, cpu_before, began = client.traffic().bytes_sent, time.process_time(), time.monotonic()
                scores = client.score(views)
                cpu_s.append(time.process_time() - cpu_before)
                seconds.append(time.monotonic() - began)
                n_bytes.append(client.traffic().bytes_sent - sent_before)
                same = same and _same_bits(scores, expected)
        return WholeEvents(tuple(cpu_s), tuple(seconds), tuple(n_bytes), same)


def _same_bits(scores: Sequence[Scores], expected: Sequence[Scores]) -> bool:
    return len(scores) == len(expected) and all(
        np.array_equal(one.em_trk_none, other.em_trk_none) and np.array_equal(one.michel, other.michel)
        for one, other in zip(scores, expected, strict=True)
    )
