"""What an attempt keeps, the next one takes over; what is damaged or of other work is scored again, with a note."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest
import uproot

from jobs.exits import ExitClass
from jobs.payload import attempt as attempt_module
from jobs.payload.attempt import Attempt
from jobs.payload.errors import OutputRefused
from jobs.payload.output import ScoresFile
from jobs.payload.places import sandbox_places
from jobs.payload.stop import StopSwitch
from jobs.payload.worker import Worker
from jobs.record import read_record
from sonic.client import Client
from sonic.errors import EndpointAway, RequestRefused, SonicError
from sonic.fake import FakeTransport
from sonic.limits import Limits
from tests.builders.payload import a_campaign, an_event, write_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.block import Block
    from jobs.payload.attempt import Ending
    from sonic.pace import Pacer
    from tests.builders.payload import PayloadCampaign

WORKER = Worker(site="here", host="worker-1", cpu_model="a cpu", cluster=12, proc=3, attempt=0)
HITS = (5, 40, 0, 17, 8, 9)


class Pool:
    """A fake inference pool that stops answering after some events, and says how many hits it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trouble_after: int | None = None
        self.error: SonicError = EndpointAway("the pool is down")
        self.views_asked = 0
        monkeypatch.setattr(attempt_module, "open_scorer", self._open)
        # Nobody tells these jobs their share, and the floor of it would make each of them wait for seconds.
        for module in ("attempt", "share"):
            monkeypatch.setattr(f"jobs.payload.{module}.FLOOR_MBPS", 1000.0)

    def _open(self, block: Block, flavour: str, worker: Worker, pacer: Pacer | None) -> Client:
        del block, flavour, worker
        pool, fake = self, FakeTransport()

        class Counting(Client):
            def score(self, views: Any) -> Any:  # noqa: ANN401 - as the client's
                if pool.trouble_after is not None and pool.views_asked >= pool.trouble_after:
                    raise pool.error
                pool.views_asked += 1
                return super().score(views)

        limits = Limits(batch_patches=16, backoff_first_s=0.01, patience_s=0.3)
        return Counting([fake.endpoint], limits=limits, pacer=pacer, open_transport=lambda endpoint: fake)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A pool for the jobs of a test."""
    return Pool(monkeypatch)


@pytest.fixture
def long(tmp_path: Path) -> PayloadCampaign:
    """A job of six events, five of them with hits, that keeps what it has after every second one."""
    campaign = a_campaign(tmp_path)
    path = write_file(tmp_path / "long.root", (an_event(number, n) for number, n in enumerate(HITS)))
    return campaign.change(checkpoint_events=2).change_job(
        input_file=str(path), entry_start=0, entry_stop=6, flavour="gpu"
    )


def run(campaign: PayloadCampaign, attempt: int = 0, **changes: Any) -> Ending:  # noqa: ANN401 - fields of Worker
    """Run the job in this process as one attempt."""
    worker = replace(WORKER, attempt=attempt, **changes)
    return Attempt(campaign.block, campaign.block.jobs[0], worker, StopSwitch()).run()


def kept(campaign: PayloadCampaign) -> list[str]:
    """Names of the checkpoints."""
    return sorted(path.name for path in (campaign.root / "checkpoints").glob("*"))


def record(campaign: PayloadCampaign, attempt: int) -> Any:  # noqa: ANN401 - a Record
    """The record of an attempt."""
    return read_record(campaign.root / "records" / f"0000003.12.{attempt}.json")


def content(path: Path) -> tuple[list[Any], list[Any], list[list[int]]]:
    """Events, provenance, and how the events lie in baskets."""
    with uproot.open(path) as file:
        tree = file["scores"]
        baskets = [[int(n) for n in tree["event"].entry_offsets]]
        return ak.to_list(tree.arrays()), ak.to_list(file["provenance"].arrays()), baskets


@pytest.fixture
def undisturbed(long: PayloadCampaign, pool: Pool) -> tuple[list[Any], list[Any], list[list[int]]]:
    """What the output of an uninterrupted run holds."""
    assert run(long, attempt=9).exit_class is ExitClass.DONE
    assert kept(long) == []
    done = content(long.output)
    long.output.unlink()
    shutil.rmtree(long.root / "records")
    pool.views_asked = 0
    return done


def test_a_job_goes_on_where_the_last_attempt_was(
    long: PayloadCampaign, pool: Pool, undisturbed: tuple[list[Any], ...]
) -> None:
    """Only what was not kept is scored again; the output holds the same; the records say who did what."""
    pool.trouble_after = 3  # entries 0, 1 and 3; entry 2 has no hits
    assert run(long, 0).exit_class is ExitClass.POOL_AWAY
    assert kept(long) == ["0000003.0-2.checkpoint", "0000003.2-4.checkpoint"]
    assert (record(long, 0).events, record(long, 0).events_kept) == (0, 4)
    pool.trouble_after = None
    assert run(long, 1).exit_class is ExitClass.DONE
    assert pool.views_asked == 5
    assert content(long.output) == undisturbed
    last = record(long, 1)
    assert (last.events, last.events_resumed, last.events_kept) == (6, 4, 0)
    assert (last.hits, last.hits_resumed) == (sum(HITS), 62)
    assert last.bytes_sent < 20 * 9216
    assert kept(long) == []


def test_what_was_scored_since_the_last_checkpoint_is_kept_when_the_attempt_fails(
    long: PayloadCampaign, pool: Pool
) -> None:
    """An odd event too, if trying again can help; one that cannot be helped leaves nothing new."""
    pool.trouble_after = 1
    assert run(long, 0).exit_class is ExitClass.POOL_AWAY
    assert kept(long) == ["0000003.0-1.checkpoint"]
    pool.error, pool.trouble_after = RequestRefused("no"), 2
    assert run(long, 1).exit_class is ExitClass.POOL_REFUSED
    assert kept(long) == ["0000003.0-1.checkpoint", "0000003.1-3.checkpoint"]


def test_a_job_whose_every_event_is_kept_only_writes_its_output(
    long: PayloadCampaign, pool: Pool, undisturbed: tuple[list[Any], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full when all was scored: the next attempt asks the pool for nothing."""

    def full(*_: object) -> None:
        raise OutputRefused("no space")

    with monkeypatch.context() as patch:
        patch.setattr(ScoresFile, "finish", full)
        assert run(long, 0).exit_class is ExitClass.OUTPUT
    assert kept(long)[-1] == "0000003.4-6.checkpoint"
    pool.views_asked = 0
    assert run(long, 1).exit_class is ExitClass.DONE
    assert pool.views_asked == 0
    assert content(long.output) == undisturbed


