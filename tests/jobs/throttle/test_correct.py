"""The correction: down quickly, up slowly, not before the last step shows, and never wound up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.throttle.correct import LEAST, MOST, STEP_EVERY_S, Correction, correct

STARVED = 0.9
"""Jobs that wait nine tenths of the time."""


def step(
    before: Correction,
    pressure: float | None,
    now_s: float = 1e6,
    *,
    admit_factor: float = 1.25,
    at_limit: bool = True,
    share_use: float | None = None,
    over_limit: bool = False,
) -> Correction:
    """Look once, by default long after the last step."""
    return correct(
        before,
        pressure,
        admit_factor=admit_factor,
        at_limit=at_limit,
        now_s=now_s,
        share_use=share_use,
        over_limit=over_limit,
    )


LOOKS = st.lists(
    st.tuples(
        st.floats(1.0, 1000.0),
        st.one_of(st.none(), st.floats(0.0, 1.0)),
        st.booleans(),
        st.one_of(st.none(), st.floats(0.0, 1.2)),
        st.booleans(),
    ),
    max_size=100,
)


@given(LOOKS, st.floats(1.0, 4.0))
def test_it_stays_inside_its_bounds_and_keeps_its_dead_time(
    looks: list[tuple[float, float | None, bool, float | None, bool]], admit_factor: float
) -> None:
    """Whatever is reported: between a half and two, no two steps within the dead time, each with a reason."""
    correction, now, last = Correction(), 0.0, 0.0
    for pause_s, pressure, at_limit, share_use, over_limit in looks:
        now += pause_s
        after = step(
            correction,
            pressure,
            now,
            admit_factor=admit_factor,
            at_limit=at_limit,
            share_use=share_use,
            over_limit=over_limit,
        )
        assert LEAST <= after.factor <= MOST
        if after.factor != correction.factor:
            assert now - last >= STEP_EVERY_S
            assert after.reason
            last = now
        correction = after


@given(st.floats(1.0, 4.0))
def test_the_right_pressure_changes_nothing(admit_factor: float) -> None:
    """Jobs slowed down by exactly the factor, which use their shares, are as many as they should be."""
    before = Correction(1.1)
    assert step(before, 1 - 1 / admit_factor, admit_factor=admit_factor, share_use=0.97) == before


def test_fewer_at_once_and_more_slowly() -> None:
    """One step towards fewer jobs undoes four towards more."""
    fewer = step(Correction(), STARVED).factor
    more = step(Correction(), 0.0).factor
    assert fewer > 1 > more
    assert fewer * more**4 > 1


def test_jobs_that_nobody_holds_back_are_joined_by_more_only_where_a_link_says_no() -> None:
    """Where slots or jobs are missing, a smaller rate would bring none, and would be wrong once they come."""
    assert step(Correction(), 0.0, at_limit=True).factor < 1
    assert step(Correction(), 0.0, at_limit=False) == Correction()


def test_shares_that_lie_idle_call_for_more_jobs_but_not_for_starved_ones() -> None:
    """Jobs that start up or end leave their shares unused, however long the others wait: more, up to a bound."""
    assert step(Correction(), 0.2, share_use=0.85).factor < 1
    assert step(Correction(), 0.2, share_use=0.97) == Correction()
    assert step(Correction(), 0.45, share_use=0.85) == Correction()


def test_jobs_that_are_too_many_and_known_to_be_call_for_no_step() -> None:
    """Nothing is killed, so pressure stays until enough have ended; the dead time begins only then."""
    before = Correction()
    draining = step(before, STARVED, 1000.0, over_limit=True)
    assert draining.factor == before.factor
    assert step(draining, STARVED, 1000.0 + STEP_EVERY_S - 1).factor == before.factor
    assert step(draining, STARVED, 1000.0 + STEP_EVERY_S).factor > before.factor


def test_nothing_known_changes_nothing() -> None:
    """No report, no step."""
    assert step(Correction(1.3), None) == Correction(1.3)


@pytest.mark.parametrize("truth", [0.6, 1.0, 1.7])
@pytest.mark.parametrize("first", [LEAST, 1.0, MOST])
def test_the_loop_finds_the_number_of_jobs_and_stays(truth: float, first: float) -> None:
    """Jobs that need more or less than measured: from any start pressure and use come right, and nothing swings on."""
    admit_factor, factor_seen = 1.25, []
    correction = Correction(first)
    for look in range(2000):
        # By the measure there is room for 100 jobs in all; they take `truth` times the measure.
        jobs = 100 * admit_factor / correction.factor
        demand = jobs * truth / 100
        pressure = max(0.0, 1 - 1 / demand)
        correction = step(correction, pressure, 10.0 * look, share_use=0.97 * min(1.0, demand))
        factor_seen.append(correction.factor)
    assert len(set(factor_seen[-500:])) == 1
    demand = admit_factor * truth / correction.factor
    assert 1.0 <= demand <= 2.5


def test_a_link_that_no_number_of_jobs_fills_winds_nothing_up() -> None:
    """Jobs that wait for busy GPUs leave their shares unused and nobody is short of them: it ends at its bound.

    From there one step back is one step: no sum of errors has to be worked off.
    """
    correction = Correction()
    for look in range(1000):
        correction = step(correction, 0.0, look * STEP_EVERY_S, share_use=0.3)
    assert correction.factor == LEAST
    assert step(replace(correction, changed_at=0.0), STARVED).factor > LEAST * 1.2
