"""What a campaign asks of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.planning.count import InputFile, Inputs
from jobs.planning.plan import plan
from jobs.spec.campaign import load_campaign_and_sites

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
    """55,000 patches of 9,216 bytes in 120 s are 33.8 Mb/s a job, and 80 % of 100 Gb/s carry 2,367 of them.

    55,000 hits and 120 s are ProtoDUNE's; the job count on such a link was computed from them by hand.
    """
    found = demand("uplink: 100 Gb/s\n", estimate=PROTODUNE)
    assert found.mbps_per_job == pytest.approx(33.8, abs=0.05)
    assert found.total_gb == pytest.approx(100 * 55000 * 9216 / 1e9)
    assert found.sites["local"].jobs_that_fit == 2367
    assert found.sites["local"].binds == "uplink"
    assert found.shortest_s == pytest.approx(100 * 120 / 2367)


def test_a_limit_of_the_config_binds_where_it_is_smaller(demand: Callable[..., Demand]) -> None:
    """The smaller of uplink and most_jobs is the one that binds."""
    found = demand("uplink: 100 Gb/s\nmost_jobs: 10\n", estimate=PROTODUNE)
    assert (found.sites["local"].most_at_once, found.sites["local"].binds) == (10, "most_jobs")
    assert found.shortest_s == pytest.approx(1200)


def test_cpu_jobs_ask_nothing_of_the_network(demand: Callable[..., Demand]) -> None:
    """Half of the jobs with the cpu flavour is half of the bytes."""
    found = demand("uplink: 100 Gb/s\n", estimate=PROTODUNE, cpu_comparison="50 %")
    assert found.total_gb == pytest.approx(50 * 55000 * 9216 / 1e9)


def test_what_is_not_known_is_not_invented(demand: Callable[..., Demand]) -> None:
    """Without an estimate there is no Mb/s, and no limit is known but the slots."""
    blind = demand("uplink: 10 Gb/s\n")
    assert (blind.mbps_per_job, blind.total_gb, blind.shortest_s) == (None, None, None)
    assert blind.sites["local"].budget_mbps == pytest.approx(8000)
    assert (blind.sites["local"].jobs_that_fit, blind.sites["local"].binds) == (None, "slots")
