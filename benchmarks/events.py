"""What one full event costs on the worker's side: generate, write, read, build views, cut patches, score in the job.

CPU time on one core, events of six APAs; prints one table and writes one JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, pstdev
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from measure.machine import Machine, describe_machine, is_busy
from rich.console import Console
from rich.progress import track
from rich.table import Table

from jobs.reco.event import EventId
from jobs.reco.generate import GeneratorParameters, generate_event
from jobs.reco.geometry import channel_map
from jobs.reco.read import open_events
from jobs.reco.schema import Provenance
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from jobs.reco.write import write_events
from sonic.hit_pixels import HitPixels
from sonic.local import LocalScorer
from sonic.patches import PatchCutter, spans_of
from sonic.server.models import DEMO_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sonic import View

N_APAS = 6
BATCH_PATCHES = 256
AIMS_S = {"generate": 1.0}
"""Most CPU seconds for each event."""

console = Console(highlight=False)


class Stopwatch:
    """CPU seconds of each stage, event by event."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Take the CPU time of what is done inside; all threads of this process count."""
        began = time.process_time()
        yield
        self.seconds[name].append(time.process_time() - began)


@dataclass(frozen=True)
class Results:
    """What the table and the JSON say; seconds are CPU seconds of each event, by stage."""

    machine: Machine
    machine_was_busy: bool
    events: int
    apas: int
    hits_per_event: float
    mb_per_event: float
    seconds: dict[str, list[float]]


def measure_events(n_events: int, seed: int) -> Results:
    """Take events through every stage, one after the other."""
    machine, watch = describe_machine(), Stopwatch()
    busy = is_busy(machine.load_at_start)
    # One core, as a job has: libraries start a thread per core that they may use.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    parameters, channels = GeneratorParameters(n_apas=N_APAS), channel_map(N_APAS)
    provenance = Provenance(origin="generated", detector="protodune-sp-like", seed=seed, software_version="benchmark")
    hits, sizes = [], []
    with TemporaryDirectory() as folder, LocalScorer(DEMO_MODEL) as scorer:
        for number in track(range(1, n_events + 1), "events", console=console, transient=True):
            path = Path(folder) / f"{number}.root"
            with watch.stage("generate"):
                made = generate_event(seed, EventId(1, 0, number), parameters)
            with watch.stage("write"):
                sizes.append(write_events(path, [made], channels, provenance).bytes)
            with watch.stage("read and check"), open_events(str(path)) as file:
                (event,) = list(file.events(0, 1))
                known = file.channels
            with watch.stage("views"):
                views = build_views(event, known, DEFAULT_ADC_PER_ELECTRON).views
            with watch.stage("cut patches"):
                _cut(views)
            with watch.stage("score (patches cut and network)"):
                scorer.score(views)
            hits.append(len(event.hits.channel))
    return Results(machine, busy, n_events, N_APAS, mean(hits), mean(sizes) / 1e6, dict(watch.seconds))


def _cut(views: tuple[View, ...]) -> None:
    pixels = HitPixels(views)
    cutter = PatchCutter(pixels)
    for span in spans_of(pixels.n_patches, BATCH_PATCHES):
        cutter.patches(span)


def _table(results: Results) -> Table:
    busy = f"; the machine was busy: load {results.machine.load_at_start:.1f}" if results.machine_was_busy else ""
    table = Table(
        title=f"{results.events} events of {results.apas} APAs, {results.hits_per_event:,.0f} hits and"
        f" {results.mb_per_event:.1f} MB each{busy}",
        caption="CPU time of one process, one core; aims in brackets",
    )
    table.add_column("stage")
    table.add_column("CPU s per event", justify="right")
    table.add_column("spread", justify="right")
    for stage, seconds in results.seconds.items():
        aim = f" (< {AIMS_S[stage]:g})" if stage in AIMS_S else ""
        table.add_row(stage, f"{mean(seconds):.3f}{aim}", f"{pstdev(seconds):.3f}")
    return table


def _write(results: Results, path: Path) -> None:
    document = {
        "benchmark": "events",
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "aims_s": AIMS_S,
        **asdict(results),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10, help="events to take through (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the generator (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/events.json"), help="(%(default)s)")
    options = parser.parse_args()
    results = measure_events(options.events, options.seed)
    console.print(_table(results))
    _write(results, options.out)
    console.print(f"written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
