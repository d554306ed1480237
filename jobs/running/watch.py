"""One block to its end: followed in HTCondor's event log, judged once nothing of it runs any more.

Who watches also keeps the campaign's throttle where nobody else does, so that plain Snakemake needs no more than this.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import CampaignError, JobsError, PoolError
from jobs.layout import CampaignFolder
from jobs.manifest import read_manifest
from jobs.running.asked import AskedReader, read_asked
from jobs.running.bring_home import bring_home
from jobs.running.clusters import read_clusters
from jobs.running.follow import BlockFollower
from jobs.running.outcome import judge, write_outcomes
from jobs.running.queue import Queue, open_queue
from jobs.running.submit import jobs_to_run
from jobs.states import DISPLAY_ORDER, JobState
from jobs.throttle.keep import Shift
from jobs.throttle.observe import LOST_DEALS, round_began

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jobs.layout import BlockFolder
    from jobs.running.follow import Standing

__all__ = ["summary", "watch_block"]

POLL_S = 1.0
"""Time between looks at the event log."""

QUEUE_CHECK_S = 30.0
"""Time without an event after which the queue is asked whether the block's clusters are still there."""


def watch_block(
    folder: CampaignFolder,
    number: int,
    queue: Queue,
    shift: Shift,
    say: Callable[[str], None],
    poll_s: float = POLL_S,
) -> int:
    """Follow a block until every job has ended, and write its outcome.

    A cluster can leave the queue without its jobs having ended (its schedd lost them, a log was cut): whoever keeps
    the throttle hands what is missing over again, `LOST_DEALS` times in all.

    Args:
        folder: the campaign.
        number: the block.
        queue: HTCondor's.
        shift: keeps the throttle where nobody does.
        say: takes lines of progress.
        poll_s: time between looks at the event log, seconds.

    Returns:
        The number of jobs that failed.

    Raises:
        JobsError: a file of the campaign cannot be read, or HTCondor refuses what must be.

    """
    block = folder.block(number)
    manifest = read_manifest(folder.manifest)
    jobs = manifest.block(number)
    bring_home(block)
    to_run = set(jobs_to_run(block, jobs, manifest.digest))
    began = round_began(folder)
    follower = BlockFollower(block, [job.job for job in jobs])
    asked = AskedReader(block)
    asked.look()
    said, quiet_since = "", time.monotonic()
    while True:
        news = follower.poll()
        if asked.look():
            to_run |= set(jobs_to_run(block, jobs, manifest.digest))
        left = to_run & follower.unfinished(began)
        if round_began(folder) != began:
            message = f"{folder.root}: was submitted again meanwhile; its new driver watches block {number}"
            raise CampaignError(message)
        if not left:
            break
        if news:
            bring_home(block)
            quiet_since = time.monotonic()
            line = summary(follower.standings.values())
            if line != said:
                said = line
                say(f"block {number}: {line}")
        elif time.monotonic() - quiet_since > QUEUE_CHECK_S:
            quiet_since = time.monotonic()
            if _has_left_the_queue(folder, number, queue, say):
                # The log may lack the end of a job that left its record: a writer was killed, or the disk full.
                to_run &= set(jobs_to_run(block, jobs, manifest.digest))
                left &= to_run
                if left and left <= _given_up(block, began):
                    say(f"block {number}: HTCondor lost {len(left)} jobs again and again; they are given up")
                    break
        shift.try_to_take()
        shift.look_if_due()
        time.sleep(poll_s)
    bring_home(block)
    outcomes = judge(block, follower.standings)
    write_outcomes(block.outcome, outcomes)
    failed = sum(outcome.state == JobState.FAILED for outcome in outcomes)
    say(f"block {number}: through, {len(outcomes) - failed} done, {failed} failed")
    return failed


def _has_left_the_queue(folder: CampaignFolder, number: int, queue: Queue, say: Callable[[str], None]) -> bool:
    """Return whether no cluster of a block is in the queue."""
    try:
        return not any(cluster.block == number for cluster in queue.clusters(folder))
    except PoolError as error:
        # A schedd that does not answer has lost nothing yet.
        say(f"waiting: {error}")
        return False


def _given_up(block: BlockFolder, began: float) -> set[int]:
    made = [one for one in read_clusters(block) if not one.returned and one.submitted >= began]
    retries = read_asked(block).retries
    deals = Counter(job for one in made for job in one.jobs if job not in retries or one.submitted >= retries[job].at)
    return {job for job, times in deals.items() if times >= LOST_DEALS}


def summary(standings: Iterable[Standing]) -> str:
    """Return the count of each state that occurs, what needs a person first."""
    counts = Counter(standing.state for standing in standings)
    return ", ".join(f"{counts[state]} {state}" for state in DISPLAY_ORDER if counts[state])


def main() -> None:
    """Bring one block to its end; exit 0 also when jobs failed: the outcome says which, `validate` judges."""
    parser = argparse.ArgumentParser(prog="python -m jobs.running.watch", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    parser.add_argument("--sites-folder", type=Path, required=True, help="the folder of site configs")
    parser.add_argument("--block", type=int, required=True, help="the number of the block")
    arguments = parser.parse_args()
    folder = CampaignFolder(arguments.folder.resolve())
    try:
        with Shift(folder, arguments.sites_folder).on() as shift:
            watch_block(folder, arguments.block, open_queue(now=False), shift, _say)
    except JobsError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
