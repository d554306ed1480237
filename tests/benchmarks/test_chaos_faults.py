"""Faults as planned: seeded, of every kind, and each with somebody who puts it right."""

from __future__ import annotations

from measure.chaos.faults import FAULTS, fault_named, plan_faults


def test_a_seed_gives_the_same_faults_again() -> None:
    """Whoever repeats a seed gets its faults at its moments; another seed gives others."""
    assert plan_faults(7, 2.0) == plan_faults(7, 2.0)
    assert plan_faults(7, 2.0) != plan_faults(8, 2.0)


def test_faults_come_in_order_and_within_the_time() -> None:
    """Moments grow, and none is after the end."""
    moments = [one.at_s for one in plan_faults(3, 1.5)]
    assert moments == sorted(moments)
    assert 0 <= moments[0] <= moments[-1] <= 90


def test_twenty_short_seeds_leave_no_fault_out() -> None:
    """Every kind is planned at least twice in twenty seeds of a minute."""
    planned = [one.fault for seed in range(1, 21) for one in plan_faults(seed, 1.0)]
    assert min(planned.count(fault.name) for fault in FAULTS) >= 2


def test_what_is_planned_can_be_chosen() -> None:
    """With `only`, nothing else comes."""
    assert {one.fault for one in plan_faults(1, 3.0, only=("schedd", "payload"))} == {"schedd", "payload"}
    assert fault_named("schedd").what == "condor_schedd"
