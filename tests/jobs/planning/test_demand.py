"""What a campaign asks of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import ConfigError
from jobs.manifest import cut
from jobs.planning.count import InputFile, Inputs
from jobs.planning.demand import check_budgets, estimate_demand
from jobs.planning.plan import plan
from jobs.spec.campaign import Campaign, load_campaign_and_sites
from jobs.spec.links import Links
from jobs.spec.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.planning.demand import Demand

PROTODUNE = {"hits_per_event": 55000, "seconds_per_event": "120 s"}


@pytest.fixture
def demand(write_spec: Callable[..., Path], sites_folder: Path) -> Callable[..., Demand]:
    """Plan 100 events with a spec and a site config; returns the demand."""

    def demand_(site: str, **changes: object) -> Demand:
        (sites_folder / "local.yaml").write_text(f"endpoints: a:1\n{site}")
        campaign, sites = load_campaign_and_sites(write_spec(**changes), sites_folder)
        return plan(campaign, sites, Inputs((InputFile("/a", "a", 100),))).demand

    return demand_


def test_the_numbers_of_protodune(demand: Callable[..., Demand]) -> None:
    """55,000 patches of 9,216 bytes in 120 s are 33.8 Mb/s, with framing 35.5; 80 % of 100 Gb/s carry 2,254 such jobs.

    55,000 hits and 120 s are ProtoDUNE's; the job count on such a link was computed from them by hand.
    """
    found = demand("uplink: 100 Gb/s\n", estimate=PROTODUNE)
    assert found.mbps_per_job == pytest.approx(33.79 * 1.05, abs=0.01)
    assert found.total_gb == pytest.approx(100 * 55000 * 9216 / 1e9)
    site = found.sites["local"]
    assert (site.jobs_that_fit, site.admitted, site.binds) == (2254, 2818, "the link")


def test_it_is_said_in_a_sentence(demand: Callable[..., Demand]) -> None:
    """A person reads what fits and what binds without a table."""
    site = demand("uplink: 100 Gb/s\nrate_per_job: 34 Mb/s\n").sites["local"]
    config = Site(name="FNAL", endpoints=("a:1",), uplink="100 Gb/s", rate_per_job="34 Mb/s")
    assert site.sentence(config) == "FNAL: 34 Mb/s a job, 2,352 jobs fit in 80 % of 100 Gb/s; the link binds"


def test_a_limit_of_the_config_binds_where_it_is_smaller(demand: Callable[..., Demand]) -> None:
    """The smaller of uplink and most_jobs is the one that binds."""
    found = demand("uplink: 100 Gb/s\nmost_jobs: 10\nramp: 6000/min\n", estimate=PROTODUNE, jobs={"events_per_job": 1})
    site = found.sites["local"]
    assert (site.jobs_that_fit, site.admitted, site.binds) == (10, 10, "most_jobs")
    assert found.expected_s == pytest.approx(1200, rel=1e-3)


def test_no_campaign_is_sooner_done_than_its_longest_job(demand: Callable[..., Demand]) -> None:
    """However many jobs fit, ten events of two minutes in one job take twenty minutes."""
    found = demand("uplink: 100 Gb/s\n", estimate=PROTODUNE, jobs={"events_per_job": 10})
    assert found.expected_s == pytest.approx(1200, rel=1e-2)


def test_cpu_jobs_ask_nothing_of_the_network(demand: Callable[..., Demand]) -> None:
    """Half of the jobs with the cpu flavour is half of the bytes."""
    found = demand("uplink: 100 Gb/s\n", estimate=PROTODUNE, cpu_comparison="50 %")
    assert found.total_gb == pytest.approx(50 * 55000 * 9216 / 1e9)


def test_views_take_a_fraction_of_the_link(demand: Callable[..., Demand]) -> None:
    """The same events are 0.1 GB instead of 50, and it is no longer the link that the least rate of a job fills."""
    found = demand("uplink: 10 Gb/s\nwire_format: views\nmost_jobs: 5000\n", estimate=PROTODUNE)
    assert found.total_gb == pytest.approx(100 * 55000 * 21 / 1e9)
    assert found.mbps_per_job == pytest.approx(0.081, abs=0.001)
    assert (found.sites["local"].jobs_that_fit, found.sites["local"].binds) == (5000, "most_jobs")


def test_sites_may_differ_in_their_wire_format() -> None:
    """The bytes are those of where the jobs fit: half of them at each of two sites that take as many."""
    campaign = Campaign(name="c", inputs=("/a",), sites=("A", "B"), estimate=PROTODUNE)
    manifest = cut(campaign, (InputFile("/a", "a", 100),))
    formats = {"A": "patches", "B": "views"}
    sites = {
        name: Site(name=name, endpoints=("a:1",), uplink="100 Gb/s", most_jobs=10, wire_format=wire_format)
        for name, wire_format in formats.items()
    }
    found = estimate_demand(campaign, sites, manifest)
    assert found.total_gb == pytest.approx(100 * 55000 * (9216 + 21) / 2 / 1e9)
    rates = [site.mbps_per_job for site in found.sites.values()]
    assert rates == [pytest.approx(35.5, abs=0.1), pytest.approx(0.081, abs=0.001)]


def test_what_is_not_known_is_not_invented(demand: Callable[..., Demand]) -> None:
    """Without an estimate there is no Mb/s and no number of jobs: the first jobs are pilots."""
    blind = demand("uplink: 10 Gb/s\n")
    assert (blind.mbps_per_job, blind.total_gb, blind.expected_s) == (None, None, None)
    site = blind.sites["local"]
    assert site.budget_mbps == pytest.approx(8000)
    assert (site.jobs_that_fit, site.admitted, site.binds) == (None, None, "pilots")


def test_shared_links_gpus_and_slots_bind_too() -> None:
    """The fewest jobs count, whether the shared link, the GPU pool or the slots allow them, and it is said which."""
    campaign = Campaign(name="c", inputs=("/a",), sites=("A", "B"), estimate=PROTODUNE)
    manifest = cut(campaign, (InputFile("/a", "a", 100),))
    sites = {
        name: Site(name=name, endpoints=("a:1",), uplink="100 Gb/s", shared_links=("wan",), gpu_pool="t4")
        for name in ("A", "B")
    }
    wan = {"wan": {"rate": "10 Gb/s", "campaign_share": "100 %"}}
    many, few = {"t4": {"gpus": 100}}, {"t4": {"gpus": 1}}

    def binds(pools: dict[str, dict[str, int]], slots: dict[str, int] | None = None) -> set[tuple[int | None, str]]:
        links = Links.model_validate({"shared_links": wan, "gpu_pools": pools})
        found = estimate_demand(campaign, sites, manifest, links, slots)
        return {(site.jobs_that_fit, site.binds) for site in found.sites.values()}

    assert binds(many) == {(140, "shared link wan")}
    assert binds(few) == {(34, "GPU pool t4")}
    assert binds(few, {"A": 5, "B": 5}) == {(5, "slots")}


def test_a_budget_too_small_for_one_job_is_named() -> None:
    """A site that could not take a single job is an error with both numbers, but for one that is closed."""
    campaign = Campaign(name="c", inputs=("/a",), sites=("A", "B"), estimate=PROTODUNE)
    thin = Site(name="A", endpoints=("a:1",), uplink="40 Mb/s")
    closed = Site(name="B", endpoints=("a:1",), uplink="40 Mb/s", campaign_share="0 %")
    with pytest.raises(ConfigError) as caught:
        check_budgets(campaign, {"A": thin, "B": closed}, "spec.yaml")
    (problem,) = caught.value.problems
    assert "32 Mb/s" in problem.what
    assert "35.5 Mb/s" in problem.what
    assert "uplink" in problem.remedy
