"""What a dashboard of a big campaign costs: catching up from nothing, a tick, memory, the store, pages and tables.

The campaign is real files, 100,000 jobs with a million events by default; prints one table and writes one JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import htcondor2
import psutil
from measure.big_campaign import BigCampaign, write_campaign, write_news
from measure.dashboard_pages import PageCosts, measure_pages
from measure.machine import Machine, describe_machine, is_busy
from rich.console import Console
from rich.table import Table

from jobs.layout import CampaignFolder
from jobs.manifest import read_campaign_name
from jobs.running.event_text import read_events
from monitoring.collect import Collector
from monitoring.panels.shown import Shown
from monitoring.prometheus.exposition import exposition
from monitoring.store.place import find_store

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

AIMS = {"catch_up_s": 60.0, "tick_ms": 200.0, "metrics_ms": 300.0, "slowest_table_ms": 300.0}
"""Most of each."""

TICKS = 30
PAGES = 10

NEWS_PER_TICK = 200
"""Heartbeats between two ticks: 6,000 running jobs, ticks of two seconds."""

console = Console(highlight=False)


@dataclass(frozen=True)
class Reading:
    """How fast an event log is read, by which reader, events per CPU second."""

    bindings: float
    text: float


@dataclass(frozen=True)
class Costs:
    """What the collector took.

    Attributes:
        begin_s: from nothing to a store with every job of the manifest.
        catch_up_s, catch_up_cpu_s: to the end of all logs and records, wall and CPU seconds.
        idle_tick_ms: median of ticks in which nothing is new.
        tick_ms, longest_tick_ms: median and largest of ticks with `NEWS_PER_TICK` heartbeats.
        metrics_ms: median of pages for Prometheus.
        memory_mb: resident after catching up.
        memory_later_mb: the same after the ticks.
        store_mb: size of the store.
        events, records: that were taken.
        states: number of jobs by state, as the store says.

    """

    begin_s: float
    catch_up_s: float
    catch_up_cpu_s: float
    idle_tick_ms: float
    tick_ms: float
    longest_tick_ms: float
    metrics_ms: float
    memory_mb: float
    memory_later_mb: float
    store_mb: float
    events: int
    records: int
    states: dict[str, int]


@dataclass(frozen=True)
class Results:
    """What the table and the JSON say."""

    machine: Machine
    machine_was_busy: bool
    campaign: BigCampaign
    reading: Reading
    costs: Costs
    pages: PageCosts


def measure_reading(folder: CampaignFolder) -> Reading:
    """Read the first block's event log with HTCondor's bindings, and as text."""
    path = folder.block(0).events_log
    began = time.process_time()
    events = sum(1 for _ in htcondor2.JobEventLog(str(path)).events(stop_after=0))
    by_bindings_s = time.process_time() - began
    began = time.process_time()
    same = sum(1 for _ in read_events(path.read_bytes()))
    by_text_s = time.process_time() - began
    if events != same:
        raise SystemExit(f"{path}: {events} events by HTCondor's bindings, {same} as text")
    return Reading(events / by_bindings_s, events / by_text_s)


def measure_collector(root: str, store: str, jobs: int, answer: Connection) -> None:
    """Follow the campaign in a process of its own, so that its memory is its own."""
    folder, process = CampaignFolder(Path(root)), psutil.Process()
    began = time.monotonic()
    collector = Collector(folder, Path(store), embedded_pool=False)
    begin_s = time.monotonic() - began
    cpu_before_s = time.process_time()
    report = collector.catch_up()
    catch_up_cpu_s = time.process_time() - cpu_before_s
    memory_mb = process.memory_info().rss * 1e-6
    idle = [collector.tick().took_s for _ in range(TICKS)]
    busy = []
    for _ in range(TICKS):
        write_news(folder, jobs, NEWS_PER_TICK, time.time())
        busy.append(collector.tick().took_s)
    memory_later_mb = process.memory_info().rss * 1e-6
    states = dict(collector.connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
    collector.close()
    metrics_ms = [_metrics_ms(Shown("big", folder, Path(store))) for _ in range(PAGES)]
    answer.send(
        Costs(
            begin_s=begin_s,
            catch_up_s=report.took_s,
            catch_up_cpu_s=catch_up_cpu_s,
            idle_tick_ms=1e3 * median(idle),
            tick_ms=1e3 * median(busy),
            longest_tick_ms=1e3 * max(busy),
            metrics_ms=median(metrics_ms),
            memory_mb=memory_mb,
            memory_later_mb=memory_later_mb,
            store_mb=sum(path.stat().st_size for path in Path(store).parent.iterdir()) * 1e-6,
            events=report.events,
            records=report.records,
            states=states,
        )
    )


def _metrics_ms(shown: Shown) -> float:
    began = time.perf_counter()
    exposition([shown], time.time())
    return 1e3 * (time.perf_counter() - began)


def measure(jobs: int, where: Path | None, chromium: str | None) -> Results:
    """Write a campaign, follow it, and delete it."""
    machine = describe_machine()
    with TemporaryDirectory(prefix="sonicgrid-dashboard-", dir=where) as name:
        folder = CampaignFolder(Path(name) / "campaign")
        with console.status(f"Writing a campaign of {jobs:,} jobs"):
            campaign = write_campaign(folder, jobs, began=time.time() - 0.6 * jobs - 600.0)
        reading = measure_reading(folder)
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        stores = Path(name) / "stores"
        store = find_store(folder, read_campaign_name(folder.manifest), stores)
        process = context.Process(target=measure_collector, args=(str(folder.root), str(store), jobs, there))
        with console.status("Catching up with it"):
            process.start()
            there.close()
            costs = here.recv()
            process.join()
        with console.status("Asking for its pages"):
            pages = measure_pages(Path(name), stores, jobs, chromium)
    return Results(machine, is_busy(machine.load_at_start), campaign, reading, costs, pages)


def main() -> int:
    """Measure and say; exit 1 where counts are wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=100_000, help="jobs of the campaign")
    parser.add_argument("--folder", type=Path, help="where the campaign is written; by default the system's own")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/dashboard.json"), help="the JSON")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the browser; by default that on PATH")
    options = parser.parse_args()
    results = measure(options.jobs, options.folder, options.chromium)
    console.print(_table(results))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    written = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(results), "aims": AIMS}
    options.out.write_text(json.dumps(written, indent=1) + "\n")
    console.print(f"written to {options.out}")
    wanted = {"done": results.campaign.done, "failed": results.campaign.failed, "running": results.campaign.running}
    if results.costs.states != {state: jobs for state, jobs in wanted.items() if jobs}:
        console.print(f"the store says {results.costs.states}, and the campaign is {wanted}")
        return 1
    return 0


