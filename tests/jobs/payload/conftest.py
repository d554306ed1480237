"""Blocks and their inputs, fresh for every test of the payload."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from jobs.exits import ExitClass
from tests.builders.checkpoints import CountingPool, content_of, kept_by, long_job, run_attempt
from tests.builders.payload import PayloadCampaign, a_campaign

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def campaign(tmp_path: Path) -> PayloadCampaign:
    """Return a block of one cpu job, number 3, over entries 1 to 3 of a file of four events."""
    return a_campaign(tmp_path)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> CountingPool:
    """A pool for the jobs of a test."""
    return CountingPool(monkeypatch)


@pytest.fixture
def long(tmp_path: Path) -> PayloadCampaign:
    """A job of six events, five of them with hits, that keeps what it has after every second one."""
    return long_job(tmp_path)


@pytest.fixture
def undisturbed(long: PayloadCampaign, pool: CountingPool) -> tuple[list[Any], list[Any], list[list[int]]]:
    """What the output of an uninterrupted run holds."""
    assert run_attempt(long, attempt=9).exit_class is ExitClass.DONE
    assert kept_by(long) == []
    done = content_of(long.output)
    long.output.unlink()
    shutil.rmtree(long.root / "records")
    pool.views_asked = 0
    return done
