"""One block to its end: submitted if need be, followed in HTCondor's event log, judged once nothing runs any more."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from jobs.errors import CampaignError, JobsError, PoolError
from jobs.layout import CampaignFolder
from jobs.manifest import read_manifest
from jobs.running.bring_home import bring_home
from jobs.running.follow import BlockFollower
from jobs.running.outcome import judge, write_outcomes
from jobs.running.submit import Submitter, open_submitter
from jobs.states import DISPLAY_ORDER, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jobs.layout import BlockFolder
    from jobs.running.follow import Standing

__all__ = ["summary", "watch_block"]

POLL_S = 1.0
"""Time between looks at the event log."""

QUEUE_CHECK_S = 30.0
"""Time without an event after which the queue is asked whether the cluster is still there."""

SCHEDD_PATIENCE_S = 900.0
"""Longest wait for a schedd that does not answer: a machine that reboots is back by then."""

MAX_SUBMISSIONS = 3
"""How often a block is handed to HTCondor in one watch before its lost jobs are given up."""


def watch_block(
    folder: CampaignFolder, number: int, submitter: Submitter, say: Callable[[str], None], poll_s: float = POLL_S
) -> int:
    """Follow a block until every job has ended, and write its outcome.

    A cluster can leave the queue without its jobs having ended (its schedd lost them, a log was cut): what is missing
    is then submitted again.

    Args:
        folder: the campaign.
        number: the block.
        submitter: hands the block to HTCondor.
        say: takes lines of progress.
        poll_s: time between looks at the event log, seconds.

    Returns:
        The number of jobs that failed.

    Raises:
        JobsError: the block cannot be submitted, or HTCondor gave it up again and again.

    """
    block_folder = folder.block(number)
    jobs = read_manifest(folder.manifest).block(number)
    follower = BlockFollower(block_folder.events_log, [job.job for job in jobs])
    submissions = 0
    while True:
        cluster = _ensure(submitter, number, say)
        if cluster is None:
            time.sleep(poll_s)
            continue
        if cluster == 0:
            break
        submissions += 1
        if submissions > MAX_SUBMISSIONS:
            message = (
                f"block {number}: HTCondor gave its cluster up {MAX_SUBMISSIONS} times with jobs unfinished;"
                f" see {block_folder.events_log}"
            )
            raise CampaignError(message)
        say(f"block {number}: cluster {cluster}")
        _follow_cluster(follower, cluster, number, block_folder, submitter, say, poll_s)
        if not follower.unfinished():
            break
    follower.poll()
    follower.close()
    bring_home(block_folder)
    outcomes = judge(block_folder, follower.standings)
    write_outcomes(block_folder.outcome, outcomes)
    failed = sum(outcome.state == JobState.FAILED for outcome in outcomes)
    say(f"block {number}: through, {len(outcomes) - failed} done, {failed} failed")
    return failed


def _follow_cluster(
    follower: BlockFollower,
    cluster: int,
    number: int,
    folder: BlockFolder,
    submitter: Submitter,
    say: Callable[[str], None],
    poll_s: float,
) -> None:
    """Return once the cluster has left the queue."""
    said, quiet_since = "", time.monotonic()
    while cluster not in follower.ended_clusters:
        if follower.poll():
            quiet_since = time.monotonic()
            bring_home(folder)
            line = summary(follower.standings.values())
            if line != said:
                said = line
                say(f"block {number}: {line}")
        elif time.monotonic() - quiet_since > QUEUE_CHECK_S:
            quiet_since = time.monotonic()
            if not _in_queue(submitter, cluster, say):
                follower.poll()
                return
        time.sleep(poll_s)


def _ensure(submitter: Submitter, number: int, say: Callable[[str], None]) -> int | None:
    """Hand the block to HTCondor, and wait for a schedd that restarts."""
    patiently = Retrying(
        retry=retry_if_exception_type(PoolError),
        wait=wait_random_exponential(multiplier=0.5, max=60),
        stop=stop_after_delay(SCHEDD_PATIENCE_S),
        before_sleep=lambda state: say(f"waiting: {state.outcome.exception() if state.outcome else ''}"),
        reraise=True,
    )
    return patiently(submitter.ensure, [number])[number]


def _in_queue(submitter: Submitter, cluster: int, say: Callable[[str], None]) -> bool:
    """Ask the queue; a schedd that does not answer has lost nothing yet."""
    try:
        return submitter.has(cluster)
    except PoolError as error:
        say(f"waiting: {error}")
        return True


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
        submitter = open_submitter(folder, arguments.sites_folder)
        watch_block(folder, arguments.block, submitter, _say)
    except JobsError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
