"""A campaign in its middle, with jobs in every state and everything that the dashboard can know of one."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.layout import CampaignFolder
from jobs.throttle.aside import Aside
from jobs.throttle.state import SiteState, ThrottleState
from monitoring.collect import Collector
from monitoring.panels.shown import Shown
from tests.builders.campaign import JOBS_PER_BLOCK, CampaignBuilder
from tests.builders.campaign_life import a_heartbeat
from tests.builders.event_log import EventLog

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["WatchedCampaign"]

JOBS = 60
DONE, FAILED, HELD, RUNNING, IDLE = range(40), range(40, 43), range(43, 45), range(45, 50), range(50, 53)
"""Jobs by state; those that are left are pending."""

_CLUSTER = 7
_SITES = ("FNAL", "CERN")


@dataclass
class WatchedCampaign:
    """Writes the campaign and collects it.

    Attributes:
        campaign: that is watched.
        store: of it.
        now: when it is looked at, seconds since the epoch.

    """

    campaign: CampaignBuilder
    store: Path
    now: float

    @property
    def shown(self) -> Shown:
        """The campaign, as a dashboard has it."""
        return Shown(self.campaign.name, self.campaign.folder, self.store)

    def collect(self, at: float | None = None) -> None:
        """Take what was written into the store, as a collector that wrote at a moment; by default at `now`."""
        collector = Collector(self.campaign.folder, self.store, embedded_pool=False)
        report = collector.catch_up()
        collector.close()
        assert not report.problem
        said = {"at": self.now if at is None else at, "pid": 1, "behind": False}
        with contextlib.closing(sqlite3.connect(self.store)) as connection, connection:
            row = ("collector", said["at"], json.dumps(said))
            connection.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)", row)

    def fail(self, job: int, at: float) -> None:
        """Let an attempt of a job that runs end for lack of something on the worker, and the next one start."""
        self.campaign.attempt(job, cluster=_CLUSTER, site=_site(job), exit_class="worker", started=at - 60, wall_s=60.0)
        log = self._log(job, at)
        log.evicted(_CLUSTER, job % JOBS_PER_BLOCK)
        log.executing(_CLUSTER, job % JOBS_PER_BLOCK)

    def end(self, job: int, at: float) -> None:
        """Let a job that runs be done."""
        self.campaign.attempt(job, cluster=_CLUSTER, site=_site(job), started=at - 60, wall_s=60.0)
        self._log(job, at).terminated(_CLUSTER, job % JOBS_PER_BLOCK, 0)

    def beat(self, job: int, at: float, window_s: float = 60.0) -> None:
        """Let a job tell of the stretch before a moment."""
        text = a_heartbeat(job, site=_site(job), window_s=window_s).encode()
        self._log(job, at).told(_CLUSTER, job % JOBS_PER_BLOCK, text)

    def _log(self, job: int, at: float) -> EventLog:
        return EventLog(self.campaign.folder.block(job // JOBS_PER_BLOCK).events_log, at=at)

    @classmethod
    def begin(cls, folder: Path, *, collect: bool = True) -> WatchedCampaign:
        """Write all of it into a folder and collect it, unless somebody else does."""
        root = folder / "campaign"
        root.mkdir(parents=True)
        made = cls(CampaignBuilder(CampaignFolder(root)).plan(JOBS), folder / "store" / "watched.sqlite", 0.0)
        made.now = time.time()
        made._write_jobs()
        made._write_throttle()
        if collect:
            made.collect()
        return made

    def _write_jobs(self) -> None:
        began = self.now - 1800
        for job in range(IDLE.stop):
            block = self.campaign.folder.block(job // JOBS_PER_BLOCK)
            block.records.mkdir(parents=True, exist_ok=True)
            proc = job % JOBS_PER_BLOCK
            log = self._log(job, began)
            log.submitted(_CLUSTER, proc, job)
            if job in IDLE:
                continue
            log.executing(_CLUSTER, proc)
            until = self.now - 30 if job in RUNNING else began + 300 + 30 * job
            self.beat(job, until)
            if job in DONE or job in FAILED:
                ended = "done" if job in DONE else "bad_input"
                self.campaign.attempt(
                    job, cluster=_CLUSTER, site=_site(job), exit_class=ended, started=until - 100, wall_s=100.0
                )
                self._log(job, until).terminated(_CLUSTER, proc, 0 if job in DONE else 10)
            elif job in HELD:
                self._log(job, until).held(_CLUSTER, proc, f"job {job}: memory usage exceeded request_memory")

    def _write_throttle(self) -> None:
        folder = self.campaign.folder
        state = SiteState(
            admission="negotiator",
            budget_mbps=100.0,
            rate_mbps=10.0,
            rate_origin="measured",
            admitted=10,
            binds="the link",
            room=8,
            planned=8,
            running=3,
            share_mbps=9.7,
        )
        sites = dict.fromkeys(_SITES, state)
        aside = Aside(kind="host", name="w9", site="FNAL", reason="no mount", since=self.now, until=self.now + 1800)
        folder.throttle.write_text(ThrottleState(at=self.now, sites=sites, aside=(aside,)).model_dump_json())
        key = {"endpoints": ["pool:8001"], "uplink": "200 Mb/s", "campaign_share": "50 %", "shared_links": ["esnet"]}
        links = {"shared_links": {"esnet": {"rate": "300 Mb/s", "campaign_share": "50 %"}}}
        folder.sites.write_text(json.dumps({"source": "", "sites": dict.fromkeys(_SITES, key), "links": links}))
        at = datetime.fromtimestamp(self.now - 600, UTC).isoformat(timespec="seconds")
        decision = {"at": at, "site": "FNAL", "budget_mbps": 100.0, "mbps_per_job": 10.0, "origin": "measured"}
        decision |= {"admitted": 10, "binds": "the link", "reason": ""}
        edit = {"at": at, "who": "alice@submit", "file": "FNAL", "key": "uplink", "from": "100 Mb/s", "to": "200 Mb/s"}
        folder.throttle_log.write_text(json.dumps(decision) + "\n")
        folder.site_edits.write_text(json.dumps(edit) + "\n")


def _site(job: int) -> str:
    return _SITES[job % len(_SITES)]
