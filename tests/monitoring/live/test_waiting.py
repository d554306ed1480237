"""Every job that waits is counted once, for what keeps the site that is nearest to taking it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobs.throttle.state import ThrottleState
from monitoring.live.links import links_now
from monitoring.live.waiting import why_jobs_wait
from tests.builders.campaign import START
from tests.builders.collected import site_state

if TYPE_CHECKING:
    from jobs.throttle.state import SiteState
    from tests.builders.collected import Collected


def decide(collected: Collected, **sites: SiteState) -> None:
    """Write what the throttle decided, and the sites in force."""
    state = ThrottleState(at=START, sites=sites)
    collected.campaign.folder.throttle.write_text(state.model_dump_json())
    keys = {name: {"endpoints": ["pool:8001"], "uplink": "200 Mb/s", "campaign_share": "50 %"} for name in sites}
    collected.campaign.folder.sites.write_text(json.dumps({"source": "", "sites": keys}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "site link"),
        ({"binds": "shared link esnet"}, "shared link"),
        ({"binds": "GPU pool nrp"}, "GPU pool"),
        ({"binds": "slots"}, "no free slot"),
        ({"running": 4, "room": 6}, "no free slot"),
        ({"running": 4, "room": 4}, "ramp"),
        ({"binds": "the core, sooner done"}, "other"),
    ],
)
def test_what_the_throttle_says_is_the_reason(collected: Collected, changes: dict[str, Any], reason: str) -> None:
    """Each thing that binds has its bucket."""
    decide(collected, FNAL=site_state(**changes))
    collected.log.submitted(7, 0, job=0)
    (waiting,) = why_jobs_wait(collected.read())
    assert (waiting.reason, waiting.idle, waiting.pending, waiting.sites) == (reason, 1, 9, ("FNAL",))


def test_the_nearest_site_counts(collected: Collected) -> None:
    """A job that may run at a full site and at one that lets jobs in step by step waits for the latter."""
    decide(collected, FNAL=site_state(), CERN=site_state(running=3, room=3))
    (waiting,) = why_jobs_wait(collected.read())
    assert (waiting.reason, waiting.sites) == ("ramp", ("CERN",))


def test_before_the_throttle_has_decided(collected: Collected) -> None:
    """Nothing is made up where nothing is known."""
    (waiting,) = why_jobs_wait(collected.read())
    assert (waiting.reason, waiting.pending) == ("not known yet", 10)


def test_links_are_held_against_their_budgets(collected: Collected) -> None:
    """What a site's running jobs said of their last minute is summed, beside its budget and the throttle's words."""
    decide(collected, FNAL=site_state())
    for job in (0, 1):
        collected.run(job, START, bytes_sent=60_000_000)
    (link,) = links_now(collected.read(), now=START + 70)
    assert (link.name, link.budget_mbps, link.running) == ("FNAL", 100, 2)
    assert link.sent_mbps == pytest.approx(16.8)
    assert link.used == pytest.approx(0.168)
    assert (link.admitted, link.binds, link.share_mbps) == (10, "the link", 9.7)
    (stale,) = links_now(collected.read(), now=START + 1000)
    assert stale.sent_mbps == 0
