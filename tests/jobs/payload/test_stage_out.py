"""A job that puts its output away by itself leaves it whole with its record, or not at all: a directory and XRootD."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uproot

from jobs.exits import ExitClass
from jobs.payload import attempt as attempt_module
from jobs.payload import stage_out
from jobs.payload.attempt import Attempt
from jobs.payload.places import sandbox_places
from jobs.payload.stop import StopSwitch
from jobs.payload.worker import Worker
from jobs.payload.write_record import RecordWriter
from jobs.record import Record, read_record
from jobs.storage.directory import Directory
from jobs.storage.errors import StorageRefused
from jobs.storage.storage import content_of
from jobs.storage.xrootd import XrootdServer
from sonic.client import Client
from sonic.fake import FakeTransport
from tests.builders.xrootd_server import XrootdServerProcess, hurry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobs.payload.write_record import Ending
    from jobs.storage.storage import Content
    from tests.builders.payload import PayloadCampaign

NAME = "0000003.root"


def worker(attempt: int = 0) -> Worker:
    """Where an attempt runs."""
    return Worker(site="here", host="h", cpu_model="c", cluster=12, proc=3, attempt=attempt)


@dataclass
class Stage:
    """A campaign whose outputs go elsewhere, and the folder of this machine where that is."""

    campaign: PayloadCampaign
    disk: Path
    kind: type[Directory | XrootdServer]
    scratch: Path
    server: XrootdServerProcess | None = None

    def run(self, attempt: int = 0) -> Ending:
        """Run the job once."""
        block = self.campaign.block
        return Attempt(block, block.jobs[0], worker(attempt), StopSwitch()).run()

    def there(self) -> list[str]:
        """Names of the files where outputs go."""
        return sorted(path.name for path in self.disk.iterdir()) if self.disk.is_dir() else []

    def record_path(self, attempt: int = 0) -> Path:
        """The record of an attempt, as a file."""
        return self.campaign.root / "records" / f"0000003.12.{attempt}.json"

    def record(self, attempt: int = 0) -> Record:
        """The record of an attempt."""
        return read_record(self.record_path(attempt))

    def assert_clean(self) -> None:
        """Nothing is left on the worker, and the campaign's own folder has no output."""
        assert list(self.scratch.iterdir()) == []
        assert not self.campaign.output.exists()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XrootdServerProcess]:
    """One XRootD server for all tests of this file; started again where one has killed it."""
    server = XrootdServerProcess(tmp_path_factory.mktemp("xrootd")).start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["directory", "xrootd"])
