"""The throttle's decision: shares times jobs inside every budget, and room only for what is ready."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.spec.links import Links
from jobs.spec.site import Site
from jobs.throttle.decide import FULL, Decision, SiteSeen, decide
from jobs.throttle.rate import JobRate
from tests.builders.sites import a_site, shared


@dataclass(frozen=True)
class Moment:
    """Everything that a decision is made from."""

    sites: dict[str, Site]
    links: Links
    rates: dict[str, JobRate]
    seen: dict[str, SiteSeen]
    others: dict[str, float]

    def decide(self) -> dict[str, Decision]:
        """Decide."""
        return decide(self.sites, self.links, self.rates, self.seen, self.others)


COUNTS = st.integers(0, 3000)


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    """Return up to four sites with up to two shared links at any moment of a campaign."""
    names = "ABCD"[: draw(st.integers(1, 4))]
    wans = ["wan", "ring"][: draw(st.integers(0, 2))]
    sites = {
        name: a_site(
            name,
            f"{draw(st.integers(1, 100_000))} Mb/s",
            campaign_share=f"{draw(st.sampled_from([0, 10, 80, 100]))} %",
            shared_links=sorted(draw(st.sets(st.sampled_from(wans)))) if wans else [],
            admit_factor=draw(st.sampled_from([1.0, 1.25, 4.0])),
        )
        for name in names
    }
    seen = {
        name: SiteSeen(
            running=draw(COUNTS),
            starts=draw(st.integers(0, 100)),
            ready=draw(COUNTS),
            most=draw(st.one_of(st.just(math.inf), COUNTS.map(float))),
            ready_mbps=draw(st.one_of(st.just(math.inf), st.floats(0.0, 1000.0))),
        )
        for name in names
    }
    rates = {name: JobRate(draw(st.floats(0.1, 2000.0)), "measured") for name in names}
    links = shared({wan: f"{draw(st.integers(1, 100_000))} Mb/s" for wan in wans})
    others = draw(st.dictionaries(st.sampled_from([*names, *wans]), st.floats(0.0, 1e5)))
    return Moment(sites, links, rates, seen, others)


def budgets(moment: Moment) -> dict[str, tuple[float, list[str]]]:
    """Return the budget and the sites of every link."""
    found = {name: (site.budget_mbps, [name]) for name, site in moment.sites.items()}
    for link, one in moment.links.shared_links.items():
        found[link] = (one.budget_mbps, [name for name, site in moment.sites.items() if link in site.shared_links])
    return found


@given(moments())
def test_shares_of_all_jobs_fit_into_every_link(moment: Moment) -> None:
    """Whatever runs, whatever the rates, beside others: planned jobs at their shares stay inside each budget.

    Others are left the part of it that they are admitted with, against what our jobs want.
    """
    made = moment.decide()
    for link, (budget, users) in budgets(moment).items():
        ours = sum(made[name].planned * moment.rates[name].mbps for name in users)
        part = ours / (ours + moment.others.get(link, 0.0)) if ours else 1.0
        sent = sum(made[name].planned * made[name].share_mbps for name in users)
        assert sent <= budget * FULL * part * (1 + 1e-9) + 1e-9


@given(moments())
def test_room_is_for_jobs_that_shares_were_made_for(moment: Moment) -> None:
    """More jobs than run may run only if the shares for them are in force long enough, and the ramp lets them."""
    for name, made in moment.decide().items():
        seen = moment.seen[name]
        assert made.planned >= seen.running
        assert made.room <= made.planned <= max(seen.running, seen.running + seen.starts)
        assert made.room <= max(seen.ready, seen.running)
        assert made.room <= made.admitted <= seen.most


@given(moments())
def test_a_larger_share_waits_for_smaller_ones_elsewhere(moment: Moment) -> None:
    """A share is never larger than any that was aimed at while other sites' jobs may still use their old ones."""
    for name, made in moment.decide().items():
        assert made.share_mbps == min(made.target_mbps, moment.seen[name].ready_mbps)


