"""A collector that knows no pool, and what its store must say of a campaign whose every event is known."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from jobs.running.follow import BlockFollower
from monitoring.collect import Collector
from monitoring.store.open import open_reader
from tests.builders.campaign import JOBS_PER_BLOCK

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from tests.builders.campaign import CampaignBuilder
    from tests.builders.campaign_life import CampaignLife

__all__ = ["assert_changes_add_up", "assert_exact", "blocks_of", "collect", "collecting"]

FROM_LOG = "job, log_state, cluster, proc, starts, exit_code, host, log_since, reason"


@contextlib.contextmanager
def collecting(campaign: CampaignBuilder, store: Path) -> Iterator[Collector]:
    """Open a collector that knows no pool."""
    collector = Collector(campaign.folder, store, embedded_pool=False)
    try:
        yield collector
    finally:
        collector.close()


def collect(campaign: CampaignBuilder, store: Path) -> sqlite3.Connection:
    """Catch up and return the store, open for reading."""
    with collecting(campaign, store) as collector:
        report = collector.catch_up()
        assert not report.problem
    return open_reader(store)


def blocks_of(campaign: CampaignBuilder) -> range:
    """Return the numbers of a campaign's blocks."""
    return range(-(-campaign.jobs // JOBS_PER_BLOCK))


def assert_exact(connection: sqlite3.Connection, life: CampaignLife) -> None:
    """What the store says is what HTCondor's own reader, and the sums over all that was written, say."""
    campaign = life.campaign
    expected = []
    for block in blocks_of(campaign):
        jobs = range(block * JOBS_PER_BLOCK, min(campaign.jobs, (block + 1) * JOBS_PER_BLOCK))
        follower = BlockFollower(campaign.folder.block(block), jobs)
        follower.poll()
        expected += [
            (job, str(s.state), s.cluster, s.proc, s.starts, s.exit_code, s.host, s.since, s.reason)
            for job, s in sorted(follower.standings.items())
        ]
    rows = connection.execute(f"SELECT {FROM_LOG} FROM jobs ORDER BY job")
    assert [tuple(row) for row in rows] == expected
    sums = ", ".join(f"sum({name})" for name in life.said)
    # In minutes, and in the one bin of the whole campaign.
    for bin_s in (60, 0):
        said = connection.execute(f"SELECT {sums} FROM rollups WHERE bin_s = ?", (bin_s,)).fetchone()
        assert [value or 0 for value in said] == pytest.approx(list(life.said.values()))
        ended = connection.execute(
            "SELECT sum(attempts_done), sum(attempts_failed), sum(events_done) FROM rollups WHERE bin_s = ?", (bin_s,)
        ).fetchone()
        assert [value or 0 for value in ended] == [life.done, life.failed, life.events_done]
    assert connection.execute("SELECT count(*) FROM attempts").fetchone()[0] == life.done + life.failed
    assert_changes_add_up(connection)


def assert_changes_add_up(connection: sqlite3.Connection) -> None:
    """All changes of a count together lead from every job pending to what is there now."""
    now = Counter(
        {
            (row[0], row[1], row[2]): row[3]
            for row in connection.execute("SELECT site, flavour, state, count(*) FROM jobs GROUP BY 1, 2, 3")
        }
    )
    jobs = sum(now.values())
    start = Counter({("", "gpu", "pending"): jobs})
    for site, flavour, state, change in connection.execute(
        "SELECT site, flavour, state, sum(jobs) FROM changes WHERE bin_s = 60 GROUP BY 1, 2, 3"
    ):
        start[site, flavour, state] += change
    assert {key: count for key, count in start.items() if count} == now
    by_block = Counter(dict(connection.execute("SELECT state, sum(jobs) FROM block_changes GROUP BY 1").fetchall()))
    states = Counter(dict(connection.execute("SELECT state, count(*) FROM jobs GROUP BY 1").fetchall()))
    by_block["pending"] += jobs
    assert {state: count for state, count in by_block.items() if count} == states
