"""The collector is exact: whatever is killed, cut or restarted, its counts are those of the campaign's own files."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from jobs.manifest import Manifest, read_manifest, write_manifest
from jobs.running.clusters import note_cluster
from jobs.running.follow import BlockFollower
from jobs.running.outcome import judge, write_outcomes
from monitoring.collect import Collector, main
from monitoring.errors import NothingToCollect, StoreBusy
from monitoring.store.open import open_reader
from tests.builders.campaign import START
from tests.builders.campaign_life import CampaignLife, a_heartbeat
from tests.builders.event_log import EventLog
from tests.monitoring.exact import assert_changes_add_up, assert_exact, collect, collecting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.campaign import CampaignBuilder


def test_it_starts_from_nothing(campaign: CampaignBuilder, store: Path) -> None:
    """Before the first job came up, every job of the manifest is there and pending, and nothing fails."""
    campaign.plan(25)
    connection = collect(campaign, store)
    assert connection.execute("SELECT state, count(*), sum(events) FROM jobs").fetchone()[:] == ("pending", 25, 125)
    assert store.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("seed", range(3))
def test_it_catches_up_with_a_campaign_under_way(campaign: CampaignBuilder, store: Path, seed: int) -> None:
    """A collector that comes late says of every job what HTCondor's own reader of the logs says."""
    life = CampaignLife(campaign.plan(25))
    for _ in life.steps(seed):
        pass
    assert_exact(collect(campaign, store), life)


def test_following_is_the_same_as_catching_up(campaign: CampaignBuilder, store: Path) -> None:
    """Tick by tick, with restarts in between, the store becomes what it is when all is read at once."""
    life = CampaignLife(campaign.plan(25))
    steps = life.steps(seed=7)
    chance = random.Random(7)
    over = False
    while not over:
        with collecting(campaign, store) as collector:
            for _ in range(5):
                for _ in range(chance.randrange(20)):
                    over = next(steps, steps) is steps
                collector.tick()
    assert_exact(collect(campaign, store), life)


def test_half_an_event_waits_for_its_rest(campaign: CampaignBuilder, store: Path) -> None:
    """Wherever a log ends at the moment, nothing of the last event is taken before it is whole, and nothing twice."""
    life = CampaignLife(campaign.plan(2))
    for _ in life.steps(seed=3):
        pass
    log = campaign.folder.block(0).events_log
    whole = log.read_bytes()
    log.write_bytes(b"")
    chance = random.Random(3)
    with collecting(campaign, store) as collector:
        written = 0
        while written < len(whole):
            piece = whole[written : written + chance.randrange(1, 200)]
            with log.open("ab") as file:
                file.write(piece)
            written += len(piece)
            collector.tick()
    assert_exact(collect(campaign, store), life)


def test_a_second_cluster_takes_its_jobs_over(campaign: CampaignBuilder, store: Path) -> None:
    """A job that was submitted again is what its new cluster says; echoes of the old one change nothing."""
    campaign.plan(1)
    log = EventLog(campaign.folder.block(0).events_log, at=START)
    log.submitted(7, 0, job=0)
    log.executing(7, 0)
    with collecting(campaign, store) as collector:
        collector.tick()
        log.submitted(8, 0, job=0)
        log.terminated(7, 0, code=10)
        collector.tick()
    connection = open_reader(store)
    assert connection.execute("SELECT state, cluster, site FROM jobs").fetchone()[:] == ("idle", 8, "")
    assert_changes_add_up(connection)


def test_a_removed_cluster_gives_up_what_it_had(campaign: CampaignBuilder, store: Path) -> None:
    """Jobs that a removed cluster never materialized have failed; those of another cluster have not."""
    campaign.plan(3)
    block = campaign.folder.block(0)
    log = EventLog(block.events_log, at=START)
    note_cluster(block, 7, [0, 1])
    log.submitted(7, 0, job=0)
    log.aborted(7, 0, "via condor_rm (by user sonicgrid)")
    log.cluster_removed(7, jobs=1, complete=False)
    states = [row[0] for row in collect(campaign, store).execute("SELECT state FROM jobs ORDER BY job")]
    assert states == ["failed", "failed", "pending"]