def _table(results: Results) -> Table:
    costs, reading, campaign = results.costs, results.reading, results.campaign
    table = Table(title=f"{campaign.jobs:,} jobs, {costs.events:,} events, {costs.records:,} records", title_style="")
    for name, justify in (("what", "left"), ("measured", "right"), ("aim", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left")
    table.add_row("event log, HTCondor's bindings", f"{reading.bindings:,.0f} events/s", "")
    table.add_row("event log, as text", f"{reading.text:,.0f} events/s", "")
    table.add_row("begin a store", f"{costs.begin_s:.1f} s", "")
    table.add_row("catch up", f"{costs.catch_up_s:.1f} s", f"{AIMS['catch_up_s']:.0f} s")
    table.add_row("catch up, CPU", f"{costs.catch_up_cpu_s:.1f} s", "")
    table.add_row("tick, nothing new", f"{costs.idle_tick_ms:.1f} ms", "")
    table.add_row(f"tick, {NEWS_PER_TICK} heartbeats", f"{costs.tick_ms:.1f} ms", f"{AIMS['tick_ms']:.0f} ms")
    table.add_row("the longest of these", f"{costs.longest_tick_ms:.1f} ms", f"{AIMS['tick_ms']:.0f} ms")
    table.add_row("page for Prometheus", f"{costs.metrics_ms:.1f} ms", f"{AIMS['metrics_ms']:.0f} ms")
    table.add_row("memory after catching up", f"{costs.memory_mb:.0f} MB", "")
    table.add_row(f"memory {2 * TICKS} ticks later", f"{costs.memory_later_mb:.0f} MB", "the same")
    table.add_row("store", f"{costs.store_mb:.0f} MB", "")
    pages = results.pages
    table.add_row("page of all campaigns, JSON", f"{pages.overview_ms:.0f} ms", "")
    table.add_row("page of the campaign, JSON", f"{pages.campaign_ms:.0f} ms", "")
    table.add_row("its first panels", f"{pages.first_panels_ms:.0f} ms", "")
    browser = "no Chromium" if pages.browser_ms is None else f"{pages.browser_ms:.0f} ms"
    table.add_row("the same in a browser, all panels", browser, "")
    table.add_row("page of a job, JSON", f"{pages.job_ms:.0f} ms", "")
    table.add_row(f"table of jobs, {pages.queries} queries", f"{pages.table_ms:.0f} ms", "")
    table.add_row("the slowest of these", f"{pages.slowest_table_ms:.0f} ms", f"{AIMS['slowest_table_ms']:.0f} ms")
    return table


if __name__ == "__main__":
    sys.exit(main())
