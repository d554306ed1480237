"""Sharing out links and GPU pools: never too much, and fair to the last job."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.throttle.allot import Allotment, Ask, Bound, allot, bounds_of
from tests.builders.sites import a_site, shared

NAMES = "ABCDE"


@st.composite
def problems(draw: st.DrawFn) -> tuple[dict[str, Ask], list[Bound]]:
    """Return up to five sites, each with a link, and bounds that some of them share."""
    names = NAMES[: draw(st.integers(1, 5))]
    mbps = st.floats(0.1, 500.0)
    most = st.one_of(st.just(math.inf), st.integers(0, 3000).map(float))
    asks = {name: Ask(draw(mbps), draw(most)) for name in names}
    bounds = [Bound("the link", draw(st.floats(0.0, 1e5)), (name,)) for name in names]
    for number in range(draw(st.integers(0, 3))):
        users = tuple(sorted(draw(st.sets(st.sampled_from(names), min_size=1))))
        bounds.append(Bound(f"shared {number}", draw(st.floats(0.0, 1e5)), users, in_jobs=draw(st.booleans())))
    return asks, bounds


def cost(bound: Bound, asks: dict[str, Ask], name: str) -> float:
    """Return what one job of a site takes of a bound."""
    return 1.0 if bound.in_jobs else asks[name].mbps_per_job


@given(problems())
def test_no_bound_is_exceeded(problem: tuple[dict[str, Ask], list[Bound]]) -> None:
    """Whatever sites ask for and share, all their jobs together fit into everything, and no site has too many."""
    asks, bounds = problem
    allotted = allot(asks, bounds)
    for bound in bounds:
        used = sum(allotted[name].jobs * cost(bound, asks, name) for name in bound.sites)
        assert used <= bound.capacity * (1 + 1e-9) + 1e-6
    assert all(0 <= allotted[name].jobs <= ask.most_jobs for name, ask in asks.items())


@given(problems())
def test_more_for_one_would_be_less_for_one_with_no_more(problem: tuple[dict[str, Ask], list[Bound]]) -> None:
    """Max-min: a site is kept by something full, where nobody has more Mb/s than it, give or take one job."""
    asks, bounds = problem
    allotted = allot(asks, bounds)
    mbps = {name: allotted[name].jobs * ask.mbps_per_job for name, ask in asks.items()}
    by_what = defaultdict(list)
    for bound in bounds:
        by_what[bound.what].append(bound)
    for name, ask in asks.items():
        if allotted[name].binds == "slots":
            assert allotted[name].jobs == ask.most_jobs
            continue
        (bound,) = (bound for bound in by_what[allotted[name].binds] if name in bound.sites)
        used = sum(allotted[user].jobs * cost(bound, asks, user) for user in bound.sites)
        a_job_each = sum(cost(bound, asks, user) for user in bound.sites)
        assert used + a_job_each > bound.capacity * (1 - 1e-9)
        assert all(mbps[user] <= mbps[name] + ask.mbps_per_job + 1e-6 for user in bound.sites)


def test_a_full_link_holds_its_whole_jobs() -> None:
    """80 % of 100 Gb/s holds 2,352 jobs of 34 Mb/s, as the paper's link does."""
    bounds = bounds_of({"FNAL": a_site(uplink="100 Gb/s")}, shared(), admit=False)
    assert allot({"FNAL": Ask(34.0)}, bounds) == {"FNAL": Allotment(2352, "the link")}


def test_who_needs_little_leaves_the_rest() -> None:
    """A site with few slots takes only what it can use of a shared link, and the others share what is left."""
    sites = {name: a_site(name, "100 Gb/s", shared_links="wan") for name in "ABC"}
    asks = {"A": Ask(10.0, 10), "B": Ask(10.0), "C": Ask(20.0)}
    allotted = allot(asks, bounds_of(sites, shared({"wan": "1.1 Gb/s"}), admit=False))
    assert allotted["A"] == Allotment(10, "slots")
    assert allotted["B"] == Allotment(50, "shared link wan")
    assert allotted["C"] == Allotment(25, "shared link wan")


def test_a_gpu_pool_counts_jobs_and_not_megabits() -> None:
    """Two sites of one pool get as many Mb/s each as its jobs allow, however wide their links are."""
    sites = {name: a_site(name, "100 Gb/s", gpu_pool="cloud") for name in "AB"}
    bounds = bounds_of(sites, shared(pools={"cloud": 30}), admit=True)
    allotted = allot({"A": Ask(10.0), "B": Ask(20.0)}, bounds)
    assert allotted == {"A": Allotment(20, "GPU pool cloud"), "B": Allotment(10, "GPU pool cloud")}


def test_jobs_beyond_the_mean_demand_count_on_links_only() -> None:
    """The factor widens links, a shared one by its most cautious site's; `most_jobs` stays what is written."""
    sites = {
        "A": a_site("A", admit_factor=2.0, shared_links="wan", most_jobs=7),
        "B": a_site("B", admit_factor=1.5, shared_links="wan"),
    }
    bounds = {
        (bound.what, bound.sites): bound.capacity for bound in bounds_of(sites, shared({"wan": "1 Gb/s"}), admit=True)
    }
    assert bounds["the link", ("A",)] == pytest.approx(16_000)
    assert bounds["shared link wan", ("A", "B")] == pytest.approx(1500)
    assert bounds["most_jobs", ("A",)] == 7


def test_a_closed_site_gets_nothing_and_takes_nothing() -> None:
    """A budget of 0 % must not keep the others of a shared link from using it."""
    sites = {"A": a_site("A", campaign_share="0 %", shared_links="wan"), "B": a_site("B", shared_links="wan")}
    allotted = allot({"A": Ask(10.0), "B": Ask(10.0)}, bounds_of(sites, shared({"wan": "1 Gb/s"}), admit=False))
    assert allotted == {"A": Allotment(0, "the link"), "B": Allotment(100, "shared link wan")}
