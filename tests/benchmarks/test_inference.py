"""What the inference benchmark decides and computes without servers; speed itself is never asserted."""

from __future__ import annotations

import argparse
import itertools
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from inference import parse_jobs
from measure.errors import BenchmarkFailed
from measure.scoring.cases import ROUTES, Case, deal, one_round
from measure.scoring.crew import Sliced
from measure.scoring.inputs import make_inputs
from measure.scoring.job import WholeEvents
from measure.scoring.meter import Meter, Metered, TimeUp
from measure.scoring.plot import plot_rates
from measure.scoring.rates import CaseResult, Ratio, SliceResult, rate_of, ratios, slice_result
from measure.scoring.servers import Used, received_bytes
from measure.scoring.stored import BATCH_PATCHES, read_patches, read_scores, read_views
from measure.scoring.verdict import failures

from jobs.reco.generate import GeneratorParameters
from sonic.local import LocalScorer
from sonic.patches import cut_patches
from sonic.server.models import DEMO_MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from measure.scoring.ways import WayName

    from sonic.wire_format import WireFormat

BARE, PATCHES, VIEWS = (Case(way, "envoy", 1) for way in ("bare", "patches", "views"))
SMALL = GeneratorParameters(n_apas=1, density=0.3)
SAME = WholeEvents((0.3,), (2.0,), (1_500_000,), same_scores=True)


def _sliced(*jobs: Metered, case: Case = PATCHES, envoy_bytes: int = 0) -> Sliced:
    return Sliced(case, begin_s=10.0, end_s=14.0, jobs=jobs, servers=Used(6.0, 0.4), envoy_bytes=envoy_bytes)


def _metered(*marks: tuple[float, float, int], patches_sent: int = 0, bytes_sent: int = 0) -> Metered:
    return Metered(np.array(marks, np.float64).reshape(-1, 3), patches_sent, bytes_sent)


def _result(case: Case, *rates: float) -> CaseResult:
    one = SliceResult(0, 0.5, 5e8, 5e8, 2.0, 0.1, 0)
    return CaseResult(case, tuple(replace(one, patches_per_s=rate) for rate in rates))


def test_jobs_are_counts() -> None:
    """A list of counts is read in ascending order and without repeats; no jobs at all are refused."""
    assert parse_jobs("16, 1,4,4") == [1, 4, 16]
    for wrong in ("", "0,1", "-2"):
        with pytest.raises(argparse.ArgumentTypeError):
            parse_jobs(wrong)


def test_compared_cases_are_neighbours() -> None:
    """In each round every case comes once, those with one route and number of jobs in a row, the order turning."""
    rounds = [list(one_round(number, [1, 4], servers=2)) for number in range(2)]
    for cases in rounds:
        assert len(set(cases)) == len(cases) == 1 + 2 * 2 * 3
        assert cases[0] == Case("onnx", "none", 2)
        rows = [list(row) for _, row in itertools.groupby(cases[1:], lambda case: (case.route, case.jobs))]
        assert [len(row) for row in rows] == [3] * 4
    assert [case.way for case in rounds[0][1:4]] == [case.way for case in rounds[1][1:4]][::-1]


def test_direct_jobs_are_dealt_in_turn() -> None:
    """Jobs without Envoy share out the servers evenly; with it all go there."""
    assert deal(Case("views", "direct", 3), "envoy:1", ["one:1", "two:1"]) == ["one:1", "two:1", "one:1"]
    assert deal(Case("views", "envoy", 2), "envoy:1", ["one:1"]) == ["envoy:1", "envoy:1"]
    assert deal(Case("onnx", "none", 2), "envoy:1", ["one:1"]) == ["", ""]


def test_rate_counts_what_was_answered_in_between() -> None:
    """The warm-up does not count, jobs add up, and CPU time is that of the span between the answers at its ends."""
    first = _metered(*((float(at), at / 10, 100) for at in range(5, 20)))
    second = _metered(*((at + 0.5, at / 5, 50) for at in range(5, 20)))
    rate = rate_of(_sliced(first, second))
    # From the answer at 10.0 to that at 14.0: four of each job.
    assert rate.short is False
    assert rate.patches_per_s == pytest.approx(150)
    assert rate.job_cpu_s_per_patch == pytest.approx((0.4 + 0.8) / 600)


def test_bursts_are_counted_whole() -> None:
    """A server that answers in bursts has the rate of whole bursts, wherever in between the span begins and ends."""
    bursts = [(at + n / 1000, 0.0, 1000) for at in (7.0, 9.1, 11.2, 13.3, 15.4) for n in range(8)]
    assert rate_of(_sliced(_metered(*bursts))).patches_per_s == pytest.approx(16_000 / 4.2, rel=0.01)


def test_a_short_slice_counts_as_a_whole() -> None:
    """Where answers are so far apart that the middle holds none, the first request begins the span, and it is told."""
    rate = rate_of(_sliced(_metered((8.0, 1.0, 0), (15.0, 1.7, 600), (15.001, 1.7, 800))))
    assert rate.short is True
    assert rate.patches_per_s == pytest.approx(200, rel=0.001)
    assert rate.job_cpu_s_per_patch == pytest.approx(0.0005)
    for marks in ([], [(9.0, 0.0, 0), (12.0, 0.1, 0)]):
        with pytest.raises(BenchmarkFailed, match=r"Client, patches through Envoy, 1 job: no answer.*--seconds"):
            rate_of(_sliced(_metered(*marks)))


