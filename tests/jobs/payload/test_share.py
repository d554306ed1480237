"""The share of a job: from its ad, read again, and never without bounds inside HTCondor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from jobs.block import SiteAccess
from jobs.payload.chirp import Chirp, find_chirp
from jobs.payload.share import FLOOR_MBPS, first_pacer, follow_share
from jobs.payload.worker import Worker
from sonic.pace import Pacer
from tests.builders.starter import Starter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACCESS = SiteAccess(endpoints=("127.0.0.1:1",), wire_format="patches")


def a_worker(cluster: int, share_mbps: float | None) -> Worker:
    """Return a worker that was told a share, or none."""
    return Worker(site="here", host="worker-1", cpu_model="", cluster=cluster, share_mbps=share_mbps)


@pytest.mark.parametrize(
    ("cluster", "share_mbps", "paced_at"),
    [(12, 34.5, 34.5), (12, 0.0, 0.0), (12, None, FLOOR_MBPS), (-1, None, None)],
    ids=["told", "closed", "told nothing", "by hand"],
)
def test_the_first_share(cluster: int, share_mbps: float | None, paced_at: float | None) -> None:
    """A job that HTCondor runs must be paced also when nobody said how; one that a person runs is free."""
    pacer = first_pacer(ACCESS, a_worker(cluster, share_mbps))
    assert (None if pacer is None else pacer.rate_mbps) == paced_at


def test_behind_a_gateway_nothing_is_paced() -> None:
    """Where something else keeps the budget, or nothing is sent, there must be no pacer."""
    assert first_pacer(ACCESS.model_copy(update={"pace": False}), a_worker(12, 34.5)) is None
    assert first_pacer(None, a_worker(12, 34.5)) is None


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def chirp_of(starter: Starter) -> Chirp:
    """Return the line to the stand-in."""
    chirp = find_chirp(str(starter.config))
    assert chirp is not None
    return chirp


def test_a_changed_share_is_followed(tmp_path: Path) -> None:
    """Whatever the job's ad says now must be the pacer's rate soon."""
    said = [b"4\n34.5"]
    pacer = Pacer(1.0)
    with (
        Starter(tmp_path, lambda command: said[0]) as starter,
        follow_share(pacer, chirp_of(starter), "the-site", every_s=0.01),
    ):
        wait_for(lambda: pacer.rate_mbps == 34.5)
        said[0] = b"1\n0"
        wait_for(lambda: pacer.rate_mbps == 0)
        said[0] = b"3\n120"
        wait_for(lambda: pacer.rate_mbps == 120)
    assert set(starter.commands) == {"get_job_attr SonicGridShare_the_site"}


@pytest.mark.parametrize("answer", [b"9\nUNDEFINED", b"3\nnan", b"2\n-1", b"3\ninf", b"-3\n", b""])
def test_nonsense_leaves_the_share_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: bytes) -> None:
    """An attribute that is gone, or no number, must neither free nor stop a job; the log says it once."""
    pacer = Pacer(7.0)
    with (
        Starter(tmp_path, lambda command: answer) as starter,
        follow_share(pacer, chirp_of(starter), "here", every_s=0.01) as thread,
    ):
        wait_for(lambda: thread.failures >= 3)
    assert pacer.rate_mbps == 7.0
    assert capsys.readouterr().err.count("warning: share of the link") == 1
