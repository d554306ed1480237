"""What jobs bring home gets its place when it is whole, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.block import SiteAccess
from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.planning.write_blocks import write_blocks
from jobs.record import read_records
from jobs.running.bring_home import bring_home
from jobs.spec.campaign import load_campaign
from jobs.throttle.observe import Observer
from tests.builders.records import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.layout import BlockFolder
    from tests.builders.bench import Bench

ACCESS = {"local": SiteAccess(endpoints=("127.0.0.1:8001",), wire_format="patches")}
CONTENT = b"an output"


class Home:
    """The folder of a block of three jobs, and jobs that send things to it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.folder: BlockFolder = bench.folder.block(0)
        write_blocks(bench.made.manifest, load_campaign(bench.folder.spec), ACCESS, bench.folder)
        self._writer = RecordWriter(self.folder.returned)

    def output(self, job: int) -> Path:
        """Where the output of a job belongs."""
        return self.bench.folder.root / self.bench.jobs[job].output_file

    def send(self, job: int, exit_class: ExitClass = ExitClass.DONE, attempt: int = 0, **fields: object) -> Path:
        """Let an attempt come home; returns its record's path."""
        done = {"output_file": str(self.output(job)), "output_bytes": len(CONTENT)}
        values = {"manifest_digest": self.bench.made.manifest.digest, **(done if exit_class == "done" else {})}
        self._writer.write(job, attempt, exit_class, **(values | fields))
        path = self.folder.returned / f"{job:07d}.1.{attempt}.json"
        if exit_class is ExitClass.DONE:
            path.with_suffix(".root").write_bytes(CONTENT)
        return path

    def records(self) -> list[tuple[int, int, ExitClass]]:
        """Job, attempt and end of each record in its place."""
        return [(record.job, record.attempt, record.exit_class) for record in read_records(self.folder.records)]


@pytest.fixture
def home(begin: Callable[..., Bench]) -> Home:
    """A block to which nothing has come home yet."""
    return Home(begin())


def test_output_and_record_get_their_places(home: Home) -> None:
    """The output goes where the block says, the record to the others, and nothing is left."""
    home.send(1)
    assert bring_home(home.folder) == 1
    assert home.output(1).read_bytes() == CONTENT
    assert home.records() == [(1, 0, ExitClass.DONE)]
    assert list(home.folder.returned.iterdir()) == []
    assert bring_home(home.folder) == 0


def test_a_failed_attempts_record_comes_home_alone(home: Home) -> None:
    """A failure has no output, and its retry's record stands beside its own."""
    home.send(1, ExitClass.POOL_AWAY, attempt=0)
    home.send(1, attempt=1, started=2000.0)
    assert bring_home(home.folder) == 2
    assert home.records() == [(1, 0, ExitClass.POOL_AWAY), (1, 1, ExitClass.DONE)]
    assert home.output(1).read_bytes() == CONTENT


@pytest.mark.parametrize("cut", ["record", "output", "no output"])
def test_what_is_half_here_waits(home: Home, cut: str) -> None:
    """A transfer that is under way, or was cut off, shows neither output nor record; its rest does not spoil others."""
    record = home.send(1)
    home.send(2)
    part = record if cut == "record" else record.with_suffix(".root")
    whole = part.read_bytes()
    if cut == "no output":
        part.unlink()
    else:
        part.write_bytes(whole[:-1])
    assert bring_home(home.folder) == 1
    assert home.records() == [(2, 0, ExitClass.DONE)]
    assert not home.output(1).exists()
    part.write_bytes(whole)
    assert bring_home(home.folder) == 1
    assert home.output(1).read_bytes() == CONTENT


def test_files_of_another_plan_stay_where_they_are(home: Home) -> None:
    """A late job of an earlier plan must not replace the output of one that now has its number."""
    home.send(1, manifest_digest="another")
    assert bring_home(home.folder) == 0
    assert not home.output(1).exists()


def test_no_worker_chooses_where_files_go(home: Home, tmp_path: Path) -> None:
    """A record that names another place than the block does moves nothing."""
    home.send(1, output_file=str(tmp_path / "elsewhere.root"))
    assert bring_home(home.folder) == 0
    assert not (tmp_path / "elsewhere.root").exists()
    assert home.records() == []


def test_a_checkpoint_of_a_job_that_failed_is_kept(home: Home) -> None:
    """A later attempt finds it where it looks."""
    home.folder.returned.mkdir(exist_ok=True)
    (home.folder.returned / "0000001.0-2.checkpoint").write_bytes(b"scores")
    bring_home(home.folder)
    assert (home.folder.checkpoints / "0000001.0-2.checkpoint").read_bytes() == b"scores"
    assert list(home.folder.returned.iterdir()) == []


def test_nothing_came_home_at_all(begin: Callable[..., Bench]) -> None:
    """A block that runs on a shared file system has no such folder, and needs no description for it."""
    assert bring_home(begin().folder.block(0)) == 0


def test_what_came_home_while_submit_was_away_is_not_run_again(home: Home) -> None:
    """Before the throttle hands jobs over, finished ones are looked for among what came home."""
    home.send(0)
    observer = Observer(home.bench.folder, home.bench.made.manifest, {})
    assert observer.unfinished(0) == [1, 2]


def test_a_place_that_takes_nothing_is_named(home: Home) -> None:
    """The files stay until the trouble is mended, and the error says so."""
    record = home.send(1)
    home.output(1).parent.parent.mkdir(parents=True, exist_ok=True)
    home.output(1).parent.write_text("a file where a folder should be")
    with pytest.raises(CampaignError, match=r"cannot be put in place.*sonicgrid submit"):
        bring_home(home.folder)
    assert record.exists()
    assert home.records() == []
