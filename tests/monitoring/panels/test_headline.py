"""The headline says where a campaign stands, in the numbers of `live` and in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitoring.live.campaign_now import campaign_now
from monitoring.live.eta import time_left
from monitoring.live.states import campaign_ended
from monitoring.panels.headline import eta_at, headline
from tests.builders.collected import MINUTE, site_state
from tests.builders.panel_rows import facts_of

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_nothing_yet(collected: Collected) -> None:
    """A campaign that was just planned has no rates, and says why."""
    panel = headline(collected.read(), collected.shown, MINUTE)
    facts = facts_of(panel)
    assert panel.lead == "demo is planned: 10 jobs, and none has come up yet."
    assert (facts["state"].value, facts["done_share"].value, facts["jobs_done"].note) == ("planned", 0, "of 10")
    assert (facts["events_per_s"].value, facts["events_per_s"].note) == (None, "not before jobs ran for 5 minutes")
    assert facts["eta"].value is None
    assert "30 jobs" in facts["eta"].note
    assert panel.tone == ""


def test_running(collected: Collected) -> None:
    """Every number is that of `campaign_now`; trouble is toned, and a link leads to the jobs."""
    for job in range(4):
        collected.run(job, MINUTE)
    collected.end(0, MINUTE + 340)
    collected.end(1, MINUTE + 340, exit_class="worker")
    collected.log.held(7, 2, "a person held it")
    connection = collected.read()
    now = MINUTE + 395
    panel, state = headline(connection, collected.shown, now), campaign_now(connection, now)
    facts = facts_of(panel)
    assert facts["events_done"].value == state.remaining.done == 5
    assert facts["done_share"].value == pytest.approx(0.1)
    assert facts["events_per_s"].value == state.events_per_s
    assert facts["jobs_per_h"].value == state.jobs_per_h
    assert facts["sent_mbps"].value == state.sent_mbps
    assert facts["heard_at"].value == MINUTE + 340
    assert (facts["jobs_failed"].value, facts["jobs_failed"].tone) == (1, "bad")
    assert (facts["jobs_held"].value, facts["jobs_held"].tone) == (1, "warn")
    assert facts["jobs_held"].link == "c/demo/jobs?state=held"
    assert panel.lead == "demo runs: 10 % of 50 events are done, 0.0267 events/s now; 1 job failed and 1 job is held."
    assert panel.tone == "warn"


def test_jobs_that_run_and_are_silent(collected: Collected) -> None:
    """Running jobs report every minute: when they do not, somebody has to look."""
    collected.run(0, MINUTE)
    connection = collected.read()
    assert facts_of(headline(connection, collected.shown, MINUTE + 100))["heard_at"].tone == ""
    silent = facts_of(headline(connection, collected.shown, MINUTE + 700))["heard_at"]
    assert (silent.tone, silent.note) == ("warn", "silent for more than 10 minutes; jobs that run report every minute")


def test_a_campaign_that_nobody_drives(collected: Collected) -> None:
    """The sentence says what to do, and stays the same while nothing changes."""
    collected.run(0, MINUTE)
    collected.decide(MINUTE, FNAL=site_state())
    connection = collected.read()
    written = collected.campaign.folder.throttle.stat().st_mtime
    early, late = (headline(connection, collected.shown, written + after_s).lead for after_s in (200, 500))
    assert early == late
    assert early.endswith("limits stay as they are, and `sonicgrid submit` with its spec goes on with it.")


def test_failed(collected: Collected) -> None:
    """Every job has ended, and some have not done their work."""
    for job in range(10):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200, exit_class="bad_input" if job < 2 else "done")
    connection = collected.read()
    panel = headline(connection, collected.shown, MINUTE + 9000)
    assert facts_of(panel)["ended"].value == campaign_ended(connection)
    assert panel.lead == "demo has ended with 80 % of 50 events done; 2 jobs failed. Failures, below, say who must act."
    assert (panel.tone, facts_of(panel)["state"].tone) == ("bad", "bad")
    assert facts_of(panel)["heard_at"].tone == ""


def test_done(collected: Collected) -> None:
    """A campaign that is through has an end, and none to come."""
    for job in range(10):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200)
    panel = headline(collected.read(), collected.shown, MINUTE + 9000)
    assert panel.lead == "demo is done: 50 events in 10 jobs."
    assert (panel.tone, facts_of(panel)["done_share"].value) == ("good", 1)
    assert "eta" not in facts_of(panel)


def test_the_end_is_said_as_exactly_as_it_is_known(collected: Collected) -> None:
    """In minutes, and in tens of them where it is hours away; the interval lies around it."""
    collected.run(0, MINUTE)
    state = campaign_now(collected.read(), MINUTE + 100)
    soon = time_left(100, np.random.default_rng(1).poisson(10.0, 60).astype(np.float64))
    later = time_left(10_000, np.random.default_rng(1).poisson(10.0, 60).astype(np.float64))
    for found, step in ((soon, 60), (later, 600)):
        object.__setattr__(state, "estimate", found)
        at, low, high = eta_at(state, MINUTE + 100.0)
        assert at is not None
        assert low is not None
        assert high is not None
        assert found.left_s is not None
        assert at % step == 0
        assert abs(at - (MINUTE + 100 + found.left_s)) <= step / 2
        assert low <= at <= high
