"""Jobs of six events that keep what they have scored, on a pool that stops answering when it is told to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import uproot

from jobs.payload import attempt as attempt_module
from jobs.payload.attempt import Attempt
from jobs.payload.stop import StopSwitch
from jobs.payload.worker import Worker
from jobs.record import read_record
from sonic.client import Client
from sonic.errors import EndpointAway, SonicError
from sonic.fake import FakeTransport
from sonic.limits import Limits
from tests.builders.payload import a_campaign, an_event, write_file

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from jobs.block import Block
    from jobs.payload.write_record import Ending
    from sonic.pace import Pacer
    from tests.builders.payload import PayloadCampaign

__all__ = ["HITS", "WORKER", "CountingPool", "content_of", "kept_by", "long_job", "record_of", "run_attempt"]

WORKER = Worker(site="here", host="worker-1", cpu_model="a cpu", cluster=12, proc=3, attempt=0)
HITS = (5, 40, 0, 17, 8, 9)
"""Hits of the six events."""


class CountingPool:
    """A fake inference pool that stops answering after some events, and says how many hits it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trouble_after: int | None = None
        self.error: SonicError = EndpointAway("the pool is down")
        self.views_asked = 0
        monkeypatch.setattr(attempt_module, "open_scorer", self._open)
        # Nobody tells these jobs their share, and the floor of it would make each of them wait for seconds.
        for module in ("attempt", "share"):
            monkeypatch.setattr(f"jobs.payload.{module}.FLOOR_MBPS", 1000.0)

    def _open(self, block: Block, flavour: str, worker: Worker, pacer: Pacer | None) -> Client:
        del block, flavour, worker
        pool, fake = self, FakeTransport()

        class Counting(Client):
            def score(self, views: Any) -> Any:  # noqa: ANN401 - as the client's
                if pool.trouble_after is not None and pool.views_asked >= pool.trouble_after:
                    raise pool.error
                pool.views_asked += 1
                return super().score(views)

        limits = Limits(batch_patches=16, backoff_first_s=0.01, patience_s=0.3)
        return Counting([fake.endpoint], limits=limits, pacer=pacer, open_transport=lambda endpoint: fake)


def long_job(tmp_path: Path) -> PayloadCampaign:
    """A job of six events, five of them with hits, that keeps what it has after every second one."""
    campaign = a_campaign(tmp_path)
    path = write_file(tmp_path / "long.root", (an_event(number, n) for number, n in enumerate(HITS)))
    return campaign.change(checkpoint_events=2).change_job(
        input_file=str(path), entry_start=0, entry_stop=6, flavour="gpu"
    )


def run_attempt(campaign: PayloadCampaign, attempt: int = 0, **changes: Any) -> Ending:  # noqa: ANN401 - fields of Worker
    """Run the job in this process as one attempt."""
    worker = replace(WORKER, attempt=attempt, **changes)
    return Attempt(campaign.block, campaign.block.jobs[0], worker, StopSwitch()).run()


def kept_by(campaign: PayloadCampaign) -> list[str]:
    """Names of the checkpoints."""
    return sorted(path.name for path in (campaign.root / "checkpoints").glob("*"))


def record_of(campaign: PayloadCampaign, attempt: int) -> Any:  # noqa: ANN401 - a Record
    """The record of an attempt."""
    return read_record(campaign.root / "records" / f"0000003.12.{attempt}.json")


def content_of(path: Path) -> tuple[list[Any], list[Any], list[list[int]]]:
    """Events, provenance, and how the events lie in baskets."""
    with uproot.open(path) as file:
        tree = file["scores"]
        baskets = [[int(n) for n in tree["event"].entry_offsets]]
        return ak.to_list(tree.arrays()), ak.to_list(file["provenance"].arrays()), baskets