@given(moments())
def test_no_share_can_grow_but_at_the_cost_of_one_that_is_no_better_off(moment: Moment) -> None:
    """Each job goes through a link that is all given out, and where nobody has a larger part of what it wants."""
    made, links = moment.decide(), budgets(moment)
    part = {name: one.target_mbps / moment.rates[name].mbps for name, one in made.items() if one.planned}
    for name in part:
        full_and_fair = False
        for link in (name, *moment.sites[name].shared_links):
            budget, names = links[link]
            users = [user for user in names if made[user].planned]
            ours = sum(made[user].planned * moment.rates[user].mbps for user in users)
            given_out = sum(made[user].planned * made[user].target_mbps for user in users)
            whole = budget * FULL * ours / (ours + moment.others.get(link, 0.0))
            fair = all(part[user] <= part[name] * (1 + 1e-9) for user in users)
            full_and_fair |= fair and given_out >= whole * (1 - 1e-9)
        assert full_and_fair


def seen(running: int, starts: int = 0, ready: int = 0, most: float = math.inf) -> SiteSeen:
    """Return a site at a moment."""
    return SiteSeen(running, starts, ready, most)


def one_site(looked: SiteSeen, campaign_share: str = "80 %") -> Decision:
    """Decide for one site of 10 Gb/s, 8 Gb/s of it ours, and jobs of 40 Mb/s."""
    return decide(
        {"FNAL": a_site(campaign_share=campaign_share)},
        shared(),
        {"FNAL": JobRate(40.0, "measured")},
        {"FNAL": looked},
        {},
    )["FNAL"]


def test_a_start_is_prepared_before_it_is_allowed() -> None:
    """First the shares make room, at the old number of jobs; once they are in force the jobs may come."""
    first = one_site(seen(100, starts=10, ready=100))
    assert (first.planned, first.room) == (110, 100)
    assert first.share_mbps == pytest.approx(8000 / 110 * FULL)
    then = one_site(seen(100, starts=10, ready=110))
    assert (then.planned, then.room) == (110, 110)


def test_more_jobs_than_the_mean_demand_allows() -> None:
    """Of 40 Mb/s jobs 200 would fill 8 Gb/s, 250 are admitted, and their shares add up to the budget."""
    made = one_site(seen(250, starts=10, ready=250))
    assert (made.admitted, made.room, made.planned, made.binds, made.link_binds) == (250, 250, 250, "the link", True)
    assert made.share_mbps * 250 == pytest.approx(8000 * FULL)


def test_a_lower_budget_kills_nothing_and_slows_all_down() -> None:
    """With half of the budget twice too many jobs go on, at shares that fit, and none may be added."""
    made = one_site(seen(250, starts=10, ready=250), campaign_share="40 %")
    assert (made.admitted, made.room, made.planned) == (125, 125, 250)
    assert made.share_mbps * 250 == pytest.approx(4000 * FULL)


def test_a_closed_site_sends_nothing() -> None:
    """0 % is nothing for running jobs too, and room for none."""
    made = one_site(seen(5, starts=5, ready=5), campaign_share="0 %")
    assert (made.admitted, made.room, made.share_mbps) == (0, 0, 0.0)


def test_where_slots_bind_no_link_does() -> None:
    """The loop must know that no correction of Mb/s brings more jobs."""
    made = one_site(seen(50, starts=10, ready=60, most=50))
    assert (made.admitted, made.binds, made.link_binds) == (50, "slots", False)


def test_a_site_that_its_own_link_slows_down_leaves_the_shared_one_to_others() -> None:
    """What one site cannot use of a shared link because its own is narrow is given to the other."""
    sites = {
        "narrow": a_site("narrow", "1 Gb/s", campaign_share="100 %", shared_links="wan"),
        "wide": a_site("wide", "100 Gb/s", shared_links="wan"),
    }
    looked = {name: seen(100, ready=100) for name in sites}
    rates = {name: JobRate(50.0, "measured") for name in sites}
    made = decide(sites, shared({"wan": "6 Gb/s"}), rates, looked, {})
    assert made["narrow"].share_mbps == pytest.approx(10 * FULL)
    assert made["wide"].share_mbps == pytest.approx(50 * FULL)


def test_other_campaigns_keep_their_part() -> None:
    """Two campaigns that want the same of a link get half each, in jobs and in shares."""
    made = decide(
        {"FNAL": a_site(admit_factor=1)},
        shared(),
        {"FNAL": JobRate(40.0, "measured")},
        {"FNAL": seen(100, ready=100)},
        {"FNAL": 4000.0},
    )["FNAL"]
    assert made.admitted == 100
    assert made.share_mbps * 100 == pytest.approx(4000 * FULL)
