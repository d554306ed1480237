"""Mb/s of a job from what jobs report: the same whether a job is paced or not."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.heartbeat import Heartbeat
from jobs.throttle.tally import MEMORY_S, Tally, tally_of_heartbeat
from sonic.network import PATCH_BYTES
from sonic.pace import WIRE_OVERHEAD

HITS = 55_000
EVENT_MB = HITS * PATCH_BYTES * WIRE_OVERHEAD / 1e6
SECONDS = st.floats(1.0, 500.0)


def report(events: float, prepare_s: float, send_s: float, share_mbps: float | None, prepared: float = 0.0) -> Tally:
    """Return what a job reports of events that each take so long to prepare, and to send if nobody holds them back.

    The stages overlap, so an event takes the longest of preparing, sending, and what the share makes of sending.
    """
    on_the_wire_s = send_s if share_mbps is None else max(send_s, EVENT_MB * 8 / share_mbps)
    window_s = events * max(prepare_s, on_the_wire_s)
    beat = Heartbeat(
        job=0,
        attempt=0,
        site="FNAL",
        flavour="gpu",
        window_s=window_s,
        events=round(events),
        hits=round(events * HITS),
        bytes_sent=round(events * HITS * PATCH_BYTES),
        requests=0,
        retries=0,
        paced_s=events * (on_the_wire_s - send_s),
        latency_s=0,
        prepare_s=(prepared or events) * prepare_s,
        inference_s=events * on_the_wire_s,
        write_s=0,
        share_mbps=share_mbps,
        total_events=0,
        total_bytes_sent=0,
        prepared_hits=round((prepared or events) * HITS),
    )
    return tally_of_heartbeat(beat)


def beat_of(**changes: object) -> Heartbeat:
    """A minute of a job that sends views: two events of 20 bytes a hit, and three that were prepared."""
    values: dict[str, object] = {
        "job": 0, "attempt": 0, "site": "FNAL", "flavour": "gpu", "wire_format": "views", "window_s": 60.0,
        "events": 2, "hits": 2 * HITS, "bytes_sent": 2 * HITS * 20, "requests": 6, "retries": 0, "paced_s": 0.0,
        "latency_s": 0.0, "prepare_s": 60.0, "inference_s": 30.0, "write_s": 1.0, "share_mbps": None,
        "total_events": 2, "total_bytes_sent": 0, "prepared_hits": 3 * HITS,
    }  # fmt: skip
    return Heartbeat.model_validate(values | changes)


def test_a_prepared_view_takes_what_hits_took() -> None:
    """What waits to be sent has no size yet with views: the hits that were sent give it one."""
    tally = tally_of_heartbeat(beat_of())
    assert tally.mb_per_hit("views") == pytest.approx(20 * WIRE_OVERHEAD / 1e6)
    assert tally.mbps == pytest.approx(3 * HITS * 20 * WIRE_OVERHEAD * 8 / 1e6 / 60)
    assert Tally().mb_per_hit("views") == pytest.approx(21 * WIRE_OVERHEAD / 1e6)
    assert tally.mb_per_hit("patches") == pytest.approx(PATCH_BYTES * WIRE_OVERHEAD / 1e6)


@pytest.mark.parametrize(
    "changes",
    [
        {"hits_on_cpu": 100},
        {"requests": 0, "bytes_sent": 0, "inference_s": 60.0},
        {"requests": 0, "retries": 4, "inference_s": 60.0},
    ],
    ids=["scored in the job", "closed port", "silent pool"],
)
def test_an_outage_says_nothing_about_a_job(changes: dict[str, object]) -> None:
    """A job that asks a pool in vain must not look like one that takes its time to send little."""
    assert tally_of_heartbeat(beat_of(**changes)) == Tally()


def test_a_share_of_nothing_is_no_outage() -> None:
    """A job that its pacer holds back entirely has asked nobody; the time is its share's doing."""
    tally = tally_of_heartbeat(beat_of(requests=0, bytes_sent=0, inference_s=60.0, paced_s=60.0, share_mbps=0.0))
    assert tally.paced_s == tally.window_s == 60