def test_by_the_clock(long: PayloadCampaign, pool: Pool) -> None:
    """With an interval that every event exceeds, every event is kept; with none, and no number, nothing ever is."""
    pool.trouble_after = 2
    long.change(checkpoint_events=0, checkpoint_every_s=1e-9)
    run(long, 0)
    assert kept(long) == ["0000003.0-1.checkpoint", "0000003.1-2.checkpoint", "0000003.2-3.checkpoint"]
    shutil.rmtree(long.root / "checkpoints")
    pool.views_asked = 0
    long.change(checkpoint_every_s=0.0)
    run(long, 0)
    assert kept(long) == []


def replace_by_folder(path: Path) -> None:
    """Put a folder there."""
    path.unlink()
    path.mkdir()


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "first line": lambda path: flip(path, 30),
    "header": lambda path: flip(path, 120),
    "events": lambda path: flip(path, -2000),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "folder": replace_by_folder,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_costs_its_events_and_no_more(
    long: PayloadCampaign,
    pool: Pool,
    undisturbed: tuple[list[Any], ...],
    damage: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The events before it are taken over, the others scored again, and the output holds what it must."""
    pool.trouble_after = 3
    run(long, 0)
    bad = long.root / "checkpoints" / "0000003.2-4.checkpoint"
    DAMAGES[damage](bad)
    pool.trouble_after = None
    assert run(long, 1).exit_class is ExitClass.DONE
    assert content(long.output) == undisturbed
    assert record(long, 1).events_resumed == 2
    if damage != "gone":
        assert f"note: {bad}" in capfd.readouterr().err


@pytest.mark.parametrize("other", ["input", "campaign", "plan", "model", "version", "flavour", "software"])
def test_a_checkpoint_of_other_work_is_not_taken(
    long: PayloadCampaign, pool: Pool, monkeypatch: pytest.MonkeyPatch, other: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the scores depend on must be the same; the note says what is not."""
    pool.trouble_after = 3
    run(long, 0)
    pool.trouble_after = None
    network = long.block.network
    changes: dict[str, dict[str, Any]] = {
        "campaign": {"campaign": "another"},
        "plan": {"manifest_digest": "def"},
        "model": {"network": network.model_copy(update={"name": "another"})},
        "version": {"network": network.model_copy(update={"version": "2"})},
    }
    long.change(**changes.get(other, {}))
    if other == "input":
        write_file(Path(long.block.jobs[0].input_file), (an_event(10 + number, n) for number, n in enumerate(HITS)))
    if other == "software":
        monkeypatch.setattr("jobs.payload.checkpoints.software_version", lambda: "9.9.9")
    if other == "flavour":
        long.change_job(flavour="cpu")
    assert run(long, 1).exit_class is ExitClass.DONE
    assert record(long, 1).events_resumed == 0
    names = {
        "input": "input_uuid",
        "plan": "manifest_digest",
        "version": "model_version",
        "software": "software_version",
    }
    assert f"is of another {names.get(other, other)}" in capfd.readouterr().err


def test_a_disk_that_is_full_costs_the_checkpoint_and_not_the_job(
    long: PayloadCampaign, pool: Pool, capfd: pytest.CaptureFixture[str]
) -> None:
    """The job must go on, and say it."""
    del pool
    (long.root / "checkpoints").write_bytes(b"in the way of the folder")
    assert run(long, 0).exit_class is ExitClass.DONE
    assert "warning: no checkpoint could be written" in capfd.readouterr().err
    (long.root / "checkpoints").unlink()


def test_without_shared_files_a_job_leaves_to_have_its_checkpoint_saved(
    long: PayloadCampaign, pool: Pool, undisturbed: tuple[list[Any], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTCondor starts it again, which is no new attempt: one record, whose numbers are those of all its processes."""
    sandbox = long.root / "sandbox"
    (sandbox / "returned").mkdir(parents=True)
    monkeypatch.chdir(sandbox)
    shutil.copy(long.block.jobs[0].input_file, sandbox)
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
    assert content(sandbox / "returned" / "0000003.12.0.root") == undisturbed
    made = read_record(sandbox / "returned" / "0000003.12.0.json")
    assert (made.events, made.events_resumed, made.hits) == (6, 0, sum(HITS))
    assert made.requests == sum(made.latency_counts) >= 5
    assert made.bytes_sent > 70 * 9216
    assert made.started < made.ended


def test_a_failure_far_away_first_brings_home_what_there_is(
    long: PayloadCampaign, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is held while the pool is away must lose nothing: it leaves for that, and fails next time."""
    sandbox = long.root / "sandbox"
    (sandbox / "returned").mkdir(parents=True)
    monkeypatch.chdir(sandbox)
    shutil.copy(long.block.jobs[0].input_file, sandbox)
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


def test_a_checkpoint_can_be_read_without_this_program(long: PayloadCampaign, pool: Pool) -> None:
    """A line, a line of JSON, and an npz of NumPy."""
    pool.trouble_after = 1
    run(long, 0)
    first, header, arrays = (long.root / "checkpoints" / "0000003.0-1.checkpoint").read_bytes().split(b"\n", 2)
    events = np.load(io.BytesIO(arrays))
    assert first.startswith(b"sonicgrid-checkpoint 1 ")
    assert json.loads(header)["job"] == 3
    assert events["n_hit"].tolist() == [5]
    assert events["em_trk_none"].shape == (5, 3)
