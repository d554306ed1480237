"""The simulated campaign: the jobs are the paper's, the throttle is the real one, and the judge can say no."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from campaign_sim import Results
from measure.errors import BenchmarkFailed
from measure.machine import describe_machine
from measure.sim import keeper
from measure.sim.campaign import EDIT_S, Case, Trace, simulate
from measure.sim.draw import draw_knee, draw_links
from measure.sim.fleet import PACED
from measure.sim.gpu import EVENT_PATCHES, T4
from measure.sim.grid import Change, Grid, paper_grid, small_grid
from measure.sim.judge import RAMP_S, judge, keeps_the_promise, limits_at
from measure.sim.knee import SETUPS, Curve, Setup, find_knee, time_per_event

from jobs.throttle.decide import SiteSeen
from sonic.limits import Limits
from sonic.network import PATCH_BYTES
from sonic.pace import Pacer, wire_bytes

HOURS, SEED = 0.75, 3


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture(scope="module")
def ours() -> Trace:
    """Return a short campaign of some hundred slots under the throttle."""
    return simulate(small_grid(), "ours", HOURS, SEED)


def test_ours_keeps_every_second_inside_the_budget_and_uses_it(ours: Trace) -> None:
    """Also on the link that two sites share, and while the numbers of the jobs are not known yet."""
    uses = {use.link: use for use in judge(ours, small_grid())}
    assert all(use.seconds_above == 0 and use.worst <= 1 for use in uses.values())
    assert {name for name, use in uses.items() if use.binds} == {"near", "ring"}
    assert all(use.used > 0.85 for use in uses.values() if use.binds)


@pytest.mark.parametrize("case", ["no throttle", "fixed jobs"])
def test_without_the_throttle_the_links_are_exceeded(case: Case) -> None:
    """Else the grid would show nothing."""
    uses = judge(simulate(small_grid(), case, 0.25, SEED), small_grid())
    exceeded = {use.link for use in uses if use.seconds_above}
    assert {"near", "ring"} <= exceeded
    assert not keeps_the_promise(uses)


def test_the_same_seed_gives_the_same_campaign(ours: Trace) -> None:
    """A result can be looked at again."""
    again = simulate(small_grid(), "ours", 0.1, SEED)
    assert np.array_equal(again.mbps, ours.mbps[:, : again.seconds])
    assert not np.array_equal(again.mbps, simulate(small_grid(), "ours", 0.1, SEED + 1).mbps)


def test_a_lowered_budget_is_kept_within_its_time(ours: Trace) -> None:
    """From `EDIT_S` after the edit on no second is above the new budget, with all the jobs still running."""
    grid = replace(small_grid(), changes=(Change(0.5, "near", "budget", 0.5),))
    trace = simulate(grid, "ours", 0.5, SEED)
    (use, *_) = judge(trace, grid)
    edited = trace.seconds // 2
    assert trace.budget_mbps[0, edited] == trace.budget_mbps[0, 0] / 2
    assert use.seconds_above == 0
    assert trace.worst_mbps[0, edited - 1] > trace.budget_mbps[0, edited]
    assert trace.running[0, edited + EDIT_S] == pytest.approx(trace.running[0, edited], abs=2)


def test_a_site_that_comes_back_waits_until_the_others_have_made_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs may take their part of a shared link only once those of the other site have read their smaller shares.

    The simulation must see it if they do not wait, or it would prove nothing about the order.
    """
    changes = (Change(0.5, "left", "budget", 0.05), Change(0.75, "left", "budget", 1.0))
    grid = replace(small_grid(), changes=changes)

    def seconds_above() -> int:
        uses = {use.link: use.seconds_above for use in judge(simulate(grid, "ours", 0.5, SEED), grid)}
        return uses["ring"]

    assert seconds_above() == 0
    monkeypatch.setattr(keeper, "SiteSeen", lambda **seen: SiteSeen(**{**seen, "ready_mbps": math.inf}))
    assert seconds_above() > 0


def test_the_judge_sees_one_second_above(ours: Trace) -> None:
    """A single second of one link is enough."""
    worst = ours.worst_mbps.copy()
    worst[0, 100] = ours.budget_mbps[0, 100] * 1.001
    uses = judge(replace(ours, worst_mbps=worst), small_grid())
    assert (uses[0].seconds_above, keeps_the_promise(uses)) == (1, False)


def test_the_judge_sees_a_link_that_is_left_idle(ours: Trace) -> None:
    """Little use of a link that binds breaks the promise; before the ramp is over it does not count."""
    idle = ours.mbps.copy()
    idle[0, RAMP_S:] *= 0.5
    full = ours.mbps.copy()
    full[:, RAMP_S:] = ours.budget_mbps[:, RAMP_S:]
    full[:, :RAMP_S] = 0
    assert not keeps_the_promise(judge(replace(ours, mbps=idle), small_grid()))
    assert keeps_the_promise(judge(replace(ours, mbps=full), small_grid()))


def test_what_binds_is_known_without_the_jobs_reports() -> None:
    """By the true Mb/s of the sites' CPUs, before and after a change."""
    grid = paper_grid()
    before, after = limits_at(grid, 0.0), limits_at(grid, 0.6)
    assert (before["fermilab"], before["nersc"], before["ral"]) == ("the link", "slots", "shared link transatlantic")
    assert (before["boston"], after["boston"]) == ("the link", "the link")
    assert after["lyon"] == "slots"


