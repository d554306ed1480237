"""Kills, cuts, fills and damages while a campaign runs on a real pool, and checks that every event came out once.

HTCondor, Triton, Envoy, Snakemake and the command line as a user has them, on a pool of the benchmark's own; faults at
random moments, which the seed decides. What is put right is put right by who would: HTCondor, SonicGrid itself, or a
person who gives one of its commands again. The end is judged from the files alone, by code that shares nothing with the
campaign's own check. Prints a table and writes a JSON. Exit status: 0 if every seed passed; 1 if not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from measure.chaos.faults import FAULTS, plan_faults
from measure.chaos.play import Stage, play, size_for
from measure.machine import describe_machine
from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from types import FrameType

    from measure.chaos.play import Played

console = Console(highlight=False)


def _by_fault(runs: list[Played]) -> Table:
    done = Counter(one.fault for run in runs for one in run.injected if one.done)
    not_done = Counter(one.fault for run in runs for one in run.injected if not one.done)
    survived = Counter(one.fault for run in runs if not run.judgement.problems for one in run.injected if one.done)
    table = Table(title="Faults injected and survived", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("fault", "stands for", "put right by"):
        table.add_column(column)
    for column in ("injected", "in runs that passed", "nobody to do it to"):
        table.add_column(column, justify="right")
    for fault in (fault for fault in FAULTS if done[fault.name] or not_done[fault.name]):
        counts = (str(done[fault.name]), str(survived[fault.name]), str(not_done[fault.name]))
        table.add_row(fault.name, fault.stands_for, str(fault.restorer), *counts)
    return table


def _by_seed(runs: list[Played]) -> Table:
    table = Table(title="Seeds", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    columns = ["seed", "faults", "s", "submits", "jobs", "right", "kept"]
    for column in (*columns, "failed", "records", "twice", "verdict"):
        table.add_column(column, justify="left" if column == "verdict" else "right")
    for run in runs:
        found = run.judgement
        numbers = (
            run.name.removeprefix("seed"),
            sum(one.done for one in run.injected),
            round(run.seconds),
            run.submits,
            found.jobs,
        )
        more = (found.events, found.resumed, found.failed, found.records, found.twice)
        verdict = "passed" if not found.problems else f"{len(found.problems)} problems"
        table.add_row(*map(str, (*numbers, *more)), verdict)
    return table


def _write(path: Path, runs: list[Played]) -> None:
    document = {
        "benchmark": "chaos",
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "machine": asdict(describe_machine()),
        "runs": [asdict(run) for run in runs],
        "failures": [f"{run.name}: {problem}" for run in runs for problem in run.judgement.problems],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def main() -> int:
    """Play, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="decides what is done when (%(default)s)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds in a row, from that one on (%(default)s)")
    parser.add_argument("--minutes", type=float, default=1.0, help="in which faults come (%(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="choose among these faults only")
    parser.add_argument("--keep", action="store_true", help="leave the folder of a run with problems, to look into")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/chaos.json"), help="(%(default)s)")
    options = parser.parse_args()
    unknown = set(options.only) - {fault.name for fault in FAULTS}
    if unknown:
        parser.error(f"there is no fault {min(unknown)!r}; there are: {', '.join(fault.name for fault in FAULTS)}")
    # SIGTERM would end Python without a `finally`, and leave a pool behind.
    signal.signal(signal.SIGTERM, _exit)
    runs: list[Played] = []
    root = Path(mkdtemp(prefix="sonicgrid-chaos-"))
    console.print(f"setting the scene in {root}")
    with Stage(root, size_for(options.minutes)) as stage:
        for seed in range(options.seed, options.seed + options.seeds):
            console.print(f"seed {seed}, faults in {options.minutes:g} min")
            run = play(stage, f"seed{seed}", plan_faults(seed, options.minutes, only=tuple(options.only)), _say)
            runs.append(run)
            found = run.judgement
            for problem in found.problems:
                _say(f"problem: {problem}")
            verdict = "with problems" if found.problems else "passed"
            counts = f"{found.events} events of {found.done} jobs right, {found.failed} jobs failed for what was done"
            _say(f"seed {seed} {verdict}: {counts}, {run.seconds:.0f} s")
            _write(options.out, runs)
    if not (options.keep and any(run.judgement.problems for run in runs)):
        shutil.rmtree(root, ignore_errors=True)
    console.print(_by_fault(runs))
    console.print(_by_seed(runs))
    console.print(f"written to {options.out}")
    return 1 if any(run.judgement.problems for run in runs) else 0


def _say(line: str) -> None:
    console.print(line, markup=False)


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
