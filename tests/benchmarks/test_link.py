"""What the link benchmark decides without a grid: plans, configs, counts, and whether a run proves anything."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from link import Results, default_plan, parse_cases
from measure.box.plan import BoxPlan, BoxSite, Link, SharedLink
from measure.cases import Case, fixed_count, no_throttle, right_counts, throttled
from measure.errors import BenchmarkFailed
from measure.link_case import CaseResult, LinkResult, Times, jobs_per_min
from measure.link_plot import plot_cases
from measure.load import Load
from measure.machine import describe_machine
from measure.sampler import parse_received
from measure.scored import scored_on_page
from measure.traffic import Counter, Span
from measure.verdict import control_failures, missed_aims

from jobs.exits import ExitClass
from jobs.spec.links import load_links
from jobs.spec.site import load_sites
from tests.builders.records import RecordWriter

if TYPE_CHECKING:
    from pathlib import Path

WEST = Link("west", 150, 0.4)
PLAN = BoxPlan(
    (BoxSite(Link("north", 150, 0.4), 20), BoxSite(Link("south", 100, 0.4), 20), BoxSite(WEST, 20)),
    (SharedLink(Link("atlantic", 300, 0.2), ("north", "south")),),
)


def _row(link: Link = WEST, *, used: float = 0.95, largest_mbps: float = 59.0, dropped: int = 0) -> LinkResult:
    return LinkResult(
        link=link,
        binding=link.name in PLAN.binding(),
        used=used,
        largest_window_mbps=largest_mbps,
        dropped=dropped,
        largest_backlog_ms=0,
        jobs_running=8,
        jobs_per_min=4,
    )


def _result(key: str, *rows: LinkResult) -> CaseResult:
    counter = Counter(np.arange(0, 60, 0.1), np.arange(600) * 10_000)
    return CaseResult(
        case=Case(key, "a title, with a comma", {}),
        links=rows,
        events_per_s=3.0,
        cpu_share=0.5,
        began_s=2.0,
        steady=Span(20, 50),
        counters={row.link.name: counter for row in rows},
        largest_gap_s=0.1,
        failed_jobs=0,
    )


def _results(*cases: CaseResult) -> Results:
    load = Load(files=(), hits_per_event=500, mbps_per_job=8, events_per_job=20)
    return Results(describe_machine(), "23.9.6", PLAN, load, Times(), cases)


def test_links_that_bind_are_those_to_be_filled() -> None:
    """Sites whose budgets add up to more than their shared link's are bound by that; a site alone by its own."""
    assert PLAN.binding() == {"atlantic", "west"}
    wide = replace(PLAN, shared=(SharedLink(Link("atlantic", 300, 0.5), ("north", "south")),))
    assert wide.binding() == {"north", "south", "west"}


def test_no_link_of_the_bench_keeps_the_budget_by_itself() -> None:
    """Links carry two to four times their budgets and slots want more than twice, so that the control can fail."""
    plan = default_plan(14)

    for link in plan.links:
        assert 2 <= link.rate_mbps / link.budget_mbps <= 4.2
    for site in plan.sites:
        assert site.slots > 2 * right_counts(plan, 8)[site.name]
        assert site.slots * 8 > 2 * site.uplink.budget_mbps


def test_counts_fit_the_scarcest_link() -> None:
    """A site gets what its own budget or its part of the shared one carries, whichever is less, and one at least."""
    assert right_counts(PLAN, 8) == {"north": 3, "south": 3, "west": 7}
    assert right_counts(PLAN, 1000) == {"north": 1, "south": 1, "west": 1}


def test_configs_of_every_case_are_good(tmp_path: Path) -> None:
    """SonicGrid reads each case's site configs and links without a problem, and the budgets are those of the plan."""
    cases = [no_throttle(PLAN, "10.0.0.1:8001", 8), fixed_count(PLAN, "10.0.0.1:8001", 8)]
    ours = throttled(PLAN, "10.0.0.1:8001")
    for case in (*cases, ours):
        folder = tmp_path / case.key
        folder.mkdir()
        for name, document in case.sites.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(dict(document)))
        if case.links:
            (folder / "links.yaml").write_text(yaml.safe_dump(dict(case.links)))
        sites = load_sites(folder)
        for site in PLAN.sites:
            budget_mbps = sites[site.name].budget_mbps
            assert budget_mbps == pytest.approx(site.uplink.budget_mbps if case is ours else 100_000)
    assert {name: site["most_jobs"] for name, site in cases[1].sites.items()} == right_counts(PLAN, 4)
    assert not cases[1].together
    assert load_links(tmp_path / "c").shared_links["atlantic"].budget_mbps == pytest.approx(60)


