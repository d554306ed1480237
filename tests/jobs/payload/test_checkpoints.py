"""What an attempt keeps, the next one takes over, and scores the rest."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from jobs.exits import ExitClass
from jobs.payload.errors import OutputRefused
from jobs.payload.output import ScoresFile
from sonic.errors import RequestRefused
from tests.builders.checkpoints import HITS, CountingPool, content_of, kept_by, record_of, run_attempt

if TYPE_CHECKING:
    from tests.builders.payload import PayloadCampaign


def test_a_job_goes_on_where_the_last_attempt_was(
    long: PayloadCampaign, pool: CountingPool, undisturbed: tuple[list[Any], ...]
) -> None:
    """Only what was not kept is scored again; the output holds the same; the records say who did what."""
    pool.trouble_after = 3  # entries 0, 1 and 3; entry 2 has no hits
    assert run_attempt(long, 0).exit_class is ExitClass.POOL_AWAY
    assert kept_by(long) == ["0000003.0-2.checkpoint", "0000003.2-4.checkpoint"]
    assert (record_of(long, 0).events, record_of(long, 0).events_kept) == (0, 4)
    pool.trouble_after = None
    assert run_attempt(long, 1).exit_class is ExitClass.DONE
    assert pool.views_asked == 5
    assert content_of(long.output) == undisturbed
    last = record_of(long, 1)
    assert (last.events, last.events_resumed, last.events_kept) == (6, 4, 0)
    assert (last.hits, last.hits_resumed) == (sum(HITS), 62)
    assert last.bytes_sent < 20 * 9216
    assert kept_by(long) == []


def test_what_was_scored_since_the_last_checkpoint_is_kept_when_the_attempt_fails(
    long: PayloadCampaign, pool: CountingPool
) -> None:
    """An odd event too, if trying again can help; one that cannot be helped leaves nothing new."""
    pool.trouble_after = 1
    assert run_attempt(long, 0).exit_class is ExitClass.POOL_AWAY
    assert kept_by(long) == ["0000003.0-1.checkpoint"]
    pool.error, pool.trouble_after = RequestRefused("no"), 2
    assert run_attempt(long, 1).exit_class is ExitClass.POOL_REFUSED
    assert kept_by(long) == ["0000003.0-1.checkpoint", "0000003.1-3.checkpoint"]


def test_a_job_whose_every_event_is_kept_only_writes_its_output(
    long: PayloadCampaign, pool: CountingPool, undisturbed: tuple[list[Any], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full when all was scored: the next attempt asks the pool for nothing."""

    def full(*_: object) -> None:
        raise OutputRefused("no space")

    with monkeypatch.context() as patch:
        patch.setattr(ScoresFile, "finish", full)
        assert run_attempt(long, 0).exit_class is ExitClass.OUTPUT
    assert kept_by(long)[-1] == "0000003.4-6.checkpoint"
    pool.views_asked = 0
    assert run_attempt(long, 1).exit_class is ExitClass.DONE
    assert pool.views_asked == 0
    assert content_of(long.output) == undisturbed


def test_by_the_clock(long: PayloadCampaign, pool: CountingPool) -> None:
    """With an interval that every event exceeds, every event is kept; with none, and no number, nothing ever is."""
    pool.trouble_after = 2
    long.change(checkpoint_events=0, checkpoint_every_s=1e-9)
    run_attempt(long, 0)
    assert kept_by(long) == ["0000003.0-1.checkpoint", "0000003.1-2.checkpoint", "0000003.2-3.checkpoint"]
    shutil.rmtree(long.root / "checkpoints")
    pool.views_asked = 0
    long.change(checkpoint_every_s=0.0)
    run_attempt(long, 0)
    assert kept_by(long) == []


def test_a_disk_that_is_full_costs_the_checkpoint_and_not_the_job(
    long: PayloadCampaign, pool: CountingPool, capfd: pytest.CaptureFixture[str]
) -> None:
    """The job must go on, and say it."""
    del pool
    (long.root / "checkpoints").write_bytes(b"in the way of the folder")
    assert run_attempt(long, 0).exit_class is ExitClass.DONE
    assert "warning: no checkpoint could be written" in capfd.readouterr().err
    (long.root / "checkpoints").unlink()
