"""A look decides and acts in the right order, and nothing that the keeper knows dies with its process."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from jobs.errors import CampaignError, UsageError
from jobs.throttle.decide import FULL
from jobs.throttle.hand_out import SLOW_S
from jobs.throttle.in_force import put_in_force
from jobs.throttle.keeper import SETTLE_S
from jobs.throttle.state import read_state
from tests.builders.throttle import TEN

if TYPE_CHECKING:
    from tests.builders.throttle import ThrottleBench


def edit(throttle: ThrottleBench, name: str, text: str) -> None:
    """Edit a site config and put it into force."""
    throttle.site(name, text)
    folder = throttle.bench.folder
    put_in_force(folder, throttle.sites_folder, throttle.bench.made.campaign.sites, "spec.yaml")


@pytest.mark.parametrize("admission", ["negotiator", "materialize"])
def test_a_site_fills_to_its_budget_and_no_further(throttle: ThrottleBench, admission: str) -> None:
    """Ten jobs fit, ten run, in both ways of admission, whenever a slot takes a waiting job."""
    throttle.site("a", TEN + f"admission: {admission}\n")
    throttle.plan()
    most = 0
    for _ in range(30):
        throttle.looks(2, "a")
        most = max(most, len(throttle.queue.running("a")))
    assert most == len(throttle.queue.running("a")) == 10


@pytest.mark.parametrize("admission", ["negotiator", "materialize"])
def test_smaller_shares_are_told_before_more_may_start(throttle: ThrottleBench, admission: str) -> None:
    """In one look jobs are told first; and room grows only when they have had time to read it."""
    throttle.site("a", TEN.replace("6000/min", "12/min") + f"admission: {admission}\n")
    throttle.plan()
    rooms: list[tuple[float, int]] = []
    both = 0
    planned: list[tuple[float, int]] = []
    for _ in range(60):
        del throttle.calls[:]
        state = throttle.looks(2, "a").sites["a"]
        rooms.append((throttle.clock.now, state.room))
        planned.append((throttle.clock.now, state.planned))
        told = [n for n, call in enumerate(throttle.calls) if "SonicGridShare" in call]
        limits = [n for n, call in enumerate(throttle.calls) if call.startswith("limit") or "Limit" in call]
        assert not told or not limits or max(told) < min(limits)
        both += bool(told and limits)
    assert rooms[-1][1] == 10
    assert both
    for at, room in rooms[1:]:
        known = [jobs for when, jobs in planned if when <= at - SETTLE_S + 0.01]
        assert room <= max(known, default=planned[0][1])


def test_shares_never_add_up_to_more_than_the_budget(throttle: ThrottleBench) -> None:
    """What every running job was told last, at any moment of a campaign's start."""
    throttle.site("a", TEN.replace("6000/min", "60/min") + "admission: materialize\n")
    throttle.plan()
    for _ in range(40):
        throttle.looks(2, "a")
        running = [job for job in throttle.queue.present.values() if not job.idle]
        assert sum(throttle.queue.share_mbps(job.cluster, "a") for job in running) <= 100.0


@pytest.mark.parametrize("admission", ["negotiator", "materialize"])
def test_a_lowered_budget_counts_at_once_and_kills_nothing(throttle: ThrottleBench, admission: str) -> None:
    """Shares and limits go down in the very next look, running jobs go on, and none starts until there is room."""
    throttle.site("a", TEN + f"admission: {admission}\n")
    throttle.plan()
    throttle.looks(60, "a")
    running = throttle.queue.running("a")
    edit(throttle, "a", TEN.replace("100 Mb/s", "30 Mb/s") + f"admission: {admission}\n")
    state = throttle.look().sites["a"]
    assert (state.budget_mbps, state.room, state.planned) == (30.0, 3, 10)
    assert throttle.queue.running("a") == running
    assert throttle.queue.share_mbps(1, "a") == pytest.approx(3.0 * FULL)
    throttle.looks(30, "a")
    assert throttle.queue.running("a") == running
    throttle.queue.end(running[:9])
    throttle.looks(60, "a")
    assert len(throttle.queue.running("a")) == 3


@pytest.mark.parametrize("admission", ["negotiator", "materialize"])
def test_a_raised_budget_lets_more_start(throttle: ThrottleBench, admission: str) -> None:
    """Within 30 s of the edit."""
    throttle.site("a", TEN.replace("100 Mb/s", "30 Mb/s") + f"admission: {admission}\n")
    throttle.plan()
    throttle.looks(60, "a")
    assert len(throttle.queue.running("a")) == 3
    edit(throttle, "a", TEN + f"admission: {admission}\n")
    throttle.looks(30, "a")
    assert len(throttle.queue.running("a")) == 10


def test_a_closed_site_runs_nothing_and_gives_back_what_waits(throttle: ThrottleBench) -> None:
    """What runs there ends by itself; every job that had not started runs at the other site, once."""
    throttle.site("a", TEN + "admission: materialize\n")
    throttle.site("b", TEN + "admission: materialize\n")
    throttle.plan(60)
    throttle.looks(20, "a")
    before = throttle.queue.running("a")
    edit(throttle, "b", TEN.replace("100 %", "0 %") + "admission: materialize\n")
    throttle.looks(30, "a", "b")
    assert throttle.queue.running("b") == []
    assert throttle.queue.running("a") == before
    waiting = [job for job in throttle.queue.jobs(idle=True) if job.idle]
    in_b = [one for one in throttle.queue.clusters() if one.sites == ("b",) and (one.coming or one.idle)]
    assert (waiting, in_b) == ([], [])


