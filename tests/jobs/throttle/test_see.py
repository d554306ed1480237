"""What a look sees: who runs where, and for what a site cannot use more jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from jobs.running.queued import JobInQueue
from jobs.throttle.see import STALLED_S, Lookout, Published
from tests.builders.clock import Clock
from tests.builders.negotiator import FakeNegotiator
from tests.builders.sites import a_decision, a_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.spec.site import Site
    from jobs.throttle.decide import SiteSeen
    from jobs.throttle.groups import Kind
    from jobs.throttle.observe import Observer
    from jobs.throttle.tally import Tally

SITE = a_site("A", "1 Gb/s", campaign_share="100 %", admit_factor=1, ramp="6000/min", slots="IsA")


@dataclass
class Reports:
    """What jobs have told so far, in the place of an observer that reads their event logs."""

    n_unfinished: int = 500
    core_patches_per_s: float | None = None
    tallies: dict[str, Tally] = field(default_factory=dict)


@dataclass
class Window:
    """A lookout on the one site A, and the pool that it sees."""

    clock: Clock
    negotiator: FakeNegotiator = field(default_factory=FakeNegotiator)
    reports: Reports = field(default_factory=Reports)
    admission: Kind = "materialize"
    auto: bool = False
    site: Site = SITE
    lookout: Lookout | None = None

    def see(
        self, jobs: Sequence[JobInQueue] = (), *, room: int = 1000, published: Sequence[Published] = ()
    ) -> SiteSeen:
        """Look, after a decision that gave the site some room for jobs of 10 Mb/s."""
        if self.lookout is None:
            observer = cast("Observer", self.reports)
            self.lookout = Lookout("/mine", self.auto, {"A": self.admission}, self.negotiator, observer)
        told = [{"A": one} for one in published]
        return self.lookout.see({"A": self.site}, jobs, {}, {"A": a_decision("A", room=room)}, told)["A"]


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Window:
    """Return a lookout with 1,000 free slots and plenty of jobs left."""
    clock = Clock()
    monkeypatch.setattr("jobs.throttle.see.time", clock)
    return Window(clock)


def at_work(n_jobs: int, folder: str = "/mine", charge_mbps: float = 10.0, cluster: int = 1) -> list[JobInQueue]:
    """Jobs that run at the site."""
    return [
        JobInQueue(cluster, proc, proc, folder=folder, idle=False, starts=1, site="A", charge_mbps=charge_mbps)
        for proc in range(n_jobs)
    ]


def test_only_own_jobs_that_use_the_network_count(window: Window) -> None:
    """Jobs of another campaign and jobs on their own core must not be counted as running."""
    others, cpu = at_work(7, folder="/theirs", cluster=2), at_work(5, charge_mbps=0.0, cluster=3)
    assert window.see([*at_work(3), *others, *cpu]).running == 3


def test_slots_that_another_campaign_uses_are_not_ours(window: Window) -> None:
    """The slots of our user are ours to have, but for those in which jobs of another campaign run."""
    window.negotiator.free = {"IsA": 20.0}
    seen = window.see(at_work(12, folder="/theirs"))
    assert (seen.most, seen.most_by) == (8, "slots")


def test_the_end_of_a_campaign_is_no_lack_of_slots(window: Window) -> None:
    """When fewer jobs are left than could run, people must not be told to look for slots."""
    window.reports.n_unfinished = 4
    seen = window.see()
    assert (seen.most, seen.most_by) == (4, "jobs left")


def test_where_the_core_is_sooner_done_it_takes_the_rest(window: Window) -> None:
    """With `flavour: auto` a thin link has gpu jobs down to the share at which a core is as fast, and no more."""
    window.auto = True
    seen = window.see()
    assert 0 < seen.most < 10
    assert seen.most_by == "the core, sooner done"
    window.reports.core_patches_per_s = 10.0
    assert window.see().most > 100


def test_running_jobs_are_charged_as_when_they_were_admitted(window: Window) -> None:
    """Ten jobs that were let in with 90 Mb/s each leave the negotiator room for ten more of 10 Mb/s."""
    window.admission = "negotiator"
    seen = window.see(at_work(10, charge_mbps=90.0))
    assert (seen.most, seen.most_by) == (20, "charges of running jobs")


def test_shares_are_not_made_thin_for_jobs_that_do_not_come(window: Window) -> None:
    """A site where no job has started for long can use what it has, and one in ten more, until one starts again."""
    window.see(at_work(20))
    window.clock.pass_s(STALLED_S + 1)
    seen = window.see(at_work(20))
    assert (seen.most, seen.most_by) == (22, "slots")
    assert window.see(at_work(21)).most == 500


def test_room_is_that_of_the_smallest_shares_not_yet_read(window: Window) -> None:
    """Until jobs have read what they were told, what counts is the least that they may still go by."""
    seen = window.see(published=[Published(planned=8, target_mbps=12.5), Published(planned=10, target_mbps=10.0)])
    assert (seen.ready, seen.ready_mbps) == (8, 10.0)


def test_behind_a_gateway_nothing_has_to_be_read(window: Window) -> None:
    """A gateway keeps the budget whatever jobs have read."""
    window.site = a_site("A", "1 Gb/s", slots="IsA", gateway=True)
    assert window.see(published=[Published(planned=8, target_mbps=12.5)]).ready > 1000


def test_a_job_that_starts_uses_up_the_ramp(window: Window) -> None:
    """Starts are saved up in time and spent by jobs that start."""
    window.see()
    window.clock.pass_s(2)
    before = window.see().starts
    assert window.see(at_work(5)).starts == before - 5
