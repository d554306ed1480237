"""The share of a job: from its ad, then from the campaign's file, and never without bounds inside HTCondor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from jobs.block import SiteAccess
from jobs.payload.chirp import Chirp, find_chirp
from jobs.payload.share import FAILURES_TO_FLOOR, FLOOR_MBPS, first_pacer, follow_share
from jobs.payload.worker import Worker
from jobs.shares import shares_text
from sonic.pace import Pacer
from tests.builders.starter import Starter, a_file

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
    """Whatever the campaign's file says now for the site must be the pacer's rate soon."""
    said = [shares_text({"the-site": 34.5, "other": 1.0})]
    pacer = Pacer(1.0)
    with (
        Starter(tmp_path, lambda command: a_file(said[0])) as starter,
        follow_share(pacer, chirp_of(starter), "the-site", "/shares.json", every_s=0.01),
    ):
        for share_mbps in (34.5, 0.0, 120.0):
            said[0] = shares_text({"the-site": share_mbps, "other": 1.0})
            wait_for(lambda share=share_mbps: pacer.rate_mbps == share)  # type: ignore[misc] # mypy cannot infer it
    assert set(starter.commands) == {"getfile /shares.json"}


@pytest.mark.parametrize(
    "said",
    [
        shares_text({"elsewhere": 5.0}),
        b"{",
        b"",
        b'{"version":1,"mbps":{"here":-1}}',
        b'{"version":2,"mbps":{"here":5}}',
        None,
    ],
    ids=["other sites", "cut short", "empty", "negative", "another version", "refused"],
)
def test_what_cannot_be_read_means_the_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: bytes | None
) -> None:
    """Others may count on a smaller share by now, so a job must not go on with the last one; the log says it once."""
    pacer = Pacer(7.0)
    with (
        Starter(tmp_path, lambda command: b"-3\n" if said is None else a_file(said)) as starter,
        follow_share(pacer, chirp_of(starter), "here", "/shares.json", every_s=0.01) as thread,
    ):
        wait_for(lambda: thread.failures >= FAILURES_TO_FLOOR)
        wait_for(lambda: pacer.rate_mbps == FLOOR_MBPS)
    assert capsys.readouterr().err.count("warning: share of the link") == 1


def test_the_floor_is_left_again(tmp_path: Path) -> None:
    """Once the file can be read the job goes on at its share."""
    answers = [b"-3\n"]
    pacer = Pacer(7.0)
    with (
        Starter(tmp_path, lambda command: answers[0]) as starter,
        follow_share(pacer, chirp_of(starter), "here", "/shares.json", every_s=0.01),
    ):
        wait_for(lambda: pacer.rate_mbps == FLOOR_MBPS)
        answers[0] = a_file(shares_text({"here": 7.0}))
        wait_for(lambda: pacer.rate_mbps == 7.0)
