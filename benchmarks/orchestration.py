"""How fast campaigns are planned, submitted and run, beside Snakemake's executor plugin for HTCondor.

One run, one pool of its own: seconds and memory to plan and submit campaigns of one-event jobs; empty jobs a minute as
SonicGrid runs them; the same number through the plugin, which submits one job per call and starts a whole Snakemake
for each. Prints a table, writes a JSON.
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

from measure.errors import BenchmarkFailed
from measure.inputs import EVENTS_PER_FILE, make_inputs
from measure.machine import Machine, describe_machine, is_busy
from measure.memory import memory_kind
from measure.plugin import Plugin, install_plugin, measure_plugin
from measure.pool import own_pool
from measure.rate import TRUE, Rate, measure_rate, python_payload
from measure.submission import Submission, measure_submission
from rich.console import Console
from rich.table import Table

from jobs.errors import JobsError
from jobs.running.queue import open_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

AIM_JOBS, AIM_S, AIM_MB, AIM_RATIO = 100_000, 30, 500, 20
"""What planning and submitting 100,000 jobs may take, and the least ratio to the plugin's rate."""

console = Console()


@dataclass(frozen=True)
class Results:
    """Everything that one run has measured."""

    machine: Machine
    condor: str
    slots: int
    memory_kind: str
    plugin: Plugin | None
    submissions: tuple[Submission, ...]
    rates: tuple[Rate, ...]
    same_count: Rate | None
    peer: Rate | None

    @property
    def ratio(self) -> float | None:
        """Our rate over the plugin's, the same number of jobs, first submission to last end."""
        if self.peer is None or self.same_count is None:
            return None
        return self.same_count.jobs_per_min / self.peer.jobs_per_min

    @property
    def ratio_many(self) -> float | None:
        """The same with our rate at many jobs, which the plugin's cannot be measured at in a reasonable time."""
        return None if self.peer is None or not self.rates else self.rates[0].jobs_per_min / self.peer.jobs_per_min

    @property
    def cpu_ratio(self) -> float | None:
        """CPU time of a job through the plugin over that of ours, the same number of jobs."""
        if self.peer is None or self.same_count is None:
            return None
        return self.peer.cpu_ms_per_job / self.same_count.cpu_ms_per_job

    @property
    def busy(self) -> bool:
        """Whether others used the machine when the run began."""
        return is_busy(self.machine.load_at_start)


def main() -> int:
    """Measure, print and write; return the exit status."""
    options = _options()
    try:
        results = _measure(options)
    except (BenchmarkFailed, JobsError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    _write(results, options.out)
    console.print(_table(results))
    console.print(f"written to {options.out}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--counts", type=parse_counts, default="1000,10000,100000", help="jobs to plan and submit, a list (%(default)s)"
    )
    parser.add_argument("--rate-jobs", type=int, default=2000, help="empty jobs to run as SonicGrid (%(default)s)")
    parser.add_argument(
        "--plugin-jobs", type=int, default=100, help="empty jobs to run through the plugin, and beside it (%(default)s)"
    )
    parser.add_argument("--slots", type=int, default=16, help="slots of the pool (%(default)s)")
    parser.add_argument("--skip-plugin", action="store_true", help="measure SonicGrid alone")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).resolve().parent / "results" / "orchestration.json",
        help="the JSON (%(default)s)",
    )
    return parser.parse_args()


def parse_counts(text: str) -> list[int]:
    """Read numbers of jobs, each a multiple of the events in an input file."""
    counts = [int(word) for word in text.split(",") if word.strip()]
    wrong = [count for count in counts if count <= 0 or count % EVENTS_PER_FILE]
    if wrong:
        message = f"{wrong[0]}: jobs have one event each, of files with {EVENTS_PER_FILE}; give a multiple of that"
        raise argparse.ArgumentTypeError(message)
    return counts


