"""What one job is taken to need, from the best that is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.spec.campaign import Estimate
from jobs.throttle.rate import PILOTS, choose_rate, estimated_mbps
from jobs.throttle.tally import Tally
from sonic.pace import WIRE_OVERHEAD
from tests.builders.sites import a_site
from tests.jobs.throttle.test_tally import EVENT_MB, HITS, report


def test_a_job_that_sends_views_takes_a_fraction() -> None:
    """The paper's full chain takes 0.08 Mb/s with views, which the charge still tells from none and from twice that."""
    estimate = Estimate.model_validate({"hits_per_event": HITS, "seconds_per_event": "120 s"})
    assert estimated_mbps(estimate, "views") == pytest.approx(0.081, abs=0.001)
    rate = choose_rate(a_site(wire_format="views", least_rate_per_job="0.01 Mb/s"), Tally(), Tally(), estimate)
    assert rate.origin == "spec"
    assert rate.charge_mbps == pytest.approx(0.09)


def test_the_best_that_is_known_is_taken() -> None:
    """By hand before measured here, before elsewhere, before the spec, before pilots that fill the link."""
    here, elsewhere = report(10, 100.0, 1.0, None), report(10, 50.0, 1.0, None)
    estimate = Estimate.model_validate({"hits_per_event": HITS, "seconds_per_event": "200 s"})
    site = a_site()
    assert choose_rate(a_site(rate_per_job="7 Mb/s"), here, elsewhere, estimate, 2.0).mbps == 7
    assert choose_rate(site, here, elsewhere, estimate, 2.0).mbps == pytest.approx(2 * EVENT_MB * 8 / 100)
    assert choose_rate(site, Tally(), elsewhere, estimate, 2.0).mbps == pytest.approx(EVENT_MB * 8 / 50)
    assert choose_rate(site, Tally(), Tally(), estimate).mbps == pytest.approx(EVENT_MB * 8 / 200)
    pilots = choose_rate(site, Tally(), Tally(), None)
    assert pilots.origin == "pilots"
    assert site.budget_mbps * site.admit_factor / pilots.mbps == pytest.approx(PILOTS)


@given(st.floats(0.01, 100.0))
def test_the_site_bounds_what_is_measured(correction: float) -> None:
    """Neither reports nor the correction lead out of the bounds of the site config."""
    site = a_site(least_rate_per_job="20 Mb/s", most_rate_per_job="60 Mb/s")
    rate = choose_rate(site, report(10, 100.0, 1.0, None), Tally(), None, correction)
    assert 20 <= rate.mbps <= 60


def test_the_papers_job() -> None:
    """The full chain of the paper, 55,000 patches in 120 s an event, is 33.8 Mb/s of patches: 35.5 on the wire."""
    estimate = Estimate.model_validate({"hits_per_event": HITS, "seconds_per_event": "120 s"})
    assert estimated_mbps(estimate, "patches") == pytest.approx(33.8 * WIRE_OVERHEAD, rel=0.002)
    assert report(10, 120.0, 2.05, None).mbps == pytest.approx(estimated_mbps(estimate, "patches"))
