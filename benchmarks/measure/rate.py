"""How many jobs a minute go through a pool when they have nothing to do: what is left is the orchestration."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.layout import CampaignFolder
from jobs.running.describe import ClusterRequest, SiteTerms, describe
from jobs.running.follow import BlockFollower
from jobs.running.launch import JobFiles, SharedPython, launch
from jobs.states import JobState
from measure.errors import BenchmarkFailed
from measure.machine import load
from measure.pool import SITE, pool_cpu_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.running.queue import Queue

__all__ = ["TRUE", "Rate", "measure_rate", "python_payload"]

JOBS_PER_BLOCK = 1000
TRUE = Path("/bin/true")

POLL_S = 0.1
PATIENCE_S = 900.0
"""Longest wait without any event."""


@dataclass(frozen=True)
class Rate:
    """So many jobs, from their submission to the end of the last.

    Attributes:
        what: what each job ran.
        jobs: how many.
        seconds: from submitting the first to the end of the last.
        command_seconds: of the whole command that ran them; the same as `seconds` where there is no other.
        cpu_seconds: CPU time of it all: HTCondor's daemons, the jobs, and who submits and follows them. It depends
            less than a rate on who else uses the machine.
        load_before: processes that wanted a core before it began, mean of a minute.

    """

    what: str
    jobs: int
    seconds: float
    command_seconds: float
    cpu_seconds: float
    load_before: float

    @property
    def jobs_per_min(self) -> float:
        """Jobs a minute, submission to last end."""
        return 60 * self.jobs / self.seconds

    @property
    def cpu_ms_per_job(self) -> float:
        """CPU time that a job costs, ms."""
        return 1000 * self.cpu_seconds / self.jobs


def python_payload(folder: Path) -> Path:
    """Write a program that only starts Python, and return its path."""
    script = folder / "empty_payload"
    script.write_text(f"#!{sys.executable}\n")
    script.chmod(0o755)
    return script


def measure_rate(queue: Queue, folder: Path, jobs: int, program: Path, say: Callable[[str], None]) -> Rate:
    """Submit blocks as campaigns are submitted, with another program in the payload's place, and follow them.

    Args:
        queue: of the pool.
        folder: for the blocks; made here.
        jobs: how many in all.
        program: takes the payload's arguments and ignores them.
        say: takes lines of progress.

    Raises:
        BenchmarkFailed: a job failed, or nothing happens any more.

    """
    campaign = CampaignFolder(folder)
    blocks = [range(first, min(first + JOBS_PER_BLOCK, jobs)) for first in range(0, jobs, JOBS_PER_BLOCK)]
    followers = []
    load_before = load()
    cpu_s = pool_cpu_s() + time.process_time()
    began = time.monotonic()
    for number, block in enumerate(blocks):
        place = campaign.block(number)
        place.logs.mkdir(parents=True)
        request = ClusterRequest(
            campaign=folder.name,
            folder=campaign.root,
            digest="benchmark",
            block=number,
            slots={SITE: f'GLIDEIN_Site == "{SITE}"'},
            # As jobs that use no network: their starts are HTCondor's own affair.
            terms={SITE: SiteTerms(charge_mbps=1.0, share_mbps=1.0)},
            limits={SITE: ()},
            most_jobs=0,
            runs_as="cpu",
            memory_mb=100,
            disk_mb=10,
            max_runtime_s=600,
            max_retries=0,
        )
        start = launch(SharedPython(program), place, JobFiles())
        queue.submit(describe(place, [(job, "cpu") for job in block], request, start))
        followers.append(BlockFollower(place, block))
    try:
        _follow(followers, jobs, say)
        seconds = time.monotonic() - began
        cpu_s = pool_cpu_s() + time.process_time() - cpu_s
    finally:
        queue.remove(campaign, "the measurement is over")
    return Rate(program.name, jobs, seconds, seconds, cpu_s, load_before)


def _follow(followers: list[BlockFollower], jobs: int, say: Callable[[str], None]) -> None:
    quiet_since, said = time.monotonic(), 0
    while any(follower.unfinished() for follower in followers):
        if sum(follower.poll() for follower in followers):
            quiet_since = time.monotonic()
            done = sum(len(follower.standings) - len(follower.unfinished()) for follower in followers)
            if done - said >= max(250, jobs // 8):
                said = done
                say(f"{done} of {jobs} jobs have ended")
        elif time.monotonic() - quiet_since > PATIENCE_S:
            message = f"nothing has happened for {PATIENCE_S:.0f} s; {said} of {jobs} jobs had ended"
            raise BenchmarkFailed(message)
        time.sleep(POLL_S)
    states = Counter(standing.state for follower in followers for standing in follower.standings.values())
    if states[JobState.DONE] != jobs:
        message = f"of {jobs} empty jobs only {states[JobState.DONE]} ended well: {dict(states)}"
        raise BenchmarkFailed(message)