def stage(
    request: pytest.FixtureRequest, campaign: PayloadCampaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Stage:
    """A job of the gpu flavour with a pool that answers, whose output goes to an empty place."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("_CONDOR_SCRATCH_DIR", str(scratch))
    fake = FakeTransport()
    monkeypatch.setattr(
        attempt_module, "open_scorer", lambda *_: Client([fake.endpoint], open_transport=lambda endpoint: fake)
    )
    server: XrootdServerProcess | None = None
    kind: type[Directory | XrootdServer] = Directory
    base, disk = str(tmp_path / "far away"), tmp_path / "far away"
    if request.param == "xrootd":
        server, kind = request.getfixturevalue("running"), XrootdServer
        base, disk = f"{server.url}/{tmp_path.name}", server.store / tmp_path.name
    campaign.change_job(output_file=f"{base}/outputs/00000/{NAME}", flavour="gpu").change(staged=True)
    return Stage(campaign, disk / "outputs" / "00000", kind, scratch, server)


def test_output_and_record_appear_together(stage: Stage) -> None:
    """The output is where it belongs, as the record says, and nowhere else."""
    assert stage.run().exit_class is ExitClass.DONE
    assert stage.there() == [NAME]
    record, content = stage.record(), content_of(stage.disk / NAME)
    assert record.output_file == stage.campaign.block.jobs[0].output_file
    assert (record.output_bytes, record.output_sha256) == (content.bytes, content.sha256)
    with uproot.open(stage.disk / NAME) as file:
        assert file["scores"].num_entries == 3
    stage.assert_clean()


def test_a_job_that_runs_twice_leaves_one_output(stage: Stage) -> None:
    """A record that vouches for what is there ends the second attempt at once; without it the new output counts."""
    for attempt in (0, 1):
        assert stage.run(attempt).exit_class is ExitClass.DONE
    assert not stage.record_path(1).exists()
    stage.record_path(0).unlink()
    assert stage.run(2).exit_class is ExitClass.DONE
    assert stage.there() == [NAME]
    assert stage.record(2).output_sha256 == content_of(stage.disk / NAME).sha256


def test_what_earlier_attempts_left_is_removed(stage: Stage) -> None:
    """Partial outputs of this job go, those of others and their outputs stay."""
    stage.disk.mkdir(parents=True)
    others = ["0000003.rootx.1.1.0.part", "0000004.root", "0000004.root.1.1.0.part"]
    for name in (f"{NAME}.12.3.0.part", f"{NAME}.9.9.9.part", *others):
        (stage.disk / name).write_text("left over")
    assert stage.run(1).exit_class is ExitClass.DONE
    assert stage.there() == sorted([NAME, *others])


def test_a_checksum_that_differs_there_is_never_counted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte that changes on the way makes a failed attempt with a reason, and the next one mends it."""
    put = stage.kind.put

    def damage(self: Directory, local: Path, name: str) -> None:
        put(self, local, name)  # type: ignore[arg-type]  # of the same kind
        path = stage.disk / name.rpartition("/")[2]
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    monkeypatch.setattr(stage.kind, "put", damage)
    ending = stage.run()
    assert ending.exit_class is ExitClass.OUTPUT
    assert "have" in ending.error
    assert "checked" in ending.error
    assert stage.there() == []
    assert stage.record().output_file == ""
    stage.assert_clean()
    monkeypatch.setattr(stage.kind, "put", put)
    assert stage.run(1).exit_class is ExitClass.DONE


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("step", ["put", "check", "rename"])
def test_an_attempt_that_dies_between_the_steps_is_made_good(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A kill after any step leaves at most a file of the attempt's name or an output without record: both are replaced.

    The kill is an exception that nothing cleans up after.
    """
    original: Callable[..., None] = getattr(stage.kind, step)

    def die(self: Directory, *arguments: str) -> None:
        original(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stage.kind, step, die)
        patched.setattr(stage_out.StagedFile, "discard", lambda self: None)
        patched.setattr(RecordWriter, "write", lambda *_: None)
        stage.run()
    assert stage.there() == ([NAME] if step == "rename" else [f"{NAME}.12.3.0.part"])
    assert stage.run(1).exit_class is ExitClass.DONE
    assert stage.there() == [NAME]
    assert stage.record(1).output_sha256 == content_of(stage.disk / NAME).sha256


def test_a_twin_that_is_overtaken_fails_and_harms_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the grid runs a job twice at once, who began last wins; the other finds its part gone and says so."""
    check = stage.kind.check

    def be_overtaken(self: Directory, name: str, content: Content) -> None:
        check(self, name, content)  # type: ignore[arg-type]  # of the same kind
        monkeypatch.setattr(stage.kind, "check", check)
        assert stage.run(1).exit_class is ExitClass.DONE

    monkeypatch.setattr(stage.kind, "check", be_overtaken)
    ending = stage.run(0)
    assert ending.exit_class is ExitClass.OUTPUT
    assert "another attempt of the job" in ending.error
    assert stage.there() == [NAME]
    assert stage.record(1).output_sha256 == content_of(stage.disk / NAME).sha256


def test_no_output_stays_without_its_record(stage: Stage) -> None:
    """When the record cannot be written, the output is taken back from where it was put."""
    (stage.campaign.root / "records").write_text("a file where the folder should be")
    ending = stage.run()
    assert ending.exit_class is ExitClass.OUTPUT
    assert "record" in ending.error
    assert stage.there() == []


def test_a_place_that_is_no_folder_is_known_before_the_work(stage: Stage) -> None:
    """Where outputs cannot go, no event is computed, and the message names the place."""
    stage.disk.parent.mkdir(parents=True)
    stage.disk.write_text("a file where the folder should be")
    ending = stage.run()
    assert ending.exit_class is ExitClass.OUTPUT
    assert "outputs/00000" in ending.error
    assert stage.record().events == 0


def test_a_stop_during_the_upload_ends_the_job_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM reaches a job that waits for its storage, however that hangs; nothing of it stays there."""
    put = stage.kind.put

    def hang(self: Directory, local: Path, name: str) -> None:
        put(self, local, name)  # type: ignore[arg-type]  # of the same kind
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    monkeypatch.setattr(stage.kind, "put", hang)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    switch = StopSwitch()
    switch.install()
    try:
        began = time.monotonic()
        block = stage.campaign.block
        ending = Attempt(block, block.jobs[0], worker(), switch).run()
        assert time.monotonic() - began < 30
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ending.exit_class is ExitClass.STOPPED
    assert stage.there() == []


def test_a_job_in_a_sandbox_puts_its_output_away_too(stage: Stage, tmp_path: Path) -> None:
    """Only the record comes home with HTCondor."""
    block, returned = stage.campaign.block, tmp_path / "returned"
    returned.mkdir()
    os.chdir(tmp_path)
    try:
        places = sandbox_places(block, block.jobs[0], worker(), returned)
        assert Attempt(block, block.jobs[0], worker(), StopSwitch(), places).run().exit_class is ExitClass.DONE
    finally:
        os.chdir(Path(__file__).parents[3])
    assert stage.there() == [NAME]
    assert [path.name for path in returned.iterdir()] == ["0000003.12.0.json"]


@pytest.mark.parametrize("stage", ["xrootd"], indirect=True)
def test_a_server_that_dies_in_the_middle(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt fails with the server's name, in the class of storage administrators; the next one makes it good."""
    server, put = stage.server, XrootdServer.put
    assert server is not None

    def die(self: XrootdServer, local: Path, name: str) -> None:
        put(self, local, name)
        server.stop()

    hurry()
    with monkeypatch.context() as patched:
        patched.setattr(XrootdServer, "put", die)
        patched.setattr("jobs.storage.xrootd._ASK_S", 4)
        ending = stage.run()
    assert ending.exit_class is ExitClass.OUTPUT
    assert "the server does not answer" in ending.error
    assert server.url in ending.error
    assert stage.there() == [f"{NAME}.12.3.0.part"]
    server.start()
    assert stage.run(1).exit_class is ExitClass.DONE
    assert stage.there() == [NAME]


def test_a_question_that_takes_too_long_is_left_alone() -> None:
    """Tidying up at the end waits a moment and no longer."""
    with pytest.raises(TimeoutError):
        stage_out.aside(threading.Event().wait, 0.01)


def test_what_another_thread_meets_is_raised_here() -> None:
    """The error is the one that the storage raised."""

    def refuse() -> None:
        raise StorageRefused("no")

    with pytest.raises(StorageRefused, match="no"):
        stage_out.aside(refuse)
    assert stage_out.aside(lambda: None) is None
