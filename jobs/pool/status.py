"""What an embedded pool is doing: asked of HTCondor itself, never guessed from files."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.errors import PoolError
from jobs.pool.config import PoolFiles
from jobs.pool.folders import pool_folder
from jobs.pool.processes import daemon_names, master
from jobs.pool.state import read_state

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.pool.htcondor import HTCondor
    from jobs.pool.state import PoolState

__all__ = ["JOB_STATES", "CondorStatus", "SiteSlots", "condor_answers", "condor_status"]

JOB_STATES = {1: "idle", 2: "running", 3: "removed", 4: "completed", 5: "held", 6: "transferring", 7: "suspended"}
"""HTCondor's JobStatus, https://htcondor.readthedocs.io/en/latest/classad-attributes/job-classad-attributes.html."""

ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class SiteSlots:
    """The slots of one site that the pool plays."""

    site: str
    slots: int
    busy: int


@dataclass(frozen=True)
class CondorStatus:
    """The HTCondor side of an embedded pool at one moment."""

    folder: str
    up: bool
    version: str = ""
    port: int = 0
    daemons: tuple[str, ...] = ()
    sites: tuple[SiteSlots, ...] = ()
    jobs: tuple[tuple[str, int], ...] = ()
    """Count of jobs by state; a cluster's jobs that are not materialized yet are not in it."""


def condor_status(folder: Path | None) -> CondorStatus:
    """Ask the pool in this folder how it is; a pool that is down is an answer, not an error.

    Args:
        folder: the pool's folder; None is the default one.

    Raises:
        PoolError: its daemons run but do not answer.
        SetupError: the pool's state file cannot be read.
    """
    files = PoolFiles(pool_folder(folder))
    state = read_state(files.folder)
    if state is None or master(files) is None:
        return CondorStatus(folder=str(files.folder), up=False)
    slots = _ask(files, state.condor_bin, "condor_status", ["-json", "-attributes", "GLIDEIN_Site,State,Activity"])
    jobs = _ask(files, state.condor_bin, "condor_q", ["-allusers", "-json", "-attributes", "JobStatus"])
    return CondorStatus(
        folder=str(files.folder),
        up=True,
        version=state.condor_version,
        port=state.port,
        daemons=tuple(daemon_names(files)),
        sites=tuple(_by_site(state, slots)),
        jobs=tuple(_by_state(jobs)),
    )


def condor_answers(files: PoolFiles, htcondor: HTCondor, slots: int) -> bool:
    """Return whether the queue answers and every slot has joined the pool."""
    try:
        machines = _ask(files, str(htcondor.bin), "condor_status", ["-json", "-attributes", "Name"])
        _ask(files, str(htcondor.bin), "condor_q", ["-json", "-attributes", "JobStatus"])
    except PoolError:
        return False
    return len(machines) >= slots


def _ask(files: PoolFiles, condor_bin: str, program: str, arguments: list[str]) -> list[dict[str, Any]]:
    """Run one of HTCondor's commands against this pool alone and return the ads that it prints."""
    environment = {"CONDOR_CONFIG": str(files.client_config), "PATH": f"{condor_bin}:/usr/bin:/bin"}
    command = [f"{condor_bin}/{program}", *arguments]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=ANSWER_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise PoolError(f"HTCondor in {files.folder} does not answer {program}: {exc}") from exc
    if done.returncode != 0:
        raise PoolError(f"HTCondor in {files.folder} does not answer {program}: {done.stderr.strip()}")
    ads: list[dict[str, Any]] = json.loads(done.stdout) if done.stdout.strip() else []
    return ads


def _by_site(state: PoolState, slots: list[dict[str, Any]]) -> list[SiteSlots]:
    names = dict.fromkeys([*state.sites, *(str(slot.get("GLIDEIN_Site")) for slot in slots)])
    return [
        SiteSlots(
            site=name,
            slots=sum(slot.get("GLIDEIN_Site") == name for slot in slots),
            busy=sum(
                slot.get("GLIDEIN_Site") == name and slot.get("State") == "Claimed" and slot.get("Activity") == "Busy"
                for slot in slots
            ),
        )
        for name in names
    ]


def _by_state(jobs: list[dict[str, Any]]) -> list[tuple[str, int]]:
    counts = dict.fromkeys(("held", "running", "idle"), 0)
    for job in jobs:
        name = JOB_STATES.get(job.get("JobStatus", 0), "unknown")
        counts[name] = counts.get(name, 0) + 1
    return list(counts.items())
