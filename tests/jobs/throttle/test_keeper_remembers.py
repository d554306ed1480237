"""What a keeper has measured and promised outlives its process, and is not taken for more than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import PoolError
from jobs.heartbeat import Heartbeat
from jobs.throttle.keeper import SETTLE_S
from tests.builders.throttle import TEN

if TYPE_CHECKING:
    from tests.builders.throttle import ThrottleBench


def test_admission_survives_a_restart(throttle: ThrottleBench) -> None:
    """Clusters in the queue were made for one way of admission, and nobody asks again."""
    throttle.site("a", TEN)
    throttle.plan()
    throttle.look()
    throttle.restart()
    throttle.negotiator.no = "the negotiator has gone for a walk"
    assert throttle.look().sites["a"].admission == "negotiator"
    assert throttle.negotiator.asked == 1


def beat(job: int, **changes: object) -> Heartbeat:
    """A heartbeat of a job that takes 8 Mb/s, and was held back half of its minute."""
    values: dict[str, object] = {
        "job": job,
        "attempt": 0,
        "site": "a",
        "flavour": "gpu",
        "window_s": 60.0,
        "events": 3,
        "hits": 1000,
        "prepared_hits": 1000,
        "bytes_sent": 30_000_000,
        "requests": 4,
        "retries": 0,
        "paced_s": 30.0,
        "latency_s": 2.0,
        "prepare_s": 29.0,
        "inference_s": 59.0,
        "write_s": 1.0,
        "share_mbps": 34.0,
        "total_events": 3,
        "total_bytes_sent": 10**7,
    }
    return Heartbeat.model_validate(values | changes)


def test_what_was_measured_survives_a_restart(throttle: ThrottleBench) -> None:
    """Tallies and corrections are in the state; reports that are in it are not counted twice."""
    throttle.site("a", TEN.replace("rate_per_job: 10 Mb/s\n", ""))
    throttle.plan()
    assert throttle.look().sites["a"].rate_origin == "pilots"
    throttle.queue.start("a", 2)
    log = throttle.log()
    for proc in (0, 1):
        log.submitted(1, proc, proc)
        log.executing(1, proc)
        log.told(1, proc, beat(proc).encode())
    before = throttle.look(after_s=3).sites["a"]
    assert before.rate_origin == "measured"
    throttle.restart()
    after = throttle.look(after_s=0).sites["a"]
    assert after.tally.window_s == pytest.approx(before.tally.window_s, rel=0.01)
    assert (after.rate_mbps, after.rate_origin, after.correction) == (before.rate_mbps, "measured", before.correction)


def test_sites_learn_from_those_of_their_wire_format(throttle: ThrottleBench) -> None:
    """What a job takes that sends patches says nothing about one that sends views, which takes 400 times less."""
    unknown = TEN.replace("rate_per_job: 10 Mb/s\n", "")
    throttle.site("a", unknown)
    throttle.site("b", unknown)
    throttle.site("c", unknown + "wire_format: views\n")
    throttle.plan()
    throttle.look()
    throttle.queue.start("a", 2)
    log = throttle.log()
    for proc in (0, 1):
        log.submitted(1, proc, proc)
        log.executing(1, proc)
        log.told(1, proc, beat(proc).encode())
    sites = throttle.look(after_s=3).sites
    assert {name: site.rate_origin for name, site in sites.items()} == {
        "a": "measured",
        "b": "elsewhere",
        "c": "pilots",
    }


def test_a_restarted_keeper_opens_nothing_at_once(throttle: ThrottleBench) -> None:
    """It does not know whether jobs have read what they were told last, and waits as if they had not."""
    throttle.site("a", TEN.replace("6000/min", "12/min") + "admission: materialize\n")
    throttle.plan()
    before = throttle.looks(30, "a").sites["a"]
    assert before.room < before.planned
    throttle.restart()
    looked = throttle.clock.now
    while throttle.clock.now < looked + SETTLE_S:
        assert throttle.look().sites["a"].room <= before.room
    assert throttle.looks(30, "a").sites["a"].room > before.room


def test_shares_that_could_not_be_told_let_nobody_in(throttle: ThrottleBench) -> None:
    """A schedd that was away heard nothing: the time for jobs to read begins when it is back."""
    throttle.site("a", TEN.replace("6000/min", "60/min") + "admission: materialize\n")
    throttle.plan()
    before = throttle.looks(6, "a").sites["a"]
    edits = throttle.queue.edit

    def refuse(cluster: int, values: object) -> None:
        raise PoolError("the schedd is busy")

    throttle.queue.edit = refuse  # type: ignore[method-assign]  # a test's
    for _ in range(20):
        with pytest.raises(PoolError):
            throttle.look()
    throttle.queue.edit = edits  # type: ignore[method-assign]  # as it was
    assert throttle.look().sites["a"].room <= before.planned
    assert throttle.looks(60, "a").sites["a"].room == 10
