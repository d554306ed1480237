"""A campaign in a word and in numbers, at every stage of its life."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.bins import Span
from monitoring.live.campaign_now import campaign_now
from monitoring.live.eta import events_remaining
from monitoring.live.rates import rates_in
from monitoring.live.site_now import site_now, sites_known
from monitoring.live.states import campaign_ended
from tests.builders.collected import MINUTE, site_state

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_planned(collected: Collected) -> None:
    """Before the first job came up nothing is said about rates."""
    state = campaign_now(collected.read(), MINUTE)
    assert (state.standing, state.in_all, state.done_share) == ("planned", 10, 0)
    assert (state.events_per_s, state.jobs_per_h, state.heard_at) == (None, None, None)


def test_running(collected: Collected) -> None:
    """Rates are those of `rates` in the last five minutes, and in the last hour."""
    for job in range(3):
        collected.run(job, MINUTE + 240 + 60 * job)
    collected.run(3, MINUTE)
    collected.end(3, MINUTE + 100)
    connection = collected.read()
    now = MINUTE + 435
    state = campaign_now(connection, now)
    assert state.standing == "running"
    assert state.remaining == events_remaining(connection)
    assert state.done_share == pytest.approx(0.1)
    assert state.events_per_s == rates_in(connection, Span(now - 375, now - 75))[""].events_per_s
    assert state.jobs_per_h == rates_in(connection, Span(MINUTE, now))[""].jobs_per_h == pytest.approx(3600 / 420)
    assert state.sent_mbps == pytest.approx(3 * 8.4 / 60)
    assert campaign_ended(connection) is None


def test_waiting_and_held(collected: Collected) -> None:
    """No job runs: as long as others may start it waits, and with held jobs alone it stands still."""
    collected.run(0, MINUTE)
    collected.log.held(7, 0, "pool_away: no inference endpoint answered in time")
    assert campaign_now(collected.read(), MINUTE + 70).standing == "waiting"
    for job in range(1, 10):
        collected.run(job, MINUTE)
        collected.log.held(7, job, "pool_away: no inference endpoint answered in time")
    state = campaign_now(collected.read(), MINUTE + 70)
    assert (state.standing, state.jobs["held"]) == ("held", 10)


@pytest.mark.parametrize(("failed", "standing"), [(0, "done"), (2, "failed")])
def test_ended(collected: Collected, failed: int, standing: str) -> None:
    """A campaign that is through is done if all of its jobs are."""
    for job in range(10):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200, exit_class="bad_input" if job < failed else "done")
    connection = collected.read()
    state = campaign_now(connection, MINUTE + 1000)
    assert (state.standing, state.jobs["failed"], state.remaining.left) == (standing, failed, 0)
    ended = campaign_ended(connection)
    assert ended is not None
    assert MINUTE + 200 <= ended <= MINUTE + 260


def test_a_throttle_that_does_not_look(collected: Collected) -> None:
    """Nobody keeps a campaign whose throttle is silent while there are jobs to be let in."""
    collected.decide(MINUTE, FNAL=site_state())
    connection = collected.read()
    written = collected.campaign.folder.throttle.stat().st_mtime
    assert campaign_now(connection, written + 60).unkept_s is None
    assert campaign_now(connection, written + 300).unkept_s == pytest.approx(300)


def test_sites_are_those_of_configs_jobs_and_heartbeats(collected: Collected) -> None:
    """A site that a job has left is a site, too."""
    collected.in_force({"CERN": {}})
    collected.run(0, MINUTE, site="BNL")
    collected.log.evicted(7, 0)
    collected.run(0, MINUTE + 120, site="FNAL")
    assert sites_known(collected.read()) == ["BNL", "CERN", "FNAL"]


def test_a_site(collected: Collected) -> None:
    """Jobs, link, efficiency and latency are of that site alone."""
    collected.in_force({"FNAL": {}, "CERN": {}})
    collected.run(0, MINUTE)
    collected.run(1, MINUTE, site="CERN")
    collected.run(2, MINUTE, site="CERN")
    collected.end(2, MINUTE + 100, site="CERN", cpu_s=40.0)
    now = MINUTE + 60 + 135
    state = site_now(collected.read(), now, "CERN")
    assert (state.jobs["running"], state.jobs["done"], state.jobs["idle"]) == (1, 1, 0)
    assert state.link is not None
    assert (state.link.name, state.link.budget_mbps, state.link.running) == ("CERN", 100, 1)
    assert state.ended is not None
    assert state.ended.cpu_efficiency == pytest.approx(0.4)
    assert state.latency.requests == pytest.approx(8)
    nobody = site_now(collected.read(), now, "UCSD")
    assert (nobody.link, nobody.told, nobody.ended, sum(nobody.jobs.values())) == (None, None, None, 0)