def test_the_outcome_of_a_block_decides_and_can_be_taken_back(campaign: CampaignBuilder, store: Path) -> None:
    """Counts are those of the outcomes, also where the log lost an end; a block that is reopened follows its log."""
    campaign.plan(2)
    block = campaign.folder.block(0)
    log = EventLog(block.events_log, at=START)
    for proc in range(2):
        log.submitted(7, proc, job=proc)
        log.executing(7, proc)
    campaign.attempt(0, cluster=7)
    follower = BlockFollower(block, range(2))
    follower.poll()
    write_outcomes(block.outcome, judge(block, follower.standings))
    with collecting(campaign, store) as collector:
        collector.catch_up()
        connection = open_reader(store)
        ends = connection.execute("SELECT state, exit_class FROM jobs ORDER BY job").fetchall()
        assert [tuple(row) for row in ends] == [("done", "done"), ("failed", "lost")]
        block.outcome.unlink()
        collector.catch_up()
    assert [row[0] for row in connection.execute("SELECT state FROM jobs")] == ["running", "running"]
    assert_changes_add_up(connection)


def test_a_campaign_that_is_planned_anew_begins_a_new_store(campaign: CampaignBuilder, store: Path) -> None:
    """The same folder with another manifest is another campaign: the old store is set aside, and that is said."""
    life = CampaignLife(campaign.plan(5))
    for _ in life.steps(seed=1):
        pass
    collect(campaign, store)
    campaign.folder.manifest.unlink()
    campaign.plan(8)
    old = read_manifest(campaign.folder.manifest)
    write_manifest(Manifest(old.campaign, "another", old.table), campaign.folder.manifest)
    connection = collect(campaign, store)
    assert connection.execute("SELECT count(*) FROM jobs").fetchone()[0] == 8
    assert connection.execute("SELECT count(*) FROM attempts").fetchone()[0] == 0
    assert len(list(store.parent.glob("test.sqlite.set-aside-*[0-9]"))) == 1
    notes = [row[0] for row in connection.execute("SELECT text FROM notes")]
    assert any("another manifest digest" in note for note in notes)
    assert any("earlier plan" in note for note in notes)


def test_only_one_collector_writes(campaign: CampaignBuilder, store: Path) -> None:
    """A second collector of the same campaign is told who is there first, and changes nothing."""
    campaign.plan(1)
    with collecting(campaign, store), pytest.raises(StoreBusy, match="another process collects"):
        Collector(campaign.folder, store)
    with collecting(campaign, store):
        pass


def test_no_campaign_is_one_clear_error(campaign: CampaignBuilder, store: Path) -> None:
    """A folder without a manifest, and no folder at all, say what to do; no store is left behind."""
    with pytest.raises(NothingToCollect, match="has no manifest yet; run `sonicgrid submit`"):
        Collector(campaign.folder, store)
    campaign.folder.root.rmdir()
    with pytest.raises(NothingToCollect, match="is no folder of a campaign"):
        Collector(campaign.folder, store)
    assert not store.exists()


def test_it_writes_nothing_into_the_campaign(campaign: CampaignBuilder, store: Path) -> None:
    """Not a file of the campaign is made, changed or touched."""
    life = CampaignLife(campaign.plan(12))
    for _ in life.steps(seed=2):
        pass
    before = {path: path.stat().st_mtime_ns for path in campaign.folder.root.rglob("*")}
    collect(campaign, store)
    assert {path: path.stat().st_mtime_ns for path in campaign.folder.root.rglob("*")} == before


def test_a_heartbeat_is_spread_over_its_minutes(campaign: CampaignBuilder, store: Path) -> None:
    """What a job says of two minutes is shared between the bins that they cover, by time."""
    campaign.plan(1)
    minute = START - START % 60
    log = EventLog(campaign.folder.block(0).events_log, at=minute + 90.0)
    log.submitted(7, 0, job=0)
    log.told(7, 0, a_heartbeat(0, window_s=120.0, events=8, bytes_sent=1200).encode())
    rows = collect(campaign, store).execute("SELECT at, events, bytes_sent FROM rollups WHERE bin_s = 60 ORDER BY at")
    assert [tuple(row) for row in rows] == [
        (minute - 60, pytest.approx(2), pytest.approx(300)),
        (minute, pytest.approx(4), pytest.approx(600)),
        (minute + 60, pytest.approx(2), pytest.approx(300)),
    ]


def test_the_command_collects_once(
    campaign: CampaignBuilder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m monitoring.collect` says what it took and where the store is; a wrong campaign ends with status 2."""
    life = CampaignLife(campaign.plan(5))
    for _ in life.steps(seed=1):
        pass
    assert main([str(campaign.folder.root), "--store-folder", str(tmp_path / "s"), "--once"]) == 0
    assert "records in" in capsys.readouterr().out
    assert len(list((tmp_path / "s").glob("pdsp-test-*.sqlite"))) == 1
    assert main([str(tmp_path / "nowhere"), "--once"]) == 2