def test_costs_are_scaled_to_an_event() -> None:
    """CPU time of servers and bytes are an event's share, bytes by what was sent, not by what was answered in time."""
    marks = [(float(at), at / 10, 100) for at in range(9, 20)]
    job = _metered(*marks, patches_sent=2000, bytes_sent=20_000)
    one = slice_result(_sliced(job, envoy_bytes=21_000), patches_per_event=1000)
    assert one.patches_per_s == pytest.approx(100)
    assert one.job_cpu_s_per_event == pytest.approx(1.0)
    assert (one.bytes_per_event, one.envoy_bytes_per_event) == (10_000, 10_500)
    # 6 and 0.4 CPU s in the four seconds in which 0.4 events were done.
    assert one.triton_cpu_s_per_event == pytest.approx(15)
    assert one.envoy_cpu_s_per_event == pytest.approx(1.0)
    direct = _sliced(job, case=replace(PATCHES, route="direct"), envoy_bytes=70)
    assert slice_result(direct, 1000).envoy_bytes_per_event == 0


def test_ratios_are_of_the_same_round() -> None:
    """A round in which the whole machine was slow does not move the ratio."""
    found = ratios([_result(BARE, 1000, 100, 1000), _result(PATCHES, 960, 98, 970), _result(VIEWS, 1500, 140, 1400)])
    assert {ratio.case: ratio.value for ratio in found} == {PATCHES: pytest.approx(0.97), VIEWS: pytest.approx(1.4)}
    assert ratios([_result(PATCHES, 100)]) == []


def test_verdict_names_what_was_missed() -> None:
    """Good numbers give no line; each missed aim gives one that names it, and scores that differ void the run."""
    good: dict[WireFormat, WholeEvents] = {"patches": SAME, "views": SAME}
    assert failures([Ratio(PATCHES, (0.96,)), Ratio(VIEWS, (1.2,))], good, full=True) == []
    slow, slower = failures([Ratio(PATCHES, (0.9, 0.94, 1.2)), Ratio(VIEWS, (0.99,))], good, full=True)
    assert "Client, patches through Envoy, 1 job: 94.0%" in slow
    assert "Client, views through Envoy, 1 job: 99.0%" in slower
    hungry = {**good, "views": replace(SAME, cpu_s=(1.2, 1.0))}
    assert ["1.10 CPU s" in line for line in failures([], hungry, full=True)] == [True]
    assert failures([], hungry, full=False) == [], "the aim is for six APAs"
    wrong = {**good, "patches": replace(SAME, same_scores=False)}
    assert ["proves nothing" in line for line in failures([], wrong, full=True)] == [True]


def test_meter_ends_the_work() -> None:
    """Until the end requests may go and are counted; after it the next one may not."""
    meter = Meter(time.monotonic() + 60)
    meter.sending()
    meter.sent(256, 1000)
    meter.answered(256)
    metered = meter.metered(retries=2)
    assert metered.marks[:, 2].tolist() == [0, 256]
    assert (np.diff(metered.marks[:, :2], axis=0) >= 0).all()
    assert (metered.patches_sent, metered.bytes_sent, metered.retries) == (256, 1000, 2)
    with pytest.raises(TimeUp):
        Meter(time.monotonic()).sending()


def test_stored_events_are_what_was_made(tmp_path: Path) -> None:
    """Views come back from their files, with their scores and, of the first event, the patches of distinct pixels."""
    inputs = make_inputs(tmp_path, 2, seed=3, parameters=SMALL, model=DEMO_MODEL, threads=1)
    events = [read_views(tmp_path, number) for number in range(2)]
    assert sum(view.n_hits for views in events for view in views) == 2 * inputs.hits_per_event
    with LocalScorer(DEMO_MODEL) as scorer:
        for number, views in enumerate(events):
            for one, other in zip(scorer.score(views[:1]), read_scores(tmp_path, number)[:1], strict=True):
                assert np.array_equal(one.em_trk_none, other.em_trk_none)
    batches = read_patches(tmp_path)
    assert {len(batch) for batch in batches[:-1]} <= {BATCH_PATCHES}
    whole = np.concatenate([cut_patches(view) for view in events[0]])
    assert sum(map(len, batches)) <= len(whole)
    assert np.array_equal(np.unique(whole.sum(axis=(1, 2, 3))), np.unique(np.concatenate(batches).sum(axis=(1, 2, 3))))


def test_envoys_count_is_read() -> None:
    """The bytes from clients are found among the statistics; a page without them is an error."""
    stat = {"name": "http.clients.downstream_cx_rx_bytes_total", "value": 71}
    assert received_bytes(json.dumps({"stats": [{"histograms": {}}, {"name": "other", "value": 1}, stat]})) == 71
    with pytest.raises(BenchmarkFailed, match="downstream"):
        received_bytes('{"stats": []}')


def test_plot_is_drawn(tmp_path: Path) -> None:
    """Every way and route has its place in one picture."""
    ways: tuple[WayName, ...] = ("bare", "patches", "views")
    cases = [Case(way, route, jobs) for way in ways for route in ROUTES for jobs in (1, 4, 16)]
    results = [_result(case, 900, 1000, 1100) for case in [Case("onnx", "none", 2), *cases]]
    plot_rates(results, tmp_path / "inference.png")
    assert (tmp_path / "inference.png").read_bytes().startswith(b"\x89PNG")
