"""A job in a real pool keeps to its share of a link, follows it when it changes, and tells what it does."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import htcondor2
import pytest
from htcondor2 import JobEventType

from jobs.heartbeat import decode
from jobs.layout import CHECKOUT
from jobs.payload.share import FLOOR_MBPS
from jobs.pool.client import enter_pool
from jobs.replace_file import replace_file
from jobs.shares import shares_text
from sonic.pace import WIRE_OVERHEAD
from tests.builders.payload import a_campaign, an_event, write_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobs.heartbeat import Heartbeat
    from jobs.pool.state import PoolState
    from sonic.server.state import ServersState
    from tests.builders.payload import PayloadCampaign

PATIENCE_S = 120
FIRST_MBPS = 10.0
CHANGES = {4: 20.0, 9: 30.0}
"""New shares, by the number of heartbeats after which they come: HTCondor would hold a second one back for 36 s."""


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sets to enter a pool is gone after it."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("CONDOR_CONFIG", os.environ.get("CONDOR_CONFIG", ""))


@pytest.fixture
def campaign(tmp_path: Path, inference_pool: ServersState) -> PayloadCampaign:
    """Return a block of one gpu job whose site reaches the pool, with a heartbeat every two seconds."""
    campaign = a_campaign(tmp_path)
    update = {"endpoints": (inference_pool.endpoint,), "patience_s": 90.0, "heartbeat_s": 2.0}
    access = campaign.block.sites["here"].model_copy(update=update)
    return campaign.change(sites={"here": access}).change_job(flavour="gpu")


class Running:
    """A job of the block in the queue of a pool.

    Args:
        campaign: whose job it is.
        pool: folder of the pool.
        attributes: further attributes of its ad, as ClassAd text.

    """

    def __init__(self, campaign: PayloadCampaign, pool: Path, **attributes: str) -> None:
        enter_pool(pool)
        root = campaign.root
        self.log = root / "events.log"
        description = {
            "executable": sys.executable,
            "arguments": f"-m jobs.payload {campaign.block_json} 3",
            "environment": "SONICGRID_SITE=here",
            "initialdir": str(CHECKOUT),
            "output": str(root / "job.log"),
            "error": str(root / "job.log"),
            "log": str(self.log),
            "should_transfer_files": "NO",
            "request_memory": "1500MB",
            "My.WantIOProxy": "true",
            **{f"My.{name}": text for name, text in attributes.items()},
        }
        self.cluster = htcondor2.Schedd().submit(htcondor2.Submit(description)).cluster()

    def heartbeats(self) -> Iterator[Heartbeat]:
        """Give the heartbeats as they come, until the job has ended."""
        for event in htcondor2.JobEventLog(str(self.log)).events(stop_after=PATIENCE_S):
            if event.type == JobEventType.GENERIC and (heartbeat := decode(event["Info"])) is not None:
                yield heartbeat
            if event.type == JobEventType.JOB_TERMINATED:
                assert event["ReturnValue"] == 0
                return
        pytest.fail("the job did not end in time")


def rates(heartbeats: Sequence[Heartbeat], share_mbps: float) -> list[float]:
    """Return the Mb/s on the wire of each whole stretch that one share was in force in."""
    return [
        one.bytes_sent * WIRE_OVERHEAD * 8 / 1e6 / one.window_s
        for before, one in pairwise(heartbeats)
        if before.share_mbps == one.share_mbps == share_mbps and not one.last
    ]


def test_a_job_keeps_to_its_share_and_follows_it(campaign: PayloadCampaign, condor_pool: PoolState) -> None:
    """Paced from its first byte, at a new rate seconds after each of two changes, and never above the share."""
    # Not more hits in fewer events: those of the small detector lie in some 480 pixels of each.
    path = write_file(campaign.root / "large.root", [an_event(number, 1000) for number in range(20)])
    campaign.change_job(input_file=str(path), entry_start=0, entry_stop=20)
    file = campaign.root / "shares.json"
    campaign.change(shares=str(file))
    replace_file(file, shares_text({"here": FIRST_MBPS}))
    job = Running(campaign, Path(condor_pool.folder), SonicGridShare_here=str(FIRST_MBPS))
    heartbeats: list[Heartbeat] = []
    for heartbeat in job.heartbeats():
        heartbeats.append(heartbeat)
        if len(heartbeats) in CHANGES:
            replace_file(file, shares_text({"here": CHANGES[len(heartbeats)]}))
    shares = [heartbeat.share_mbps for heartbeat in heartbeats]
    assert list(dict.fromkeys(shares)) == [FIRST_MBPS, *CHANGES.values()]
    for after, share_mbps in CHANGES.items():
        # A share is read every five seconds, give or take one; heartbeats are a second and a half apart at least.
        assert shares.index(share_mbps) <= after + 5
    for share_mbps in (FIRST_MBPS, *CHANGES.values()):
        reached = rates(heartbeats, share_mbps)
        assert len(reached) >= 2
        # A stretch is no whole number of seconds, so it may catch a request more, an eighth of a second's worth.
        assert max(reached) <= share_mbps * 1.1
        assert median(reached) >= share_mbps * 0.8

    record = campaign.record()
    assert [heartbeat.last for heartbeat in heartbeats] == [False] * (len(heartbeats) - 1) + [True]
    assert sum(heartbeat.bytes_sent for heartbeat in heartbeats) == record.bytes_sent > 9000 * 9216
    assert sum(heartbeat.hits for heartbeat in heartbeats) == record.hits == 20_000
    assert record.share_mbps == CHANGES[9]
    assert record.paced_s > 5
    assert record.latency_s > 0
    (ad,) = htcondor2.Schedd().history(f"ClusterId == {job.cluster}", ["ChirpSonicGridBytesSent"], 1)
    assert ad["ChirpSonicGridBytesSent"] == record.bytes_sent


@pytest.mark.parametrize(("pace", "share_mbps"), [(True, FLOOR_MBPS), (False, 0.0)], ids=["told nothing", "gateway"])
def test_a_job_that_was_told_no_share(
    campaign: PayloadCampaign, condor_pool: PoolState, pace: bool, share_mbps: float
) -> None:
    """In HTCondor an undefined share must mean the least, not no limit; behind a gateway there is none to keep."""
    campaign.change(sites={"here": campaign.block.sites["here"].model_copy(update={"pace": pace})})
    heartbeats = list(Running(campaign, Path(condor_pool.folder)).heartbeats())
    record = campaign.record()
    assert record.share_mbps == share_mbps
    assert heartbeats[-1].share_mbps == (share_mbps if pace else None)
    assert (record.paced_s > 2) == pace  # 57 patches at 1 Mb/s take more than four seconds