def test_a_run_whose_control_stays_inside_proves_nothing() -> None:
    """One link inside its budget without a throttle is named, and the run is no success."""
    good, tame = _row(largest_mbps=140), _row(largest_mbps=60)

    assert control_failures(_result("a", good)) == []
    (line,) = control_failures(_result("a", good, tame))
    assert line.startswith("west: without a throttle no 1 s window exceeded the budget")
    assert _results(_result("a", tame)).failures


def test_aims_are_missed_by_name() -> None:
    """Too much in a second, too little in the mean, a drop, a failed job; not a link that another one keeps empty."""
    north = PLAN.sites[0].uplink

    assert missed_aims(_result("c", _row(), _row(north, used=0.4))) == []
    assert "a 1 s window carried 60.1 Mb/s" in missed_aims(_result("c", _row(largest_mbps=60.1)))[0]
    assert "89 % of the budget used" in missed_aims(_result("c", _row(used=0.89)))[0]
    assert "7 packets dropped" in missed_aims(_result("c", _row(north, dropped=7)))[0]
    assert missed_aims(replace(_result("c", _row()), failed_jobs=2)) == ["2 jobs failed"]


def test_success_takes_all_three_cases() -> None:
    """Without the control, or without SonicGrid's own case, good numbers are no proof."""
    cases = [_result(key, _row(largest_mbps=140 if key == "a" else 59)) for key in "abc"]

    assert _results(*cases).complete
    assert _results(*cases).failures == []
    assert not _results(*cases[1:]).complete


def test_jobs_are_counted_where_and_when_they_got_done(tmp_path: Path) -> None:
    """Other sites, other times and attempts that did not end well do not count."""
    write = RecordWriter(tmp_path).write
    records = [
        write(job=1, site="west", ended=1010.0),
        write(job=2, site="west", ended=1029.0),
        write(job=3, site="west", ended=1031.0),
        write(job=4, site="north", ended=1010.0),
        write(job=5, site="west", ended=1010.0, exit_class=ExitClass.STOPPED),
    ]

    assert jobs_per_min(records, ["west"], Span(1000, 1030)) == 4
    assert jobs_per_min(records, ["west", "north"], Span(1000, 1030)) == 6


def test_received_bytes_are_read_by_interface() -> None:
    """The first number behind the colon, also where none of the columns leaves a blank."""
    table = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier
    lo:     120       2    0    0    0     0          0         0      120       2    0    0    0     0       0
 site0:627356761234   414    0    0    0     0          0         0  1347870   20417    0    0    0     0       0
"""
    assert parse_received(table) == {"lo": 120, "site0": 627_356_761_234}


def test_patches_are_those_of_every_model() -> None:
    """Triton's count of inferences is summed; a page without it is no zero."""
    page = "# TYPE nv_inference_count counter\n"
    page += 'nv_inference_count{model="m",version="1"} 4096\nnv_inference_count{model="n",version="1"} 4\n'
    page += 'nv_inference_exec_count{model="m",version="1"} 16\n'

    assert scored_on_page(page) == 4100
    with pytest.raises(BenchmarkFailed, match="do not tell"):
        scored_on_page("nv_gpu_utilization 0.1\n")


def test_cases_run_in_their_order() -> None:
    """Letters in any order, once each; others are refused."""
    assert parse_cases("cab") == "abc"
    for wrong in ("d", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="letters out of abc"):
            parse_cases(wrong)


def test_plot_is_a_picture_of_every_case(tmp_path: Path) -> None:
    """The plot takes cases with different numbers of drops and any links, and writes a PNG."""
    rows = (_row(), _row(PLAN.sites[0].uplink, dropped=3))
    plot_cases([_result("a", *rows), _result("c", *rows)], tmp_path / "link.png")

    assert (tmp_path / "link.png").read_bytes().startswith(b"\x89PNG")
