"""One process at a time keeps a campaign's throttle, and a pool that is away stops nobody."""

from __future__ import annotations

import fcntl
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from jobs.errors import PoolError
from jobs.throttle import keep as module
from jobs.throttle.keep import LOOK_S, WORK_PART, Shift, keep
from jobs.throttle.state import read_state

if TYPE_CHECKING:
    from tests.builders.throttle import ThrottleBench

SITE = "uplink: 100 Mb/s\nrate_per_job: 10 Mb/s\n"


@pytest.fixture(autouse=True)
def _planned(throttle: ThrottleBench) -> None:
    throttle.site("a", SITE)
    throttle.plan(3)


def shift_of(throttle: ThrottleBench) -> Shift:
    """A shift of another process."""
    return Shift(throttle.bench.folder, throttle.sites_folder)


def test_only_one_looks(throttle: ThrottleBench) -> None:
    """A second finds the throttle taken, and takes over once the first has gone."""
    with shift_of(throttle).on() as first, shift_of(throttle).on() as second:
        assert first.look_if_due()
        assert not second.look_if_due()
        assert not second.try_to_take()
        assert len(throttle.queue.descriptions) == 1
    with shift_of(throttle).on() as third:
        assert third.look_if_due()
    assert len(throttle.queue.descriptions) == 1


def test_looks_are_seldom_and_never_fill_the_time(throttle: ThrottleBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked often, it looks every two seconds; where a look takes long, it leaves the schedd nine times that."""
    asked: list[float] = []
    clusters = throttle.queue.clusters

    def slow(*arguments: object, **more: object) -> object:
        asked.append(throttle.clock.now)
        throttle.clock.pass_s(1.0)
        return clusters(*arguments, **more)  # type: ignore[arg-type]  # handed on

    with shift_of(throttle).on() as shift:
        shift.look_if_due()
        monkeypatch.setattr(throttle.queue, "clusters", slow)
        for _ in range(300):
            throttle.clock.pass_s(0.1)
            assert shift.look_if_due()
    pauses = [after - before for before, after in pairwise(asked)]
    assert asked
    assert min(pauses) >= max(LOOK_S, 1.0 / WORK_PART)


def test_a_pool_that_is_away_is_noted_and_waited_for(throttle: ThrottleBench) -> None:
    """What was in force stays so; the file says why nothing moves, until it does."""
    with shift_of(throttle).on() as shift:
        shift.look_if_due()
        throttle.queue.away = True
        throttle.clock.pass_s(5)
        assert shift.look_if_due()
        state = read_state(throttle.bench.folder)
        assert state is not None
        assert state.problem == "no schedd answers"
        throttle.queue.away = False
        throttle.clock.pass_s(5)
        shift.look_if_due()
    state = read_state(throttle.bench.folder)
    assert state is not None
    assert state.problem == ""


def test_who_finds_no_pool_leaves_the_throttle_to_others(
    throttle: ThrottleBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that cannot look must not hold the lock: another may find the pool."""

    def away() -> None:
        raise PoolError("no pool")

    with monkeypatch.context() as patch:
        patch.setattr("jobs.throttle.keeper.open_queue", away)
        shift = shift_of(throttle)
        with shift.on():
            assert not shift.look_if_due()
            with throttle.bench.folder.throttle_lock.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(lock, fcntl.LOCK_UN)
            patch.undo()
            assert shift.try_to_take()
            assert shift.look_if_due()


def test_it_is_kept_while_the_campaign_has_a_driver(throttle: ThrottleBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that a driver starts ends after it, and looks until then."""
    ends = throttle.clock.now + 20

    def driver(_folder: object) -> object:
        return object() if throttle.clock.now < ends else None

    monkeypatch.setattr(module, "find_driver", driver)
    keep(throttle.bench.folder, throttle.sites_folder)
    assert ends <= throttle.clock.now < ends + 3
    assert len(throttle.queue.descriptions) == 1
