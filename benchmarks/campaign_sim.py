"""The throttle at the paper's scale: 5,000 slots on ten sites, 100 GPUs, several hours in a minute, and no pool.

The same `jobs.throttle` that runs in `submit` decides; jobs, links and clock are simulated. Three cases: no throttle,
a fixed number of jobs that was right for half the Mb/s, ours; in all of them CPUs change and a budget is edited on
the way. Then the knee of the paper's curve, out of a real queue in front of simulated GPUs. Prints tables, writes a
JSON and two plots; the exit status is 0 only if ours keeps every second of every link inside its budget and uses the
links that bind, the other two do not, and the knee is where the authors' is.
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

from measure.machine import Machine, describe_machine
from measure.sim.campaign import CASES, simulate
from measure.sim.draw import draw_knee, draw_links
from measure.sim.grid import paper_grid
from measure.sim.judge import AIM_USED, RAMP_S, judge, keeps_the_promise
from measure.sim.knee import SETUPS, simulate_setup
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from measure.sim.campaign import Trace
    from measure.sim.judge import LinkUse
    from measure.sim.knee import Curve

AIM_KNEE = 0.15
"""Most by which a simulated bend may be off the authors'."""

LEAST_HOURS = 2.5
"""Below it nothing is left between the ramp and the changes."""

console = Console(highlight=False)


@dataclass(frozen=True)
class Results:
    """Everything that one run has simulated."""

    machine: Machine
    seed: int
    hours: float
    traces: tuple[Trace, ...]
    uses: tuple[tuple[LinkUse, ...], ...]
    curves: tuple[Curve, ...]

    def verdicts(self) -> dict[str, bool]:
        """Return each aim in words, and whether it was met."""
        by_case = dict(zip((trace.case for trace in self.traces), self.uses, strict=True))
        ours = by_case["ours"]
        found = {
            "ours: no second of any link above its budget": all(use.seconds_above == 0 for use in ours),
            f"ours: at least {AIM_USED:.0%} used of every link that binds": keeps_the_promise(ours),
        }
        for case in ("no throttle", "fixed jobs"):
            binding = [use for use in by_case[case] if use.binds]
            found[f"{case}: every link that binds is exceeded"] = all(use.seconds_above > 0 for use in binding)
        for curve in self.curves:
            found[f"knee within {AIM_KNEE:.0%}: {curve.setup.name}"] = abs(curve.ratio - 1) <= AIM_KNEE
        return found


def main() -> int:
    """Simulate, print and write; return the exit status."""
    options = _options()
    grid, machine = paper_grid(), describe_machine()
    traces = []
    for case in CASES:
        began = time.process_time()
        traces.append(simulate(grid, case, options.hours, options.seed))
        console.print(f"{case}: {options.hours:g} h in {time.process_time() - began:.0f} s of CPU")
    curves = tuple(simulate_setup(setup, options.seed) for setup in SETUPS)
    uses = tuple(judge(trace, grid) for trace in traces)
    results = Results(machine, options.seed, options.hours, tuple(traces), uses, curves)
    for table in (_link_table(results), _case_table(results), _knee_table(results)):
        console.print(table)
    verdicts = results.verdicts()
    for aim, met in verdicts.items():
        console.print(f"{'met    ' if met else 'NOT MET'} {aim}")
    _write(results, options.out)
    draw_links(results.traces, options.out.with_name(f"{options.out.stem}_links.png"))
    draw_knee(curves, options.out.with_name(f"{options.out.stem}_knee.png"))
    console.print(f"written to {options.out}, beside it {options.out.stem}_links.png and {options.out.stem}_knee.png")
    return 0 if all(verdicts.values()) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=_hours, default=4.0, help="simulated time of each case (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (%(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).resolve().parent / "results" / "campaign_sim.json",
        help="the JSON; the plots come beside it (%(default)s)",
    )
    return parser.parse_args()


def _hours(text: str) -> float:
    hours = float(text)
    if hours < LEAST_HOURS:
        message = f"{text}: at least {LEAST_HOURS} h, or the ramp and the changes leave no time to look at"
        raise argparse.ArgumentTypeError(message)
    return hours


def _link_table(results: Results) -> Table:
    table = Table(
        title="links: part of the budget used / largest second over the budget",
        caption=f"used: while the link binds, {RAMP_S // 60} min after the start and each change that concerns it; "
        "where another thing binds, after the ramp; the largest second is of the whole time",
    )
    table.add_column("link")
    table.add_column("budget, Gb/s", justify="right")
    for trace in results.traces:
        table.add_column(trace.case, justify="right")
    table.add_column("binds")
    for row in zip(*results.uses, strict=True):
        table.add_row(
            row[0].link,
            f"{row[0].budget_mbps / 1000:g}",
            *(f"{use.used:.1%} / {use.worst:.3f}" for use in row),
            "yes" if row[0].binds else f"no: {row[0].limited_by}",
        )
    return table


def _case_table(results: Results) -> Table:
    table = Table(title="campaigns")
    for heading in ("case", "jobs/h", "events/s", "time blocked by the pacer", "link-seconds above the budget"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for trace, uses in zip(results.traces, results.uses, strict=True):
        table.add_row(
            trace.case,
            f"{trace.jobs_done / results.hours:,.0f}",
            f"{trace.events_done / trace.seconds:.1f}",
            f"{trace.paced:.0%}",
            f"{sum(use.seconds_above for use in uses):,}",
        )
    return table


def _knee_table(results: Results) -> Table:
    table = Table(title="knee: clients per GPU where the flat part and the rise of the fitted curve meet")
    for heading in ("servers", "simulated", "the authors'", "ratio", "flat, s", "rise, s per client and GPU"):
        table.add_column(heading, justify="left" if heading == "servers" else "right")
    for curve in results.curves:
        knee = curve.knee
        numbers = (f"{knee.clients:.1f}", f"{curve.setup.authors}", f"{curve.ratio:.2f}")
        table.add_row(curve.setup.name, *numbers, f"{knee.flat_s:.0f}", f"{knee.slope_s:.2f}")
    return table


def _write(results: Results, path: Path) -> None:
    cases = [
        {
            "case": trace.case,
            "jobs_per_h": trace.jobs_done / results.hours,
            "events_per_s": trace.events_done / trace.seconds,
            "blocked": trace.paced,
            "links": [asdict(use) for use in uses],
        }
        for trace, uses in zip(results.traces, results.uses, strict=True)
    ]
    document = {
        "benchmark": "campaign_sim",
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "machine": asdict(results.machine),
        "seed": results.seed,
        "hours": results.hours,
        "cases": cases,
        "knee": [{**asdict(curve), "ratio": curve.ratio} for curve in results.curves],
        "aims": {"used": AIM_USED, "knee": AIM_KNEE},
        "verdicts": results.verdicts(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
