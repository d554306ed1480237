"""How full a throttle keeps the links of a grid, and whether it ever exceeds their budgets.

A grid in a box on this machine: sites in network namespaces, each behind an uplink of its own, some behind a shared
one too; HTCondor with a startd in each site; Triton and Envoy on the far side. Real campaigns run there three times:
(a) with no throttle, (b) with a fixed count of jobs that would be right for half the rate per job, (c) with SonicGrid's
throttle and pacing. The kernel's byte counters at the far end of each link tell the rest. Prints a table, writes a
JSON and a plot. Needs root.

Exit status: 0 if case (c) reached its aims and case (a) shows that they mean something, 1 if not, 2 if the bench
cannot run here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from measure.box.commands import CannotRun
from measure.box.grid import grid_in_a_box
from measure.box.plan import BoxPlan, BoxSite, Link, SharedLink
from measure.cases import fixed_count, no_throttle, throttled
from measure.errors import BenchmarkFailed
from measure.link_case import MOST_CPU, Times, run_case
from measure.link_plot import STEP_S, WINDOW_S, plot_cases
from measure.load import make_load
from measure.machine import Machine, describe_machine, is_busy
from measure.traffic import rates_mbps
from measure.verdict import LEAST_USED, control_failures, missed_aims
from rich.console import Console
from rich.table import Table

from jobs.errors import JobsError
from sonic.errors import SonicError

if TYPE_CHECKING:
    from measure.box.grid import Box
    from measure.cases import Case
    from measure.link_case import CaseResult
    from measure.load import Load

RESULTS = Path(__file__).resolve().parent / "results"

CASES = "abc"

console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True)
class Results:
    """Everything that one run has measured."""

    machine: Machine
    condor: str
    plan: BoxPlan
    load: Load
    times: Times
    cases: tuple[CaseResult, ...]

    @property
    def failures(self) -> list[str]:
        """Why the run proves nothing, or which aims were missed; of the cases that were run."""
        found = []
        for result in self.cases:
            if result.case.key == "a":
                found += [f"positive control: {line}" for line in control_failures(result)]
            if result.case.key == "c":
                found += [f"aim missed: {line}" for line in missed_aims(result)]
        return found

    @property
    def complete(self) -> bool:
        """Whether all three cases were run: fewer prove nothing."""
        return "".join(result.case.key for result in self.cases) == CASES


def default_plan(slots: int) -> BoxPlan:
    """Return the sites and links of the bench: two sites share a link that binds them, one has its own alone.

    The links carry three to four times their budgets, so that it is never the link that keeps to the budget.
    """
    north, south, west = (Link(name, 150, 0.32) for name in ("north", "south", "west"))
    atlantic = Link("atlantic", 300, 0.24)
    sites = tuple(BoxSite(uplink, slots) for uplink in (north, south, west))
    return BoxPlan(sites, (SharedLink(atlantic, ("north", "south")),))


def main() -> int:
    """Measure, print and write; return the exit status."""
    options = _options()
    try:
        results = _measure(options)
    except CannotRun as error:
        sys.stderr.write(f"benchmarks/link.py cannot run here: {error}\n")
        return 2
    except (BenchmarkFailed, JobsError, SonicError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    _write(results, options.out)
    picture = options.out.with_suffix(".png")
    plot_cases(results.cases, picture)
    console.print(_table(results))
    for result in results.cases:
        console.print(_below(result), highlight=False, markup=False)
    for line in results.failures:
        console.print(line, highlight=False, markup=False)
    if not results.complete:
        console.print("not all cases were run, so nothing is proven")
    elif not results.failures:
        console.print("every aim is reached, and without a throttle every budget was exceeded")
    console.print(f"written to {options.out} and {picture}")
    return 0 if results.complete and not results.failures else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=parse_cases, default=CASES, help="which of a, b and c to run (%(default)s)")
    parser.add_argument("--steady", type=float, default=60, help="seconds to measure once the jobs run (%(default)s)")
    parser.add_argument("--slots", type=int, default=14, help="slots of each of the three sites (%(default)s)")
    parser.add_argument(
        "--mbps-per-job", type=float, default=8, help="what a job would send in the mean, Mb/s (%(default)s)"
    )
    parser.add_argument("--events-per-job", type=int, default=15, help="events of a job (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=RESULTS / "link.json", help="the JSON; the plot lies beside it (%(default)s)"
    )
    return parser.parse_args()


def parse_cases(text: str) -> str:
    """Read which cases to run; they run in their order."""
    wrong = sorted(set(text) - set(CASES))
    if wrong or not text:
        raise argparse.ArgumentTypeError(f"{text!r}: letters out of {CASES}")
    return "".join(key for key in CASES if key in text)


def _measure(options: argparse.Namespace) -> Results:
    machine = describe_machine()
    plan = default_plan(options.slots)
    times = Times(steady_s=options.steady)
    _say(f"{machine.cores} cores of an {machine.cpu}, load {machine.load_at_start:.1f}")
    with grid_in_a_box(plan, _say) as box:
        # A job for every slot, and as many again for when those end.
        files = max(2, options.slots * len(plan.sites) * options.events_per_job * 2 // 240)
        load = make_load(
            box.folder / "inputs",
            files=files,
            mbps_per_job=options.mbps_per_job,
            events_per_job=options.events_per_job,
        )
        _say(
            f"{files} input files, {load.hits_per_event:.0f} hits an event,"
            f" {load.rest_of_chain_s:.1f} s in place of the rest of its chain"
        )
        cases = []
        for case in _cases(box, load, options.cases):
            _say(f"({case.key}) {case.title}")
            cases.append(run_case(box, case, load, times, _say))
        return Results(machine, box.pool.condor_version, plan, load, times, tuple(cases))


def _cases(box: Box, load: Load, keys: str) -> list[Case]:
    endpoint = box.servers.endpoint
    cases = (
        no_throttle(box.plan, endpoint, load.mbps_per_job),
        fixed_count(box.plan, endpoint, load.mbps_per_job),
        throttled(box.plan, endpoint),
    )
    return [case for case in cases if case.key in keys]


def _table(results: Results) -> Table:
    table = Table(
        title=f"Links, Mb/s: HTCondor {results.condor}, {results.plan.slots} slots,"
        f" {results.load.mbps_per_job:g} Mb/s a job if nothing holds it back",
        caption=f"used: mean of the {results.times.steady_s:.0f} s after the ramp; largest: over 1 s, the ramp"
        f" included; * binds its sites; aims of (c): {LEAST_USED:.0%} of the links that bind, nothing above 100 %,"
        " no drops",
    )
    for name in ("case", "link"):
        table.add_column(name)
    for name in ("budget", "used", "largest 1 s", "queue", "drops", "jobs", "jobs/min"):
        table.add_column(name, justify="right")
    for result in results.cases:
        for row in result.links:
            table.add_row(
                f"({result.case.key})",
                row.link.name + ("*" if row.binding else ""),
                f"{row.link.budget_mbps:.0f} of {row.link.rate_mbps:.0f}",
                f"{row.used:.0%}",
                f"{row.largest_share:.0%}",
                f"{row.largest_backlog_ms:.0f} ms",
                f"{row.dropped}",
                f"{row.jobs_running:.1f}",
                f"{row.jobs_per_min:.0f}",
            )
        table.add_section()
    return table


def _below(result: CaseResult) -> str:
    warning = f": above {MOST_CPU:.0%}, so the machine may have set the pace" if result.was_busy else ""
    return (
        f"({result.case.key}) {result.case.title}: steady {result.steady.begin_s - result.began_s:.0f} s after the"
        f" first job, {result.events_per_s:.1f} events/s,"
        f" {result.cpu_share:.0%} of the machine's CPU time{warning}"
    )


def _write(results: Results, path: Path) -> None:
    document = {
        "benchmark": "link",
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "machine": asdict(results.machine),
        "machine_was_busy": is_busy(results.machine.load_at_start),
        "versions": {"htcondor": results.condor},
        "plan": asdict(results.plan),
        "load": {
            "hits_per_event": results.load.hits_per_event,
            "mbps_per_job": results.load.mbps_per_job,
            "events_per_job": results.load.events_per_job,
            "rest_of_chain_s": results.load.rest_of_chain_s,
        },
        "times": asdict(results.times),
        "cases": [_with_case(result) for result in results.cases],
        "aims": {"least_used": LEAST_USED, "largest_share": 1.0, "dropped": 0},
        "failures": results.failures,
        "complete": results.complete,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def _with_case(result: CaseResult) -> dict[str, object]:
    links = []
    for row in result.links:
        ends, rates = rates_mbps(result.counters[row.link.name], WINDOW_S, STEP_S)
        links.append(
            {
                **asdict(row),
                "budget_mbps": row.link.budget_mbps,
                "largest_share": row.largest_share,
                # What the plot shows, not every sample.
                "time_s": [round(float(end), 2) for end in ends - result.began_s],
                "mbps": [round(float(rate), 2) for rate in rates],
            }
        )
    return {
        "case": result.case.key,
        "title": result.case.title,
        "sites": result.case.sites,
        "shared": result.case.links,
        "steady_from_s": result.steady.begin_s - result.began_s,
        "steady_to_s": result.steady.end_s - result.began_s,
        "events_per_s": result.events_per_s,
        "cpu_share": result.cpu_share,
        "largest_gap_s": result.largest_gap_s,
        "failed_jobs": result.failed_jobs,
        "links": links,
    }


def _say(line: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False, markup=False)


if __name__ == "__main__":
    sys.exit(main())
