"""What it costs jobs when servers of the inference pool die, hang, come back, are drained or added under load.

Real Triton servers behind the real Envoy, and clients in processes of their own that score one event again and again
and compare every score with the network's own. Meanwhile servers are killed, restarted, stopped, drained and added.
Prints a table and writes a JSON. Exit status: 0 if no job failed, every score was right and no single fault cost a job
more than 10 s; 1 if not.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psutil
from measure.machine import Machine, describe_machine
from measure.outage_jobs import running_jobs, save_views
from rich.console import Console
from rich.table import Table

from jobs.pool.folders import runtime_folder
from jobs.reco.event import EventId
from jobs.reco.generate import GeneratorParameters, generate_event
from jobs.reco.geometry import channel_map
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from sonic.local import LocalScorer
from sonic.server.models import DEMO_MODEL
from sonic.server.pool import start_servers, stop_servers

if TYPE_CHECKING:
    from collections.abc import Callable

    from measure.outage_jobs import Jobs

    from sonic.server.state import ServersState
    from sonic.wire_format import WireFormat

MOST_LOST_S = 10.0
"""What a single fault may cost a job."""

PATIENCE_S = 300.0

console = Console(highlight=False)


@dataclass(frozen=True)
class Cost:
    """What one fault cost.

    Attributes:
        fault: in words.
        counts: whether the aim holds for it: a single server, not all of them.
        seconds: that were watched from the fault on.
        longest_wait_s: for which a job had no answer in that time.
        answers_per_s: in that time; `before` is without a fault.
        before: the same, before the first fault.

    """

    fault: str
    counts: bool
    seconds: float
    longest_wait_s: float
    answers_per_s: float
    before: float


@dataclass(frozen=True)
class Results:
    """What the table and the JSON say."""

    machine: Machine
    wire_format: str
    n_jobs: int
    hits: int
    undisturbed_wait_s: float
    costs: list[Cost]
    events_right: int
    events_wrong: int
    retries: int
    errors: list[str]

    @property
    def failures(self) -> list[str]:
        """Which aims were missed."""
        missed = [f"a job failed: {error}" for error in self.errors]
        if self.events_wrong:
            missed.append(f"{self.events_wrong} events with wrong scores")
        missed += [
            f"{cost.fault}: a job had no answer for {cost.longest_wait_s:.1f} s"
            for cost in self.costs
            if cost.counts and cost.longest_wait_s > MOST_LOST_S
        ]
        return missed


class Pool:
    """The servers that are hurt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.state = self.have(2)

    def have(self, count: int) -> ServersState:
        """Have so many servers: start what is missing, drain what is too much."""
        self.state = start_servers(self._folder, count, runtime=runtime_folder())
        return self.state

    def signal(self, number: signal.Signals, *servers: int) -> None:
        """Send a signal to the main processes of some servers."""
        for server in servers:
            psutil.Process(self.state.servers[server].pid).send_signal(number)


def faults(pool: Pool, all_away_s: float) -> list[tuple[str, bool, Callable[[], object], float]]:
    """Return what is done to the pool: in words, whether the aim holds for it, how, and how long to watch."""
    kill, stop, go = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT
    return [
        ("SIGKILL of server 1", True, lambda: pool.signal(kill, 0), 10.0),
        ("server 1 restarted", True, lambda: pool.have(2), 8.0),
        ("SIGKILL of server 2", True, lambda: pool.signal(kill, 1), 10.0),
        ("server 2 restarted", True, lambda: pool.have(2), 8.0),
        ("server 2 drained", True, lambda: pool.have(1), 8.0),
        ("server 2 added", True, lambda: pool.have(2), 8.0),
        ("server 1 hangs (SIGSTOP)", True, lambda: pool.signal(stop, 0), 15.0),
        ("server 1 goes on (SIGCONT)", True, lambda: pool.signal(go, 0), 8.0),
        (f"SIGKILL of both for {all_away_s:.0f} s", False, lambda: pool.signal(kill, 0, 1), all_away_s),
        ("both restarted", False, lambda: pool.have(2), 15.0),
    ]


