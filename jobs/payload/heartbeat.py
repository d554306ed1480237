"""Tells HTCondor's event log what the job did in its last minute."""

from __future__ import annotations

import time
from dataclasses import dataclass
from operator import sub
from typing import TYPE_CHECKING, Literal

from jobs.heartbeat import Heartbeat
from jobs.payload.repeat import Repeated

if TYPE_CHECKING:
    from jobs.payload.chirp import Chirp
    from jobs.payload.progress import Progress
    from jobs.payload.worker import Worker
    from sonic.pace import Pacer
    from sonic.scores import Traffic
    from sonic.wire_format import WireFormat

__all__ = ["Heart"]

_FIRST_S = 10.0
"""The first one comes early: the throttle waits for it."""

_WAIT_AT_END_S = 2.0


@dataclass(frozen=True)
class _Moment:
    at: float
    events: int
    hits: int
    prepared_hits: int
    hits_on_cpu: int
    prepare_s: float
    inference_s: float
    write_s: float
    traffic: Traffic


class Heart:
    """Sends heartbeats of one attempt.

    Args:
        chirp: the line to HTCondor.
        job: its number in the manifest.
        flavour: where the network runs.
        worker: where it runs.
        progress: what it did so far, which other threads go on filling.
        pacer: its share; None if it is not paced.
        wire_format: how its hits travel.

    """

    def __init__(
        self,
        chirp: Chirp,
        job: int,
        flavour: Literal["gpu", "cpu"],
        worker: Worker,
        progress: Progress,
        pacer: Pacer | None,
        wire_format: WireFormat = "patches",
    ) -> None:
        self._chirp = chirp
        self._job = job
        self._flavour = flavour
        self._worker = worker
        self._progress = progress
        self._pacer = pacer
        self._wire_format = wire_format
        self._told = self._moment()

    def beating(self, every_s: float) -> Repeated:
        """Return the thread that sends one every few seconds and, when it is left, the last one."""
        first_s = min(_FIRST_S, every_s)
        return Repeated(
            "heartbeat", self.beat, first_s=first_s, every_s=every_s, at_end=self._beat_last, wait_s=_WAIT_AT_END_S
        )

    def beat(self, *, last: bool = False) -> None:
        """Tell what was done since the last time that HTCondor took one.

        Raises:
            ChirpFailed: it does not take this one; the next one will tell of its time too.

        """
        now, before = self._moment(), self._told
        heartbeat = Heartbeat(
            job=self._job,
            attempt=self._worker.attempt,
            site=self._worker.site,
            flavour=self._flavour,
            window_s=now.at - before.at,
            events=now.events - before.events,
            hits=now.hits - before.hits,
            bytes_sent=now.traffic.bytes_sent - before.traffic.bytes_sent,
            requests=now.traffic.requests - before.traffic.requests,
            retries=now.traffic.retries - before.traffic.retries,
            paced_s=max(0.0, now.traffic.paced_s - before.traffic.paced_s),
            latency_s=max(0.0, now.traffic.latency_s - before.traffic.latency_s),
            latency_counts=tuple(map(sub, now.traffic.latency_counts, before.traffic.latency_counts)),
            prepare_s=max(0.0, now.prepare_s - before.prepare_s),
            inference_s=max(0.0, now.inference_s - before.inference_s),
            write_s=max(0.0, now.write_s - before.write_s),
            share_mbps=None if self._pacer is None else self._pacer.rate_mbps,
            total_events=self._progress.before.events + now.events,
            total_bytes_sent=self._progress.before.bytes_sent + now.traffic.bytes_sent,
            prepared_hits=now.prepared_hits - before.prepared_hits,
            hits_on_cpu=now.hits_on_cpu - before.hits_on_cpu,
            wire_format=self._wire_format,
            last=last,
        )
        self._chirp.ulog(heartbeat.encode())
        self._told = now

    def _beat_last(self) -> None:
        self.beat(last=not self._progress.again)
        done, before = self._moment(), self._progress.before
        self._chirp.set_job_attrs_delayed(
            ChirpSonicGridEvents=before.events + done.events,
            ChirpSonicGridHits=before.hits + done.hits,
            ChirpSonicGridBytesSent=before.bytes_sent + done.traffic.bytes_sent,
            ChirpSonicGridPacedSeconds=round(before.paced_s + done.traffic.paced_s, 3),
        )

    def _moment(self) -> _Moment:
        progress = self._progress
        # Of preparing and writing, whole stretches only: their seconds must be those of the events that they are for.
        done = progress.stages.seconds()
        return _Moment(
            at=time.monotonic(),
            events=progress.events,
            hits=progress.hits,
            prepared_hits=progress.prepared_hits,
            hits_on_cpu=progress.hits_on_cpu,
            prepare_s=done.read_s + done.prepare_s,
            inference_s=progress.stages.so_far("inference_s"),
            write_s=done.write_s,
            traffic=progress.traffic(),
        )