def test_uneven_events_are_no_pressure() -> None:
    """A job that is now preparing and now waiting for the pool loses time that more share would not give it."""
    tally = tally_of_heartbeat(beat_of(prepare_s=25.0, inference_s=25.0, paced_s=1.2, share_mbps=10.0))
    assert tally.pressure == pytest.approx(0.02)


@given(SECONDS, SECONDS, st.floats(1.0, 2000.0))
def test_a_paced_job_measures_as_an_unpaced_one(prepare_s: float, send_s: float, share_mbps: float) -> None:
    """However thin the share, what the pacer holds back is no property of the job."""
    alone = report(100, prepare_s, send_s, None).mbps
    paced = report(100, prepare_s, send_s, share_mbps).mbps
    assert alone == pytest.approx(EVENT_MB * 8 / max(prepare_s, send_s), rel=1e-6)
    assert paced == pytest.approx(alone, rel=1e-6)


@given(SECONDS, st.floats(0.01, 1.0))
def test_events_that_wait_do_not_make_a_job_look_slow(prepare_s: float, sent: float) -> None:
    """A job that has prepared three events and sent a piece of one is as fast as its preparing says.

    Else a site with a thin share would be measured as one with little to send, and get a thinner one for it.
    """
    tally = report(sent, prepare_s, 1.0, 5.0, prepared=3)
    assume(tally.window_s > 20 and prepare_s > 1.0)
    assert tally.mbps == pytest.approx(EVENT_MB * 8 / prepare_s, rel=1e-6)


@given(st.floats(10.0, 500.0), st.floats(1.01, 4.0))
def test_pressure_is_what_jobs_lose(prepare_s: float, slowdown: float) -> None:
    """Jobs whose shares slow them down by a factor wait for the rest of the time, and use all of their shares."""
    share_mbps = EVENT_MB * 8 / prepare_s / slowdown
    tally = report(10, prepare_s, 1.0, share_mbps)
    assert tally.pressure == pytest.approx(1 - 1 / slowdown, abs=1e-6)
    assert tally.share_use == pytest.approx(1.0, rel=1e-6)


def test_a_share_that_is_never_short_presses_nobody() -> None:
    """A job with twice the share that it needs has no pressure although each of its requests waits for the pacer."""
    tally = report(10, 100.0, 2.0, EVENT_MB * 8 / 50.0)
    assert tally.paced_s / tally.window_s == pytest.approx(0.48)
    assert tally.pressure == pytest.approx(0.0, abs=1e-9)
    assert tally.share_use == pytest.approx(0.5)


def test_jobs_without_a_share_say_nothing_about_it() -> None:
    """Behind a gateway nothing paces the jobs: there is no pressure to follow."""
    tally = report(10, 100.0, 2.0, None)
    assert (tally.pressure, tally.share_use) == (None, None)


def test_too_little_says_nothing() -> None:
    """The first seconds of a job, before anything was sent, give no rate."""
    assert Tally().mbps is None
    assert Tally(prepare_s=100, window_s=100).mbps is None
    assert report(0.1, 100.0, 1.0, None).mbps is None


def test_what_was_long_ago_fades() -> None:
    """A change shows: after the memory's time old reports count 1/e, and new ones of another kind take over."""
    old, new = report(100, 100.0, 1.0, None), report(100, 50.0, 1.0, None)
    assert old.faded(MEMORY_S).wire_mb == pytest.approx(old.wire_mb / math.e)
    assert old.faded(MEMORY_S).mbps == pytest.approx(old.mbps)
    mixed = (old.faded(5 * MEMORY_S) + new).mbps
    assert new.mbps is not None
    assert mixed == pytest.approx(new.mbps, rel=0.02)