def run_to_the_end(throttle: ThrottleBench, ends: dict[str, int], most_s: float = 3000) -> Counter[int]:
    """Run the campaign; after each look so many jobs end at each site. Returns how often each job started."""
    started: Counter[int] = Counter()
    until = throttle.clock.now + most_s
    while throttle.clock.now < until:
        state = throttle.look()
        for site in ends:
            free = throttle.free_at(site, state)
            started.update(throttle.queue.start(site, free))
        for site, number in ends.items():
            for job in throttle.queue.running(site)[:number]:
                one = next(found for found in throttle.queue.present.values() if found.job == job)
                log = throttle.log(throttle.bench.jobs[job].block)
                log.submitted(one.cluster, one.proc, job)
                log.executing(one.cluster, one.proc)
                log.terminated(one.cluster, one.proc, 0)
                throttle.queue.end([job])
        if len(started) == len(throttle.bench.jobs) and not throttle.queue.present:
            break
    return started


@pytest.mark.parametrize("ways", [("materialize", "materialize"), ("negotiator", "materialize")])
def test_a_fast_site_takes_over_and_every_job_runs_once(throttle: ThrottleBench, ways: tuple[str, str]) -> None:
    """Two sites, three blocks, one site a crawl: all jobs end, none runs twice, and the fast one ran most."""
    throttle.site("fast", TEN + f"admission: {ways[0]}\n")
    throttle.site("slow", TEN + f"admission: {ways[1]}\n")
    throttle.plan(60)
    where: Counter[str] = Counter()
    throttle.look()
    started = run_to_the_end(throttle, {"fast": 3, "slow": 0}, most_s=400)
    where.update(job.site for job in throttle.queue.present.values())
    assert set(started.values()) == {1}
    assert where["slow"] <= 10
    assert len(started) == 60


def test_no_job_goes_to_and_fro_at_the_end(throttle: ThrottleBench) -> None:
    """Two sites with room for the last job, and no slot: it may move once to the other, and then it waits there."""
    for name in ("a", "b"):
        throttle.site(name, TEN.replace("100 Mb/s", "10 Mb/s") + "admission: materialize\n")
    throttle.plan(1)
    throttle.looks(SLOW_S - 10)
    assert len(throttle.queue.descriptions) <= 2
    throttle.looks(10 * SLOW_S)
    assert len(throttle.queue.descriptions) <= 2 + 11


def test_limits_that_the_negotiator_forgot_are_set_again(throttle: ThrottleBench) -> None:
    """One that restarts has none; the next look sees that, and sets nothing that is in force."""
    throttle.site("a", TEN)
    throttle.plan()
    throttle.looks(60, "a")
    limit = throttle.negotiator.in_force["net.a"]
    del throttle.calls[:]
    throttle.look()
    assert not [call for call in throttle.calls if call.startswith("limit")]
    throttle.negotiator.in_force.clear()
    throttle.look()
    assert throttle.negotiator.in_force["net.a"] == pytest.approx(limit)


def test_auto_falls_back_and_a_demand_is_told(throttle: ThrottleBench) -> None:
    """`auto` takes what the pool gives; a site that wants the negotiator gets one error before anything runs."""
    throttle.negotiator.no = "the negotiator does not let us set limits"
    throttle.site("a", TEN)
    throttle.plan()
    assert throttle.look().sites["a"].admission == "materialize"
    throttle.restart()
    throttle.queue.lose(1)
    edit(throttle, "a", TEN + "admission: negotiator\n")
    with pytest.raises(UsageError, match="site a has admission: negotiator"):
        throttle.look()


def test_other_campaigns_have_their_part(throttle: ThrottleBench) -> None:
    """What another campaign's clusters say that they may grow to is not given away twice."""
    throttle.site("a", TEN + "admission: materialize\n")
    throttle.plan()
    throttle.look()
    theirs = throttle.queue.descriptions[1].replace(str(throttle.bench.folder.root), "/results/theirs")
    number = throttle.queue.submit(theirs)
    throttle.queue.edit(number, {"SonicGridPlanned_a": "40.00", "JobMaterializePaused": "1"})
    throttle.looks(60, "a")
    mine = [job for job in throttle.queue.jobs(throttle.bench.folder, idle=False) if not job.idle]
    assert len(mine) <= 6


def test_a_problem_is_written_down_and_goes_away(throttle: ThrottleBench) -> None:
    """Who asks for the status reads why nothing moves."""
    throttle.site("a", TEN)
    folder = throttle.plan().folder
    throttle.look()
    assert throttle._keeper is not None
    throttle._keeper.note_problem("no schedd answers")
    state = read_state(folder)
    assert state is not None
    assert (state.problem, set(state.sites)) == ("no schedd answers", {"a"})
    assert throttle.look().problem == ""


def test_configs_that_are_gone_are_told(throttle: ThrottleBench) -> None:
    """With the command that brings them back."""
    throttle.site("a", TEN)
    folder = throttle.plan().folder
    throttle.look()
    folder.sites.unlink()
    with pytest.raises(CampaignError, match="sonicgrid sites apply"):
        throttle.look()