def measure_outages(folder: Path, wire_format: WireFormat, n_jobs: int, apas: int, all_away_s: float) -> Results:
    """Hurt a pool under load in every way, one after the other."""
    machine = describe_machine()
    event = generate_event(1, EventId(1, 0, 1), GeneratorParameters(n_apas=apas))
    views = build_views(event, channel_map(apas), DEFAULT_ADC_PER_ELECTRON).views
    with LocalScorer(DEMO_MODEL, threads=2) as scorer:
        save_views(folder / "event.npz", views, scorer.score(views))
    servers = folder / "servers"
    costs: list[Cost] = []
    try:
        pool = Pool(servers)
        with running_jobs(n_jobs, pool.state.endpoint, folder / "event.npz", wire_format, PATIENCE_S) as jobs:
            while not all(jobs.heard.answers_s.values()):
                jobs.listen(0.5)
            _, before, undisturbed_s = _watch(jobs, lambda: None, 10.0)
            for name, counts, do, seconds in faults(pool, all_away_s):
                began_s, rate, wait_s = _watch(jobs, do, seconds)
                costs.append(Cost(name, counts, time.monotonic() - began_s, wait_s, rate, before))
                console.print(f"{name}: longest wait {wait_s:.1f} s, {rate:.0f} answers/s of {before:.0f}")
    finally:
        stop_servers(servers)
    heard = jobs.heard
    return Results(
        machine,
        wire_format,
        n_jobs,
        len(event.hits.channel),
        undisturbed_s,
        costs,
        heard.right,
        heard.wrong,
        sum(heard.retries.values()),
        heard.errors,
    )


def _watch(jobs: Jobs, do: Callable[[], object], seconds: float) -> tuple[float, float, float]:
    """Do something to the pool and listen; returns when it began, answers/s and the longest wait since."""
    began_s = time.monotonic()
    do()
    jobs.listen(seconds)
    now_s = time.monotonic()
    return began_s, jobs.heard.answers(began_s, now_s) / (now_s - began_s), jobs.heard.longest_wait_s(began_s, now_s)


def _table(results: Results) -> Table:
    table = Table(
        title=f"{results.n_jobs} jobs, {results.wire_format}, an event of {results.hits:,} hits again and again",
        caption=f"{results.events_right:,} events right, {results.events_wrong} wrong, {len(results.errors)} jobs "
        f"failed, {results.retries} requests sent again; longest wait without a fault"
        f" {results.undisturbed_wait_s:.1f} s",
    )
    for column in ("fault", "watched, s", "longest wait of a job, s", "answers/s", "of those before"):
        table.add_column(column, justify="left" if column == "fault" else "right")
    for cost in results.costs:
        table.add_row(
            cost.fault,
            f"{cost.seconds:.0f}",
            f"{cost.longest_wait_s:.1f}",
            f"{cost.answers_per_s:.1f}",
            f"{cost.answers_per_s / cost.before:.0%}",
        )
    return table


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=8, help="jobs at once (%(default)s)")
    parser.add_argument("--apas", type=int, default=1, help="APAs of the event (%(default)s)")
    parser.add_argument("--format", choices=("patches", "views"), default="views", help="wire format (%(default)s)")
    parser.add_argument("--all-away-s", type=float, default=60.0, help="how long all are away (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/outage.json"), help="(%(default)s)")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        results = measure_outages(Path(folder), options.format, options.jobs, options.apas, options.all_away_s)
    console.print(_table(results))
    document = {
        "benchmark": "outage",
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "aims": {"most_lost_s": MOST_LOST_S},
        **asdict(results),
        "failures": results.failures,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(document, indent=2) + "\n")
    console.print(f"written to {options.out}")
    for failure in results.failures:
        console.print(f"aim missed: {failure}", markup=False)
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
