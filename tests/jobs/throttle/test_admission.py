"""Who admits jobs, and which limits give each site its room."""

from __future__ import annotations

import pytest

from jobs.errors import UsageError
from jobs.running.describe import Limit
from jobs.spec.links import GpuPool, Links, SharedLink
from jobs.throttle.admission import choose_admission, limits_of, limits_to_set
from tests.builders.negotiator import FakeNegotiator
from tests.builders.sites import a_decision, a_site


def test_auto_takes_the_negotiator_where_it_can_be_leaned_on() -> None:
    """And each site may ask for the other way."""
    sites = {"a": a_site("a"), "b": a_site("b", admission="materialize")}
    assert choose_admission(sites, FakeNegotiator()) == {"a": "negotiator", "b": "materialize"}


def test_auto_falls_back_to_the_users_own_rights() -> None:
    """A pool that does not let us is no error for who left it open."""
    negotiator = FakeNegotiator()
    negotiator.no = "the negotiator does not let us set limits"
    assert choose_admission({"a": a_site("a")}, negotiator) == {"a": "materialize"}


def test_who_demands_the_negotiator_is_told_why_not() -> None:
    """One error with site, reason and remedy; a pool whose default is not 0 would forget limits into none."""
    negotiator = FakeNegotiator()
    negotiator.no = "the negotiator's configuration lacks CONCURRENCY_LIMIT_DEFAULT_net = 0"
    sites = {"a": a_site("a"), "b": a_site("b", admission="negotiator")}
    with pytest.raises(UsageError, match=r"site b has admission: negotiator, and .*DEFAULT_net = 0; write admission"):
        choose_admission(sites, negotiator)


def test_nobody_is_asked_where_nobody_wants_to_know() -> None:
    """Where all sites say `materialize`, a negotiator that does not answer is no matter."""
    negotiator = FakeNegotiator()
    assert choose_admission({"a": a_site("a", admission="materialize")}, negotiator) == {"a": "materialize"}
    assert negotiator.asked == 0


def test_a_job_is_charged_to_every_link_that_it_uses() -> None:
    """Names are lower case and without '-', as HTCondor wants them."""
    site = a_site("CERN-T0", shared_links="esnet", gpu_pool="NRP", most_jobs=7)
    assert limits_of(site) == (
        Limit("net.cern_t0", "mbps"),
        Limit("link.esnet", "mbps"),
        Limit("gpu.nrp", "job"),
        Limit("jobs.cern_t0", "any job"),
    )


LINKS = Links(shared_links={"esnet": SharedLink(rate="10 Gb/s")}, gpu_pools={"nrp": GpuPool(gpus=2, jobs_per_gpu=68)})


def test_limits_give_room_for_what_may_start_and_no_more() -> None:
    """What is in use, by whomever, and the charges of the jobs that may start now."""
    sites = {"a": a_site("a", "10 Gb/s"), "b": a_site("b", "1 Gb/s", most_jobs=7, gpu_pool="nrp")}
    decisions = {"a": a_decision("a", running=3, room=5, mbps=34.0), "b": a_decision("b", running=4, room=4)}
    limits = limits_to_set(sites, LINKS, decisions, {"net.a": 150.0, "net.b": 40.0})
    assert limits == {"net.a": 150.0 + 2 * 34.0, "net.b": 40.0, "jobs.b": 7.0, "gpu.nrp": 136.0}


def test_a_limit_is_never_above_the_budget() -> None:
    """Whatever is in use: a lowered budget is the limit at once, and a closed site has 0; charges are rounded up."""
    sites = {"a": a_site("a", "1 Gb/s", admit_factor=1.25), "b": a_site("b", campaign_share="0 %")}
    decisions = {"a": a_decision("a", running=300, room=60), "b": a_decision("b")}
    limits = limits_to_set(sites, LINKS, decisions, {"net.a": 3000.0, "net.b": 0.0})
    assert limits == {"net.a": pytest.approx(1000.0 + 60 * 0.01), "net.b": 0.0}


def test_a_shared_link_has_a_limit_of_its_own() -> None:
    """The sum of what its sites may start, and never above its own budget."""
    sites = {name: a_site(name, "100 Gb/s", shared_links="esnet", admit_factor=1.0) for name in ("a", "b")}
    decisions = {name: a_decision(name, running=10, room=12) for name in sites}
    assert limits_to_set(sites, LINKS, decisions, {"link.esnet": 200.0})["link.esnet"] == 240.0
    assert limits_to_set(sites, LINKS, decisions, {"link.esnet": 7990.0})["link.esnet"] == pytest.approx(8000.24)
