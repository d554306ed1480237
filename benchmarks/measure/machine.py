"""On what a number was measured: a rate without its machine, its versions and its load says nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

__all__ = ["Machine", "describe_machine", "is_busy", "load"]

BUSY = 0.75
"""Load per core from which on the machine counts as busy with something else."""


@dataclass(frozen=True)
class Machine:
    """The machine, and the versions of what ran on it.

    Attributes:
        cores: that this process may use.
        cpu: model of the CPU.
        memory_gb: of the machine.
        system: operating system.
        python, snakemake, bindings: versions; the bindings are HTCondor's Python bindings.
        load_at_start: processes that wanted a core before anything was started, mean of a minute.

    """

    cores: int
    cpu: str
    memory_gb: float
    system: str
    python: str
    snakemake: str
    bindings: str
    load_at_start: float


def load() -> float:
    """Return the number of processes that want a core, mean of the last minute."""
    return os.getloadavg()[0]


def is_busy(load_before: float) -> bool:
    """Return whether a load before a measurement says that others used the machine too."""
    return load_before > BUSY * len(os.sched_getaffinity(0))


def describe_machine() -> Machine:
    """Look at this machine."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        cpu=_cpu(),
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        system=_system(),
        python=platform.python_version(),
        snakemake=version("snakemake"),
        bindings=version("htcondor"),
        load_at_start=load(),
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()
