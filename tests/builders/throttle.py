"""A campaign's keeper on a pool that plays along, and a clock that a test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.throttle.keep import LOOK_S
from jobs.throttle.keeper import Keeper
from tests.builders import bench
from tests.builders.clock import Clock
from tests.builders.event_log import EventLog
from tests.builders.negotiator import FakeNegotiator
from tests.builders.queue import FakeQueue

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from jobs.throttle.state import ThrottleState
    from tests.builders.bench import Bench

__all__ = ["TEN", "ThrottleBench"]

TEN = "uplink: 100 Mb/s\ncampaign_share: 100 %\nrate_per_job: 10 Mb/s\nadmit_factor: 1.0\nramp: 6000/min\n"
"""A site config with a budget of exactly ten jobs, and a ramp that never waits."""


class ThrottleBench:
    """A planned campaign and the pool that its keeper finds.

    Attributes:
        calls: everything that was done to HTCondor, in its order.

    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.queue = FakeQueue(self.calls)
        self.negotiator = FakeNegotiator(self.calls)
        self.clock = Clock()
        self.sites_folder = folder / "sites"
        self._folder = folder
        self._keeper: Keeper | None = None
        for module in ("keeper", "see", "hand_out", "observe", "keep", "set_aside", "readmit"):
            monkeypatch.setattr(f"jobs.throttle.{module}.time", self.clock)
        monkeypatch.setattr("jobs.running.clusters.time", self.clock)
        monkeypatch.setattr("jobs.throttle.keeper.open_queue", lambda: self.queue)
        monkeypatch.setattr("jobs.throttle.keeper.open_negotiator", lambda: self.negotiator)

    def site(self, name: str, text: str) -> None:
        """Write a site config, or `links`; one line for each key."""
        self.sites_folder.mkdir(exist_ok=True)
        start = "" if name == "links" else "endpoints: triton.example.org:8001\n"
        (self.sites_folder / f"{name}.yaml").write_text(start + text)

    def plan(self, jobs: int = 40, **changes: Any) -> Bench:  # noqa: ANN401 - keys of a spec
        """Plan a campaign of jobs of one event, twenty to a block, over the sites that were written."""
        names = [path.stem for path in sorted(self.sites_folder.glob("*.yaml")) if path.stem != "links"]
        spec = {"sites": names, "jobs": {"events_per_job": 1, "jobs_per_block": 20}, **changes}
        self.bench = bench.begin(self._folder, (jobs,), **spec)
        return self.bench

    def log(self, block: int = 0) -> EventLog:
        """The event log of a block, at the time of now."""
        return EventLog(self.bench.folder.block(block).events_log, at=float(int(self.clock.now)))

    def restart(self) -> None:
        """End the keeper; the next look is another's."""
        self._keeper = None

    def look(self, *, after_s: float = LOOK_S) -> ThrottleState:
        """Let time pass and look once."""
        self.clock.pass_s(after_s)
        if self._keeper is None:
            self._keeper = Keeper(self.bench.folder, self.sites_folder)
        return self._keeper.look()

    def looks(self, seconds: float, *starts: str) -> ThrottleState:
        """Look again and again for some time; after each look every waiting job that may run at `starts` does.

        With a site whose jobs the negotiator admits, only as many start as its limits let.
        """
        ends = self.clock.now + seconds
        while self.clock.now < ends:
            state = self.look()
            for site in starts:
                self.queue.start(site, self.free_at(site, state))
        return state

    def free_at(self, site: str, state: ThrottleState) -> int:
        """Return how many waiting jobs a site's slots take now, inside the negotiator's limits where they count."""
        free = int(self.negotiator.free.get(f'GLIDEIN_Site == "{site}"', 1000))
        if state.sites[site].admission == "negotiator":
            charged = sum(job.charge_mbps for job in self.queue.present.values() if job.site == site and not job.idle)
            room = self.negotiator.in_force.get(f"net.{site}", 0.0) - charged
            free = min(free, int(room / state.sites[site].rate_mbps + 1e-6))
        return free
