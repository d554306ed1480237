"""Why jobs wait is said with what lets them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from monitoring.live.waiting import why_jobs_wait
from monitoring.panels.panel import Table
from monitoring.panels.waiting import waiting
from tests.builders.collected import MINUTE, site_state

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_before_the_throttle(collected: Collected) -> None:
    """Jobs of a campaign that was just planned wait for the throttle's first decision."""
    panel = waiting(collected.read(), collected.shown, MINUTE)
    assert panel.lead.startswith("10 jobs wait for this: no site config is in force yet.")
    assert "`sonicgrid submit`" in panel.lead


@pytest.mark.parametrize(
    ("changes", "cause", "remedy"),
    [
        ({}, "the budget of the site's link is full at FNAL", "`uplink` or `campaign_share` in FNAL.yaml"),
        ({"binds": "shared link esnet"}, "the shared link esnet is full", "`shared_links.esnet` in links.yaml"),
        ({"binds": "GPU pool nrp"}, "the GPU pool nrp is full", "`gpu_pools.nrp` in links.yaml"),
        ({"binds": "slots"}, "a free slot at FNAL", "a wider `slots` in FNAL.yaml"),
        ({"running": 4, "room": 4}, "step by step at FNAL", "`ramp` in FNAL.yaml"),
        ({"binds": "most_jobs"}, "most_jobs at FNAL", "a higher `most_jobs` in FNAL.yaml"),
        ({"binds": "jobs left"}, "jobs left at FNAL", "nothing: as many run as are left"),
        ({"binds": "words of a later version"}, "words of a later version", "see what FNAL.yaml allows"),
    ],
)
def test_each_cause_has_its_remedy(collected: Collected, changes: dict[str, Any], cause: str, remedy: str) -> None:
    """The sentence names the cause, and the key of which file helps."""
    collected.in_force({"FNAL": {}})
    collected.decide(MINUTE, FNAL=site_state(**changes))
    collected.log.submitted(7, 0, job=0)
    connection = collected.read()
    panel = waiting(connection, collected.shown, MINUTE)
    assert cause in panel.lead
    assert remedy in panel.lead
    (one,) = why_jobs_wait(connection)
    assert isinstance(panel.content, Table)
    assert panel.content.rows[0][:6] == (one.reason, one.what, "FNAL", 10, one.idle, one.pending)


def test_a_site_has_its_own(collected: Collected) -> None:
    """On a site's page are the jobs that it would take next; a site that others are nearer than has none."""
    collected.in_force({"FNAL": {}, "CERN": {}})
    collected.decide(MINUTE, FNAL=site_state(), CERN=site_state(running=3, room=3))
    connection = collected.read()
    assert "10 jobs that CERN would take wait" in waiting(connection, collected.shown, MINUTE, site="CERN").lead
    assert waiting(connection, collected.shown, MINUTE, site="FNAL").lead == "No job that FNAL would take waits."


def test_all_is_done(collected: Collected) -> None:
    """When no job is left none waits."""
    for job in range(10):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200)
    panel = waiting(collected.read(), collected.shown, MINUTE + 300)
    assert panel.lead == "No job waits."
