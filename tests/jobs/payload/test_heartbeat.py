"""Heartbeats of one attempt: everything is told once, soon, and at the end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jobs.heartbeat import Heartbeat, decode
from jobs.payload.chirp import find_chirp
from jobs.payload.errors import ChirpFailed
from jobs.payload.heartbeat import Heart
from jobs.payload.progress import Progress
from jobs.payload.worker import Worker
from sonic.fallback import FallbackScorer
from sonic.pace import Pacer
from sonic.scores import Traffic
from tests.builders.starter import Starter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    from sonic.scores import Scores
    from sonic.view import View
    from tests.builders.payload import PayloadCampaign

WORKER = Worker(site="here", host="worker-1", cpu_model="", cluster=12, proc=3, attempt=1)


class _Counting:
    """A scorer of which a test says what it has moved."""

    endpoint = "fake:8001"

    def __init__(self) -> None:
        self.moved = Traffic()

    def score(self, views: Sequence[View]) -> list[Scores]:
        raise NotImplementedError

    def traffic(self) -> Traffic:
        return self.moved

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...


class _NoPool(_Counting):
    """One that could be asked whether it is back."""

    def reachable(self) -> bool:
        return False


def told(starter: Starter) -> list[Heartbeat]:
    """Return the heartbeats that the stand-in heard."""
    lines = [command.removeprefix("ulog ") for command in starter.commands if command.startswith("ulog ")]
    heartbeats = [decode(line.replace("\\ ", " ").replace("\\\\", "\\")) for line in lines]
    return [heartbeat for heartbeat in heartbeats if heartbeat is not None]


@pytest.fixture
def progress() -> Progress:
    """Return the progress of an attempt that has done nothing yet."""
    return Progress(scorer=_Counting())


def do_event(progress: Progress) -> None:
    """Let the attempt finish one event."""
    assert isinstance(progress.scorer, _Counting)
    progress.events += 1
    progress.hits += 100
    progress.prepared_hits += 150
    moved = progress.scorer.moved
    progress.scorer.moved = replace(
        moved, bytes_sent=moved.bytes_sent + 1000, requests=moved.requests + 4, latency_s=moved.latency_s + 0.5
    )


def a_heart(starter: Starter, campaign: PayloadCampaign, progress: Progress, pacer: Pacer | None) -> Heart:
    """Return the heart of an attempt that talks to a stand-in."""
    chirp = find_chirp(str(starter.config))
    assert chirp is not None
    return Heart(chirp, campaign.block.jobs[0].job, "cpu", WORKER, progress, pacer, "views")


def test_every_stretch_is_told_once(campaign: PayloadCampaign, tmp_path: Path, progress: Progress) -> None:
    """A heartbeat must hold what happened since the last that was taken; what HTCondor refused belongs to the next."""
    refuse = [False]
    pacer = Pacer(34.0)
    with Starter(tmp_path, lambda command: b"-17\n" if refuse[0] else b"0\n") as starter:
        heart = a_heart(starter, campaign, progress, pacer)
        do_event(progress)
        heart.beat()
        do_event(progress)
        refuse[0] = True
        with pytest.raises(ChirpFailed):
            heart.beat()
        refuse[0] = False
        do_event(progress)
        pacer.set_rate(12.0)
        heart.beat()
    first, refused, third = told(starter)
    assert [(one.events, one.total_events) for one in (first, refused, third)] == [(1, 1), (1, 2), (2, 3)]
    assert (first.prepared_hits, third.prepared_hits) == (150, 300)
    assert (third.hits, third.bytes_sent, third.requests, third.latency_s) == (200, 2000, 8, 1.0)
    assert (third.total_bytes_sent, third.share_mbps, first.share_mbps) == (3000, 12.0, 34.0)
    assert (third.job, third.attempt, third.site, third.flavour, third.last) == (3, 1, "here", "cpu", False)


def test_hits_that_the_pool_left_alone_are_told(campaign: PayloadCampaign, tmp_path: Path) -> None:
    """The throttle must know which stretches say nothing about the network, and how hits travel in the others."""
    fallback = FallbackScorer(_NoPool(), _NoPool)
    with Starter(tmp_path, lambda command: b"0\n") as starter:
        heart = a_heart(starter, campaign, Progress(scorer=fallback), None)
        for hits in (70, 70, 100):
            fallback.hits_on_cpu = hits
            heart.beat()
    assert [(one.hits_on_cpu, one.wire_format) for one in told(starter)] == [(70, "views"), (0, "views"), (30, "views")]


def test_an_event_that_takes_long_shows(campaign: PayloadCampaign, tmp_path: Path, progress: Progress) -> None:
    """Seconds and bytes of an event that is not finished must be told already, or the throttle would see a pause."""
    with Starter(tmp_path, lambda command: b"0\n") as starter:
        heart = a_heart(starter, campaign, progress, None)
        with progress.stages.timed("inference_s"):
            time.sleep(0.05)
            heart.beat()
    (heartbeat,) = told(starter)
    assert heartbeat.events == 0
    assert 0.05 <= heartbeat.inference_s <= heartbeat.window_s
    assert heartbeat.share_mbps is None


def test_the_end_is_told_with_the_totals(campaign: PayloadCampaign, tmp_path: Path, progress: Progress) -> None:
    """An attempt that ends before its first minute must have said what it did, in the log and in its ad."""
    with (
        Starter(tmp_path, lambda command: b"0\n") as starter,
        a_heart(starter, campaign, progress, None).beating(every_s=60),
    ):
        do_event(progress)
    (heartbeat,) = told(starter)
    assert (heartbeat.last, heartbeat.events, heartbeat.bytes_sent) == (True, 1, 1000)
    assert starter.commands[1:] == [
        "set_job_attr_delayed ChirpSonicGridEvents 1",
        "set_job_attr_delayed ChirpSonicGridHits 100",
        "set_job_attr_delayed ChirpSonicGridBytesSent 1000",
        "set_job_attr_delayed ChirpSonicGridPacedSeconds 0.0",
    ]