def test_the_grid_is_the_papers() -> None:
    """5,000 slots on ten sites with 10, 40 and 100 Gb/s, and 100 GPUs."""
    grid = paper_grid()
    assert sum(farm.slots for farm in grid.farms.values()) == 5000
    assert sorted({site.uplink_mbps for site in grid.sites.values()}) == [10_000, 40_000, 100_000]
    assert (len(grid.sites), grid.links.gpu_pools["cloud"].gpus) == (10, 100)


def test_a_simulated_client_uses_as_much_of_its_share_as_a_real_one() -> None:
    """The pacer with the client's requests, on a clock of its own, at shares of a campaign."""
    for share_mbps in (20.0, 44.0, 88.0, 170.0):
        clock = Clock()
        pacer = Pacer(share_mbps, clock=clock)
        most = int(pacer.payload_bytes_in(Limits().paced_request_s) // PATCH_BYTES)
        size, sent = pacer.units_in_request(PATCH_BYTES, 256, most) * PATCH_BYTES + 256, 0
        while clock.now < 60:
            wait_s = pacer.wait_s(size)
            clock.now += wait_s
            if not wait_s:
                pacer.sent(size)
                sent += wire_bytes(size)
        assert PACED - 0.01 <= sent * 8 / 1e6 / clock.now / share_mbps <= 1


def test_the_gpu_is_right_at_both_of_the_authors_points() -> None:
    """2.75 s for an event request by request, 1.77 s merged."""
    assert EVENT_PATCHES / T4.patches_per_s(235) == pytest.approx(2.75)
    assert EVENT_PATCHES / T4.patches_per_s(1720) == pytest.approx(1.77)


def test_one_client_takes_as_long_as_the_authors_say() -> None:
    """122.9 s unloaded, requests one after the other: 115.5 s of CPU, 2.05 and 2.6 s of network, 2.75 s of GPU."""
    alone = np.mean([time_per_event(1, SETUPS[2], seed) for seed in range(20)])
    assert alone == pytest.approx(122.9, rel=0.03)


@pytest.mark.parametrize(("batching", "least_s", "most_s"), [(False, 2.6, 2.9), (True, 1.5, 1.9)])
def test_busy_gpus_set_the_pace(batching: bool, least_s: float, most_s: float) -> None:
    """With far more clients than a GPU serves an event takes them all in turn, and batching makes the turn shorter."""
    setup = Setup("crowd", 1, batching=batching, request_patches=235, authors=0, measured=((150, 0.0),))
    per_client = time_per_event(150, setup, 1) / 150
    assert least_s < per_client < most_s


def test_the_knee_is_found_where_flat_and_rise_cross() -> None:
    """Also where the bend is round; a curve without a rise is an error and no number."""
    clients = np.linspace(1, 144, 12)
    seconds = 120 + 1.7 * np.logaddexp(0, (clients - 68) / 4) * 4
    knee = find_knee(clients.tolist(), seconds.tolist())
    assert (knee.clients, knee.flat_s, knee.slope_s) == pytest.approx((68, 120, 1.7), rel=0.01)
    with pytest.raises(BenchmarkFailed, match="no rise"):
        find_knee(clients.tolist(), [120.0] * 12)


def test_verdicts_say_what_was_not_met(ours: Trace) -> None:
    """Each aim fails by itself: here the positive control, which is a campaign that kept to its budgets."""
    grid = small_grid()
    traces = tuple(replace(ours, case=case) for case in ("no throttle", "fixed jobs", "ours"))
    uses = tuple(judge(trace, grid) for trace in traces)
    results = Results(describe_machine(), SEED, HOURS, traces, uses, (_curve(1.2), _curve(1.1)))
    verdicts = results.verdicts()
    assert verdicts["ours: no second of any link above its budget"]
    assert not verdicts["no throttle: every link that binds is exceeded"]
    assert not verdicts["fixed jobs: every link that binds is exceeded"]


def test_plots_are_drawn(ours: Trace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both files appear, with something in them."""
    folder = tmp_path_factory.mktemp("plots")
    draw_links([ours], folder / "links.png")
    draw_knee([_curve(1.0)], folder / "knee.png")
    assert all((folder / name).stat().st_size > 10_000 for name in ("links.png", "knee.png"))


def _curve(ratio: float) -> Curve:
    clients = np.linspace(1, 144, 12)
    seconds = 120 + 1.7 * np.maximum(0, clients - ratio * SETUPS[0].authors)
    knee = find_knee(clients.tolist(), seconds.tolist())
    return Curve(SETUPS[0], tuple(clients.tolist()), tuple(seconds.tolist()), knee)


def test_grids_are_their_own(ours: Trace) -> None:
    """A campaign edits the budgets of its own copy: the next one starts with those of the config."""
    grid: Grid = replace(small_grid(), changes=(Change(0.1, "near", "budget", 0.5),))
    simulate(grid, "ours", 0.05, SEED)
    assert grid.sites["near"].budget_mbps == small_grid().sites["near"].budget_mbps
    assert ours.budget_mbps[0, 0] == grid.sites["near"].budget_mbps
