"""A store that a collector has just filled, for the numbers and panels that are read from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jobs.throttle.aside import Aside
from jobs.throttle.state import SiteState, ThrottleState
from monitoring.collect import Collector
from monitoring.panels.shown import Shown
from monitoring.store.open import open_reader
from tests.builders.campaign import START, CampaignBuilder
from tests.builders.campaign_life import a_heartbeat

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from tests.builders.event_log import EventLog

__all__ = ["MINUTE", "Collected", "site_state"]

MINUTE = START - START % 60


def site_state(**changes: Any) -> SiteState:  # noqa: ANN401 - fields of a state
    """A site whose link is full."""
    plain = {
        "admission": "negotiator",
        "budget_mbps": 100.0,
        "rate_mbps": 10.0,
        "rate_origin": "measured",
        "admitted": 10,
        "binds": "the link",
        "room": 10,
        "planned": 10,
        "running": 10,
        "share_mbps": 9.7,
    }
    return SiteState.model_validate(plain | changes)


@dataclass
class Collected:
    """A campaign, whose jobs are all of block 0, and its store."""

    campaign: CampaignBuilder
    store: Path
    log: EventLog

    @property
    def shown(self) -> Shown:
        """The campaign as the panels see it."""
        return Shown("demo", self.campaign.folder, self.store)

    def run(self, job: int, at: float, site: str = "FNAL", **fields: object) -> None:
        """Let a job come up, start, and send a heartbeat a minute later."""
        self.log.at = at
        self.log.submitted(7, job, job=job)
        self.log.executing(7, job)
        self.log.at = at + 60
        self.log.told(7, job, a_heartbeat(job, site=site, **fields).encode())

    def end(self, job: int, at: float, **changes: object) -> None:
        """Let a job end by itself; its attempt took 100 s."""
        self.campaign.attempt(job, cluster=7, started=at - 100, wall_s=100.0, **changes)
        self.log.at = at
        self.log.terminated(7, job, code=0 if changes.get("exit_class", "done") == "done" else 10)

    def in_force(self, sites: dict[str, dict[str, Any]], **shared: dict[str, Any]) -> None:
        """Put sites into force, each with an uplink of 200 Mb/s, of which campaigns may fill half, and shared links."""
        plain = {"endpoints": ["pool:8001"], "uplink": "200 Mb/s", "campaign_share": "50 %"}
        document = {
            "source": "/configs",
            "sites": {name: plain | keys for name, keys in sites.items()},
            "links": {"shared_links": shared},
        }
        self.campaign.folder.sites.write_text(json.dumps(document))

    def decide(self, at: float, *, problem: str = "", aside: tuple[Aside, ...] = (), **sites: SiteState) -> None:
        """Write what the throttle decided for some sites, as it stands and into its diary."""
        state = ThrottleState(at=at, sites=sites, problem=problem, aside=aside)
        self.campaign.folder.throttle.write_text(state.model_dump_json())
        for name, one in sites.items():
            line = {
                "site": name,
                "budget_mbps": one.budget_mbps,
                "mbps_per_job": one.rate_mbps,
                "origin": one.rate_origin,
                "admitted": one.admitted,
                "binds": one.binds,
                "reason": one.correction.reason,
            }
            self._note(self.campaign.folder.throttle_log, at, line)

    def edit(self, at: float, file: str, key: str, before: str, after: str) -> None:
        """Write down that alice changed a key of a site config in force."""
        line = {"who": "alice@submit1", "file": file, "key": key, "from": before, "to": after}
        self._note(self.campaign.folder.site_edits, at, line)

    def read(self) -> sqlite3.Connection:
        """Collect what there is and open the store."""
        collector = Collector(self.campaign.folder, self.store, embedded_pool=False)
        assert not collector.catch_up().problem
        collector.close()
        return open_reader(self.store)

    @staticmethod
    def _note(path: Path, at: float, line: dict[str, Any]) -> None:
        when = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"at": when, **line}) + "\n")