def _measure(options: argparse.Namespace) -> Results:
    machine = describe_machine()
    _say(f"{machine.cores} cores of an {machine.cpu}, load {machine.load_at_start:.1f}")
    plugin = None if options.skip_plugin else install_plugin(_say)
    with own_pool(options.slots, _say) as (pool, folder):
        submissions = _measure_submissions(options.counts, folder)
        queue = open_queue()
        rates: list[Rate] = []
        for program, jobs in ((TRUE, options.rate_jobs), (python_payload(folder), options.rate_jobs // 4)):
            if jobs:
                _say(f"{jobs} jobs of {program.name}")
                rates.append(measure_rate(queue, folder / f"{program.name}-many", jobs, program, _say))
        peer = same_count = None
        if plugin is not None and options.plugin_jobs:
            _say(f"{options.plugin_jobs} jobs of {TRUE.name}, and as many through the plugin")
            same_count = measure_rate(queue, folder / "same-count", options.plugin_jobs, TRUE, _say)
            peer = measure_plugin(plugin, folder / "plugin", options.plugin_jobs, _say)
    return Results(
        machine=machine,
        condor=pool.condor_version,
        slots=options.slots,
        memory_kind=memory_kind(),
        plugin=plugin,
        submissions=tuple(submissions),
        rates=tuple(rates),
        same_count=same_count,
        peer=peer,
    )


def _measure_submissions(counts: Sequence[int], folder: Path) -> list[Submission]:
    if not counts:
        return []
    files = max(counts) // EVENTS_PER_FILE
    _say(f"writing {files} input files of {EVENTS_PER_FILE} empty events each (not measured)")
    inputs = make_inputs(folder / "inputs", files, _say)
    measured = []
    for count in counts:
        _say(f"planning and submitting {count} jobs")
        measured.append(measure_submission(folder / f"jobs-{count}", inputs[: count // EVENTS_PER_FILE], _say))
    return measured


def _table(results: Results) -> Table:
    machine = results.machine
    busy = f"; the machine was busy: load {machine.load_at_start:.1f} before the run" if results.busy else ""
    table = Table(
        title=f"Orchestration: HTCondor {results.condor}, {results.slots} slots, {machine.cores} cores{busy}",
        caption=f"memory: {results.memory_kind} of the driver's whole process tree; aims in brackets",
    )
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("beside it")
    for one in results.submissions:
        aims = one.jobs == AIM_JOBS
        table.add_row(
            f"plan and submit {one.jobs:,} jobs of {one.files:,} files",
            f"{one.seconds:.1f} s" + (f" (< {AIM_S})" if aims else ""),
            f"{one.plan_seconds:.1f} s until the manifest was there, {one.cpu_seconds:.1f} s of CPU",
        )
        table.add_row(
            "  peak memory",
            f"{one.peak_mb:.0f} MB" + (f" (< {AIM_MB})" if aims else ""),
            f"{one.watching_peak_mb:.0f} MB while watching, after",
        )
    for rate in results.rates:
        table.add_row(
            f"run {rate.jobs:,} jobs of {rate.what}",
            f"{rate.jobs_per_min:.0f} jobs/min",
            f"{rate.seconds:.1f} s, {rate.cpu_ms_per_job:.0f} ms of CPU per job",
        )
    if results.peer is not None and results.same_count is not None:
        for who, rate in (("SonicGrid", results.same_count), ("the plugin", results.peer)):
            table.add_row(
                f"run {rate.jobs:,} empty jobs, {who}",
                f"{rate.jobs_per_min:.0f} jobs/min",
                f"{rate.seconds:.1f} s, the whole command {rate.command_seconds:.1f} s,"
                f" {rate.cpu_ms_per_job:.0f} ms of CPU per job",
            )
        beside = (
            "" if results.ratio_many is None else f"{results.ratio_many:.1f} with {results.rates[0].jobs:,} of ours"
        )
        table.add_row("ratio of the rates", f"{results.ratio:.1f} (> {AIM_RATIO})", beside)
        table.add_row(
            "ratio of the CPU time", f"{results.cpu_ratio:.1f}", "CPU time per job, the plugin's over SonicGrid's"
        )
    return table


def _write(results: Results, path: Path) -> None:
    plugin = results.plugin
    document = {
        "benchmark": "orchestration",
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "machine": asdict(results.machine),
        "machine_was_busy": results.busy,
        "versions": {"htcondor": results.condor, "plugin_environment": plugin.versions if plugin else None},
        "slots": results.slots,
        "memory_kind": results.memory_kind,
        "submissions": [asdict(one) for one in results.submissions],
        "rates": [_with_rate(rate) for rate in results.rates],
        "sonicgrid_same_count": _with_rate(results.same_count),
        "plugin": _with_rate(results.peer),
        "ratio": results.ratio,
        "ratio_many": results.ratio_many,
        "cpu_ratio": results.cpu_ratio,
        "aims": {"jobs": AIM_JOBS, "seconds": AIM_S, "memory_mb": AIM_MB, "ratio": AIM_RATIO},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def _with_rate(rate: Rate | None) -> dict[str, object] | None:
    return (
        None
        if rate is None
        else {**asdict(rate), "jobs_per_min": rate.jobs_per_min, "cpu_ms_per_job": rate.cpu_ms_per_job}
    )


def _say(line: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False, markup=False)


if __name__ == "__main__":
    sys.exit(main())
