"""Where this attempt runs: site, host, CPU, and its numbers in HTCondor."""

from __future__ import annotations

import math
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.attributes import share_attribute

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SITE_VARIABLE", "Worker", "look_around", "seconds_since_start"]

SITE_VARIABLE = "SONICGRID_SITE"
"""Environment variable with the site's name; a submit description sets it from the slot that was matched."""

_SITE_ATTRIBUTE = "GLIDEIN_Site"
_JOB_AD = "_CONDOR_JOB_AD"
_MACHINE_AD = "_CONDOR_MACHINE_AD"
_CHIRP_CONFIG = "_CONDOR_CHIRP_CONFIG"
_START_TICKS = 19
"""Field 22 of /proc/PID/stat (proc(5)), counted from behind the command's closing bracket."""


@dataclass(frozen=True)
class Worker:
    """The place of one attempt.

    Attributes:
        site: name of the site; empty if neither the environment nor the slot says one.
        host: host name.
        cpu_model: model name of the CPU; empty if the system does not say.
        cluster: HTCondor cluster; -1 outside HTCondor.
        proc: HTCondor proc; -1 outside HTCondor.
        attempt: 0 for the first start of the job in its cluster, one more for each later one.
        share_mbps: what the job's ad held at the start as its share of the site's link, Mb/s; None if nothing.
        chirp_config: file that says how to talk to HTCondor; empty if there is none.

    """

    site: str
    host: str
    cpu_model: str
    cluster: int = -1
    proc: int = -1
    attempt: int = 0
    share_mbps: float | None = None
    chirp_config: str = ""

    @property
    def in_htcondor(self) -> bool:
        """Whether HTCondor runs this job, and not a person."""
        return self.cluster >= 0


def look_around(environment: Mapping[str, str]) -> Worker:
    """Return where this process runs.

    HTCondor puts the ads of job and slot into files, which the environment names.
    """
    job = _read_ad(environment.get(_JOB_AD, ""))
    site = environment.get(SITE_VARIABLE, "") or _site_of_slot(environment)
    return Worker(
        site=site,
        host=socket.gethostname(),
        cpu_model=_cpu_model(),
        cluster=_number(job, "ClusterId", -1),
        proc=_number(job, "ProcId", -1),
        attempt=_number(job, "NumJobStarts", 0),
        share_mbps=_share(job, share_attribute(site)),
        chirp_config=environment.get(_CHIRP_CONFIG, ""),
    )


def _site_of_slot(environment: Mapping[str, str]) -> str:
    site = _read_ad(environment.get(_MACHINE_AD, "")).get(_SITE_ATTRIBUTE, "")
    return site if isinstance(site, str) else ""


def _read_ad(path: str) -> Mapping[str, Any]:
    """Return an ad that HTCondor wrote; empty outside HTCondor."""
    if not path or not Path(path).is_file():
        return {}
    import classad2

    ad: Mapping[str, Any] = classad2.parseOne(Path(path).read_text(encoding="utf-8", errors="replace"))
    return ad


def _number(ad: Mapping[str, Any], name: str, default: int) -> int:
    value = ad.get(name, default)
    return value if isinstance(value, int) else default


def _share(ad: Mapping[str, Any], name: str) -> float | None:
    value = ad.get(name)
    # By the very type: true and classad2's UNDEFINED are whole numbers too.
    if type(value) in (int, float) and 0 <= value < math.inf:
        return float(value)
    return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return ""


def seconds_since_start() -> float:
    """Return the wall seconds since this process was started, the interpreter's own start included."""
    import time

    fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[_START_TICKS]) / os.sysconf("SC_CLK_TCK")
