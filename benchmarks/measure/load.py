"""What goes over the links: campaigns of real jobs on generated events, submitted as a user submits them."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import htcondor2
import yaml

from jobs.reco.generate import GeneratorParameters, generate_file
from jobs.spec.links import LINKS_FILE
from jobs.spread import spread
from measure.errors import BenchmarkFailed
from sonic.network import PATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from measure.cases import Case

__all__ = ["SEED", "Load", "Running", "make_load", "running_campaigns"]

SEED = 20_231

EVENTS = GeneratorParameters(
    n_apas=1,
    density=0.1,
    muons_per_apa=0,
    showers_per_apa=0,
    interactions_per_apa=10,
    blips_per_apa=2500,
    noise_pulses_per_apa=2000,
)
"""About 500 hits, 4.8 MB of patches. Small, so that a minute holds many; no long tracks and showers, so that the sizes
differ by half from event to event as a large detector's do, and not by the whole."""

WIRE_OVERHEAD = 1.05
"""Bytes on the wire for each byte of a patch: 66 of 1,514 are headers, and gRPC adds a little."""

EVENTS_PER_FILE = 240
END_WAIT_S = 60.0


@dataclass(frozen=True)
class Load:
    """Input of the campaigns.

    Attributes:
        files: of `EVENTS_PER_FILE` events each.
        hits_per_event: mean.
        mbps_per_job: what a job sends in the mean while nothing holds it back, Mb/s on the wire.
        events_per_job: of the campaigns.

    """

    files: tuple[Path, ...]
    hits_per_event: float
    mbps_per_job: float
    events_per_job: int

    @property
    def rest_of_chain_s(self) -> float:
        """Time of the rest of the chain that makes a job's mean rate so."""
        return self.hits_per_event * PATCH_BYTES * WIRE_OVERHEAD * 8 / 1e6 / self.mbps_per_job


def make_load(folder: Path, *, files: int, mbps_per_job: float, events_per_job: int) -> Load:
    """Generate the input files."""
    folder.mkdir(parents=True)
    written = list(spread(_Generate(folder), list(range(files))))
    return Load(
        files=tuple(folder / _name(number) for number in range(files)),
        hits_per_event=sum(written) / (files * EVENTS_PER_FILE),
        mbps_per_job=mbps_per_job,
        events_per_job=events_per_job,
    )


@dataclass(frozen=True)
class _Generate:
    """Writes one file and returns its hits; an object, because other processes must be able to import it."""

    folder: Path

    def __call__(self, number: int) -> int:
        path = self.folder / _name(number)
        return generate_file(path, EVENTS_PER_FILE, SEED, EVENTS, run=number + 1).hits


def _name(number: int) -> str:
    return f"events-{number:03d}.root"


@dataclass(frozen=True)
class Running:
    """Campaigns that are under way: `sonicgrid submit` of each, by the folder of its results."""

    commands: Mapping[Path, subprocess.Popen[bytes]]

    def check(self) -> None:
        """Make sure that none of them has come to an end.

        Raises:
            BenchmarkFailed: one has; the message quotes what it said.

        """
        for folder, command in self.commands.items():
            if command.poll() is not None:
                said = folder.with_suffix(".out").read_text(errors="replace")[-2000:]
                raise BenchmarkFailed(f"the campaign {folder.name} ended before its time:\n{said}")


@contextmanager
def running_campaigns(folder: Path, case: Case, load: Load) -> Iterator[Running]:
    """Have a case's campaigns under way with `sonicgrid submit`; at the end they are cancelled and gone.

    Args:
        folder: for configs and results; made here.
        case: the site configs.
        load: the events.

    Raises:
        BenchmarkFailed: they do not leave the queue.

    """
    sites = folder / "sites"
    sites.mkdir(parents=True)
    for name, document in case.sites.items():
        (sites / f"{name}.yaml").write_text(yaml.safe_dump(dict(document), sort_keys=False))
    if case.links:
        (sites / LINKS_FILE).write_text(yaml.safe_dump(dict(case.links), sort_keys=False))
    groups = [list(case.sites)] if case.together else [[name] for name in case.sites]
    specs = [_write_spec(folder, "-".join(group), group, load) for group in groups]
    with ExitStack() as stack:
        stack.callback(_await_empty_queue)
        yield Running({spec.with_suffix(""): stack.enter_context(_submitted(spec, sites)) for spec in specs})


def _write_spec(folder: Path, name: str, sites: Sequence[str], load: Load) -> Path:
    spec = folder / f"{name}.yaml"
    document = {
        "name": f"link-{name}",
        "inputs": [str(path) for path in load.files],
        "sites": list(sites),
        "jobs": {"events_per_job": load.events_per_job, "memory": "500 MB", "disk": "50 MB"},
        "reco": {"rest_of_chain": f"{load.rest_of_chain_s:.3f} s"},
        "output": {"folder": str(folder / name)},
    }
    spec.write_text(yaml.safe_dump(document, sort_keys=False))
    return spec


@contextmanager
def _submitted(spec: Path, sites: Path) -> Iterator[subprocess.Popen[bytes]]:
    sonicgrid = str(Path(sys.executable).with_name("sonicgrid"))
    with spec.with_suffix(".out").open("wb") as out:
        process = subprocess.Popen(
            [sonicgrid, "submit", str(spec), "--sites-folder", str(sites)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        # It stops the driver too; the command that follows the driver then ends by itself.
        cancelled = subprocess.run([sonicgrid, "cancel", str(spec), "--yes"], capture_output=True, check=False)
        if cancelled.returncode:
            process.terminate()
        try:
            process.wait(timeout=END_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_empty_queue() -> None:
    """Wait until nothing of the user's runs any more: the next case needs idle links."""
    deadline = time.monotonic() + END_WAIT_S
    while htcondor2.Schedd().query("JobStatus =!= 5", ["ClusterId"]):
        if time.monotonic() > deadline:
            raise BenchmarkFailed(f"cancelled jobs are still in the queue after {END_WAIT_S:.0f} s")
        time.sleep(0.5)
