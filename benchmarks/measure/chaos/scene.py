"""Campaigns one after the other on a pool of their own: their files, and the commands that a person gives.

Everything lies under one folder, listens on free ports and is told from everything else by that folder, so that scenes
run beside each other and beside a pool that is at work.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any

import psutil

from jobs.layout import CHECKOUT
from jobs.pool.up import servers_folder
from jobs.reco.generate import GeneratorParameters, generate_file
from jobs.spread import spread
from measure.errors import BenchmarkFailed

__all__ = ["Scene", "Size"]

_COMMAND_S = 240.0
_BENCHMARKS = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Size:
    """How much there is to do.

    Attributes:
        files, events_per_file, events_per_job, jobs_per_block: of the campaign.
        rest_of_chain_s: seconds that a job sleeps for each event.
        slots, servers: of the pool.

    """

    files: int
    events_per_file: int = 4
    events_per_job: int = 2
    jobs_per_block: int = 16
    rest_of_chain_s: float = 1.5
    slots: int = 6
    servers: int = 2


class Scene:
    """One campaign at a time, and all that it needs.

    Args:
        root: an empty folder.
        size: of each campaign, and of the pool.

    Attributes:
        name: of the campaign.
        submitting, collecting, relaying: the processes that were started last.

    """

    def __init__(self, root: Path, size: Size) -> None:
        self.root = root
        self.size = size
        self.pool = root / "pool"
        self.results = root / "results"
        self.name = ""
        self.submitting: psutil.Popen | None = None
        self.collecting: psutil.Popen | None = None
        self.relaying: psutil.Popen | None = None
        self._port = _free_port()
        self._started: list[psutil.Popen] = []

    @property
    def folder(self) -> Path:
        """The campaign's folder."""
        return self.results / self.name

    @property
    def inputs(self) -> list[Path]:
        """The files that jobs read, in the order of the manifest."""
        return sorted((self.root / "data" / self.name).glob("*.root"))

    @property
    def originals(self) -> list[Path]:
        """What the inputs are copies of; nobody touches these."""
        return [self.root / "originals" / f"{number:03d}.root" for number in range(self.size.files)]

    def write_files(self) -> None:
        """Generate the events, and write the site config."""
        for name in ("originals", "sites"):
            (self.root / name).mkdir()
        list(spread(partial(_generate, events=self.size.events_per_file), self.originals))
        # The software of this checkout, whichever the interpreter has installed.
        python = self.root / "python"
        python.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(CHECKOUT))} exec {shlex.quote(sys.executable)} "$@"\n'
        )
        python.chmod(0o755)
        site = {
            "endpoints": [f"127.0.0.1:{self._port}"],
            "uplink": "1 Gb/s",
            "rate_per_job": "20 Mb/s",
            "wire_format": "views",
            "environment": {"python": str(python)},
        }
        (self.root / "sites" / "local.yaml").write_text(json.dumps(site))

    def begin(self, name: str) -> None:
        """Turn to another campaign: write its spec, and give it inputs of its own."""
        self.name = name
        self.submitting = self.collecting = None
        (self.root / "data" / name).mkdir(parents=True)
        for path in self.originals:
            copyfile(path, self.root / "data" / name / path.name)
        spec = {
            "name": name,
            "inputs": str(self.root / "data" / name / "*.root"),
            "sites": "local",
            "jobs": {
                "events_per_job": self.size.events_per_job,
                "jobs_per_block": self.size.jobs_per_block,
                "checkpoint_events": 1,
            },
            "reco": {"rest_of_chain": f"{self.size.rest_of_chain_s} s"},
            "output": {"folder": str(self.folder), "merged_file": "200 kB"},
        }
        self.spec.write_text(json.dumps(spec))

    @property
    def spec(self) -> Path:
        """The campaign's spec; JSON is YAML."""
        return self.root / f"{self.name}.yaml"

    def pool_up(self) -> None:
        """Bring the pool up, or up again."""
        sites, servers = f"local={self.size.slots}", str(self.size.servers)
        self._run("pool", "up", "--folder", str(self.pool), "--site", sites, "--servers", servers)

    def pool_down(self) -> None:
        """Bring the pool down."""
        self._run("pool", "down", "--folder", str(self.pool))

    def relay(self) -> None:
        """Open the link to the inference pool."""
        state = servers_folder(self.pool) / "servers.json"
        self.relaying = self._start("relay", sys.executable, "-m", "measure.chaos.relay", str(self._port), str(state))

    def submit(self) -> psutil.Popen:
        """Begin the campaign, or go on with it."""
        self.submitting = self.command("submit", "submit", str(self.spec), "--json")
        return self.submitting

    def command(self, log: str, *arguments: str) -> psutil.Popen:
        """Start `sonicgrid` with some arguments; what it prints goes into a file of this name."""
        return self._start(log, *_SONICGRID, *arguments)

    def collect(self) -> None:
        """Start the dashboard's collector."""
        stores = str(self.root / "stores")
        arguments = ("-m", "monitoring.collect", str(self.folder), "--store-folder", stores)
        self.collecting = self._start("collect", sys.executable, *arguments)

    def status(self) -> dict[str, Any]:
        """Return what `sonicgrid status --json` says."""
        document: dict[str, Any] = json.loads(self._run("status", str(self.folder), "--json"))
        return document

    def end(self) -> None:
        """Kill what was started and has not ended."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()

    def printed(self, log: str) -> str:
        """Return what the last command of this name has printed."""
        path = self.root / f"{log}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*_SONICGRID, *arguments],
            cwd=self.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
        if done.returncode != 0:
            message = f"sonicgrid {' '.join(arguments)}: exit status {done.returncode}: {done.stdout}{done.stderr}"
            raise BenchmarkFailed(message)
        return done.stdout

    def _start(self, log: str, *command: str) -> psutil.Popen:
        # Python wants to know how each of its children ended, those that were killed included.
        self._started = [one for one in self._started if one.poll() is None]
        with (self.root / f"{log}.log").open("wb") as sink:
            process = psutil.Popen(
                list(command),
                cwd=self.root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    @property
    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "CONDOR_CONFIG"}
        return inherited | {
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(_BENCHMARKS)]),
            "SONICGRID_POOL": str(self.pool),
            "SONICGRID_SITES": str(self.root / "sites"),
            "SONICGRID_RUNTIME": os.environ.get("SONICGRID_RUNTIME", str(CHECKOUT / ".runtime")),
        }


_SONICGRID = (sys.executable, "-c", "from jobs.cli.app import main; main()")


def _generate(path: Path, *, events: int) -> Path:
    parameters = GeneratorParameters(n_apas=1, density=0.04)
    generate_file(path, events, 1, parameters, subrun=int(path.stem))
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
