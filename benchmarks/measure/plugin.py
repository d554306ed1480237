"""The peer: the same empty jobs as rule instances of Snakemake through its executor plugin for HTCondor."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import htcondor2

from jobs.pool.client import client_environment
from jobs.pool.folders import runtime_folder
from measure.errors import BenchmarkFailed
from measure.machine import load
from measure.pool import pool_cpu_s
from measure.rate import Rate

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Plugin", "install_plugin", "measure_plugin", "span_of"]

REQUIREMENTS = Path(__file__).resolve().parent.parent / "plugin-requirements.txt"
NAME = "snakemake-executor-plugin-htcondor"

PATIENCE_S = 1800.0

WORKFLOW = """
rule all:
    input:
        expand("out/{n}.txt", n=range(int(config["jobs"]))),


rule empty:
    output:
        "out/{n}.txt",
    resources:
        # Snakemake on the worker keeps a cache, and looks for its folder in the environment.
        getenv="PATH,HOME,XDG_CACHE_HOME",
    shell:
        "echo {wildcards.n} > {output}"
"""


@dataclass(frozen=True)
class Plugin:
    """The plugin in its environment."""

    snakemake: Path
    """Its command."""
    versions: dict[str, str]
    """By package, of what it was installed from."""


def install_plugin(say: Callable[[str], None]) -> Plugin:
    """Have the plugin in an environment of its own, made on the first call.

    Raises:
        BenchmarkFailed: the environment cannot be made.

    """
    wanted = REQUIREMENTS.read_text()
    lines = (line for line in wanted.splitlines() if line and not line.startswith("#"))
    versions = dict(line.split("==") for line in lines)
    folder = runtime_folder() / "benchmarks" / "plugin"
    plugin = Plugin(folder / "bin" / "snakemake", versions)
    mark = folder / ".installed"
    # The path is part of the mark: the programs of an environment carry it.
    if mark.is_file() and mark.read_text() == f"{folder}\n{wanted}":
        return plugin
    say(f"installing {NAME} in {folder}")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)],
        [*pip, "install", "--disable-pip-version-check", "--quiet", "--requirement", str(REQUIREMENTS)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"{NAME} cannot be installed (--skip-plugin goes without):\n{done.stderr.strip()}"
            raise BenchmarkFailed(message)
    mark.write_text(f"{folder}\n{wanted}")
    return plugin


def measure_plugin(plugin: Plugin, folder: Path, jobs: int, say: Callable[[str], None]) -> Rate:
    """Run `jobs` rule instances through the plugin on the pool of this process, all submitted as fast as it can.

    Raises:
        BenchmarkFailed: it failed, or an output is missing.

    """
    folder.mkdir(parents=True)
    (folder / "Snakefile").write_text(WORKFLOW)
    environment = client_environment()
    environment["PATH"] = f"{plugin.snakemake.parent}:{environment['PATH']}"
    environment["XDG_CACHE_HOME"] = str(folder / "cache")
    environment.setdefault("HOME", str(folder))
    command = [
        str(plugin.snakemake),
        *("--snakefile", str(folder / "Snakefile")),
        *("--directory", str(folder)),
        *("--executor", "htcondor", "--htcondor-jobdir", str(folder / "jobs")),
        *("--jobs", str(jobs)),
        # Its defaults are for long jobs: the cheap scheduler and the shortest wait between looks are in its favour.
        *("--scheduler", "greedy", "--seconds-between-status-checks", "1"),
        *("--config", f"jobs={jobs}"),
    ]
    load_before = load()
    cpu_s = pool_cpu_s() + _children_cpu_s()
    began = time.monotonic()
    with (folder / "snakemake.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(process, folder, jobs, say)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    command_s = time.monotonic() - began
    cpu_s = pool_cpu_s() + _children_cpu_s() - cpu_s
    missing = [number for number in range(jobs) if not (folder / "out" / f"{number}.txt").is_file()]
    if process.returncode or missing:
        tail = "\n".join((folder / "snakemake.log").read_text(errors="replace").splitlines()[-15:])
        message = f"{NAME} ended with {process.returncode} and {len(missing)} of {jobs} outputs missing:\n{tail}"
        raise BenchmarkFailed(message)
    seconds = span_of(folder / "jobs" / "snakemake-rules.log", jobs)
    return Rate(NAME, jobs, seconds, command_s, cpu_s, load_before)


def _wait(process: subprocess.Popen[bytes], folder: Path, jobs: int, say: Callable[[str], None]) -> None:
    began = said = time.monotonic()
    while process.poll() is None:
        now = time.monotonic()
        if now - began > PATIENCE_S:
            message = f"{NAME} did not end within {PATIENCE_S:.0f} s; see {folder / 'snakemake.log'}"
            raise BenchmarkFailed(message)
        if now - said > 20:
            said = now
            done = sum(1 for _ in folder.glob("out/*.txt"))
            say(f"{done} of {jobs} rule instances have ended, after {now - began:.0f} s")
        time.sleep(0.1)


def _children_cpu_s() -> float:
    """Return the CPU time of all children of this process that have ended, seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def span_of(log: Path, jobs: int) -> float:
    """Return the seconds from the first submission to the last end in an event log; HTCondor writes whole seconds.

    Raises:
        BenchmarkFailed: not every job has an end in it.

    """
    first, last, ended = None, 0, set()
    with htcondor2.JobEventLog(str(log)) as events:
        for event in events.events(stop_after=0):
            if event.type == htcondor2.JobEventType.SUBMIT and first is None:
                first = event.timestamp
            if event.type == htcondor2.JobEventType.JOB_TERMINATED:
                last = max(last, event.timestamp)
                ended.add((event.cluster, event.proc))
    if first is None or len(ended) != jobs:
        message = f"{log}: {len(ended)} of {jobs} jobs have an end"
        raise BenchmarkFailed(message)
    return float(max(last - first, 1))
