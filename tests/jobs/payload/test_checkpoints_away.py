"""Where no files are shared, a job leaves to have its checkpoint brought home."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.exits import ExitClass
from jobs.payload.attempt import Attempt
from jobs.payload.places import sandbox_places
from jobs.payload.stop import StopSwitch
from jobs.record import read_record
from tests.builders.checkpoints import HITS, WORKER, CountingPool, content_of

if TYPE_CHECKING:
    from jobs.payload.write_record import Ending
    from tests.builders.payload import PayloadCampaign


@pytest.fixture
def sandbox(long: PayloadCampaign, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run where HTCondor would: in a folder of the job's own, with its input and a folder for what comes home."""
    folder = long.root / "sandbox"
    (folder / "returned").mkdir(parents=True)
    monkeypatch.chdir(folder)
    shutil.copy(long.block.jobs[0].input_file, folder)
    return folder


def test_without_shared_files_a_job_leaves_to_have_its_checkpoint_saved(
    long: PayloadCampaign, pool: CountingPool, undisturbed: tuple[list[Any], ...], sandbox: Path
) -> None:
    """HTCondor starts it again, which is no new attempt: one record, whose numbers are those of all its processes."""
    block, job = long.block, long.block.jobs[0]
    endings = []
    for _ in range(4):
        places = sandbox_places(block, job, WORKER, Path("returned"), leaves_to_save=True)
        endings.append(Attempt(block, job, WORKER, StopSwitch(), places).run())
        if not endings[-1].again:
            break
    assert [one.again for one in endings] == [True, True, False]
    assert pool.views_asked == 5
    names = sorted(path.name for path in (sandbox / "returned").iterdir())
    assert names == ["0000003.12.0.json", "0000003.12.0.root"]
    assert content_of(sandbox / "returned" / "0000003.12.0.root") == undisturbed
    made = read_record(sandbox / "returned" / "0000003.12.0.json")
    assert (made.events, made.events_resumed, made.hits) == (6, 0, sum(HITS))
    assert made.requests == sum(made.latency_counts) >= 5
    assert made.bytes_sent > 70 * 9216
    assert made.started < made.ended


def test_a_failure_far_away_first_brings_home_what_there_is(
    long: PayloadCampaign, pool: CountingPool, sandbox: Path
) -> None:
    """A job that is held while the pool is away must lose nothing: it leaves for that, and fails next time."""
    block, job = long.block, long.block.jobs[0]
    pool.trouble_after = 1

    def start() -> Ending:
        places = sandbox_places(block, job, WORKER, Path("returned"), leaves_to_save=True)
        return Attempt(block, job, WORKER, StopSwitch(), places).run()

    assert start().again
    assert [path.name for path in (sandbox / "returned").iterdir()] == ["0000003.0-1.checkpoint"]
    ending = start()
    assert (ending.again, ending.exit_class) == (False, ExitClass.POOL_AWAY)
    assert read_record(sandbox / "returned" / "0000003.12.0.json").events_kept == 1
