"""Planning a campaign."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from jobs.errors import CampaignError, ConfigError, InputError
from jobs.exits import ExitClass
from jobs.layout import CampaignFolder
from jobs.manifest import read_manifest
from jobs.planning import plan as plan_module
from jobs.planning.count import InputFile, Inputs, Rejected
from jobs.planning.plan import main, make_plan, plan, read_summary, write_plan
from jobs.reco.errors import NotRoot
from jobs.spec.campaign import dump_campaign, load_campaign, load_campaign_and_sites

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.builders.bench import Bench


def _count(path: str) -> tuple[str, int]:
    if "bad" in path.rpartition("/")[2]:
        message = f"{path}: not a ROOT file"
        raise NotRoot(message)
    return f"uuid of {path}", 5


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with two files, which `_count` says to have five events each."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a.root", "b.root"):
        (folder / name).touch()
    return folder


def test_the_plan_counts_and_keeps_what_was_rejected(begin: Callable[..., Bench]) -> None:
    """The summary has files, events, jobs per flavour, blocks and every rejected file with its reason."""
    bench = begin((5, 4), (Rejected("/data/bad.root", "truncated"),), cpu_comparison="20 %")
    summary = read_summary(bench.folder)
    assert (summary.files, summary.events, summary.jobs, summary.cpu_jobs, summary.blocks) == (2, 9, 5, 1, 2)
    assert [(file.path, file.reason) for file in summary.rejected] == [("/data/bad.root", "truncated")]
    assert summary.digest == read_manifest(bench.folder.manifest).digest


def test_the_same_plan_again_rewrites_nothing(begin: Callable[..., Bench]) -> None:
    """A plan that comes out the same leaves every file with its time stamp, even of a campaign that has begun."""
    bench = begin()
    bench.report(0, ExitClass.DONE)
    files = [bench.folder.manifest, bench.folder.plan, bench.folder.spec]
    for path in files:
        os.utime(path, ns=(1, 1))
    assert not write_plan(bench.made, bench.folder)
    assert [path.stat().st_mtime_ns for path in files] == [1, 1, 1]


def test_what_is_not_the_work_may_change(begin: Callable[..., Bench]) -> None:
    """Memory or retries can be corrected after the start: the resolved spec follows, the manifest stays."""
    bench = begin()
    bench.report(0, ExitClass.DONE)
    again = begin(jobs={"events_per_job": 2, "jobs_per_block": 3, "memory": "3 GB"})
    assert again.made.manifest.digest == bench.made.manifest.digest
    assert load_campaign(bench.folder.spec).jobs.memory_mb == 3000


def test_other_work_replaces_a_plan_that_was_not_begun(begin: Callable[..., Bench]) -> None:
    """As long as no job has run, the spec may change."""
    begin((5, 4))
    bench = begin((5, 4, 3))
    assert read_manifest(bench.folder.manifest).n_events == 12


@pytest.mark.parametrize("lost", [(), ("manifest",), ("plan",)])
def test_other_work_is_refused_once_jobs_have_run(begin: Callable[..., Bench], lost: tuple[str, ...]) -> None:
    """Job numbers would mean other events: the error says what changed and what can be done, and nothing is touched."""
    bench = begin((5, 4))
    bench.report(0, ExitClass.DONE)
    for name in lost:
        getattr(bench.folder, name).unlink()
    with pytest.raises(CampaignError, match="begun with other work") as caught:
        begin((5, 4, 3))
    text = str(caught.value)
    if "manifest" not in lost:
        assert "1 new input files, such as /data/2.root" in text
        assert read_manifest(bench.folder.manifest).n_events == 9
    if "plan" not in lost:
        assert "9 events before, 12 now" in text
    assert "another name" in text


def test_a_cluster_counts_as_begun(begin: Callable[..., Bench]) -> None:
    """Jobs that wait in the queue will run with the numbers that they have."""
    bench = begin((5, 4))
    bench.folder.block(0).root.mkdir(parents=True)
    bench.folder.block(0).cluster.write_text("{}\n")
    with pytest.raises(CampaignError, match="begun with other work"):
        begin((5,))


def test_records_without_any_plan(begin: Callable[..., Bench]) -> None:
    """A folder that has records but lost its plan gets the plan that its records name, and no other."""
    bench = begin()
    bench.report(0, ExitClass.DONE)
    bench.folder.manifest.unlink()
    bench.folder.plan.unlink()
    with pytest.raises(CampaignError, match="begun with other work"):
        begin(entries=(6, 4))
    assert begin().made.manifest.digest == bench.made.manifest.digest


def test_nothing_to_do(write_spec: Callable[..., Path], sites_folder: Path) -> None:
    """A campaign whose files are all rejected says so, with examples."""
    campaign, sites = load_campaign_and_sites(write_spec(), sites_folder)
    rejected = tuple(Rejected(f"/{i}", f"/{i}: truncated") for i in range(9))
    with pytest.raises(InputError, match="nothing to do") as caught:
        plan(campaign, sites, Inputs((), rejected))
    assert "/4: truncated" in str(caught.value)
    assert "/5: truncated" not in str(caught.value)


def test_from_spec_to_plan(write_spec: Callable[..., Path], sites_folder: Path, data: Path) -> None:
    """Spec, sites, files and counts become a plan, twice the same, and the bad file is set aside."""
    (data / "bad.root").touch()
    spec = write_spec(cpu_comparison="10 %")
    made = make_plan(spec, sites_folder, counter=_count)
    assert [file.path for file in made.inputs.files] == [str(data / "a.root"), str(data / "b.root")]
    assert [file.path for file in made.inputs.rejected] == [str(data / "bad.root")]
    assert made.manifest.n_jobs == 6
    again = make_plan(spec, sites_folder, counter=_count)
    assert again.manifest.digest == made.manifest.digest
    assert again.manifest.table.equals(made.manifest.table)
    assert CampaignFolder(made.campaign.folder).inputs.is_file()


def test_another_network_file_is_other_work(write_spec: Callable[..., Path], sites_folder: Path, data: Path) -> None:
    """Where jobs compute the network themselves, its file's content is part of the work."""
    spec = write_spec(cpu_comparison="10 %")
    before = make_plan(spec, sites_folder, counter=_count).manifest.digest
    (data.parent / "network.onnx").write_bytes(b"trained again")
    assert make_plan(spec, sites_folder, counter=_count).manifest.digest != before


def test_what_jobs_do_without_the_pool_is_no_other_work(
    write_spec: Callable[..., Path], sites_folder: Path, data: Path
) -> None:
    """In the middle of an outage a campaign may be told to compute in the job, and goes on with what it has."""
    before = make_plan(write_spec(), sites_folder, counter=_count).manifest.digest
    network = {"file": str(data.parent / "network.onnx"), "when_pool_away": "cpu"}
    assert make_plan(write_spec(network=network), sites_folder, counter=_count).manifest.digest == before


def test_a_plan_to_look_at_changes_nothing(write_spec: Callable[..., Path], sites_folder: Path, data: Path) -> None:
    """Without the cache, making a plan writes no file."""
    spec = write_spec()
    before = sorted(data.parent.rglob("*"))
    make_plan(spec, sites_folder, counter=_count, keep_cache=False)
    assert sorted(data.parent.rglob("*")) == before


def test_the_command_of_the_workflow(
    write_spec: Callable[..., Path], sites_folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`python -m jobs.planning.plan` writes the plan into the folder that it is given."""
    real = make_plan
    monkeypatch.setattr(plan_module, "make_plan", lambda *given: real(*given, counter=_count))
    out = tmp_path / "out"
    arguments = ["--campaign", str(write_spec()), "--sites-folder", str(sites_folder), "--folder", str(out)]
    assert main(arguments) == 0
    assert read_summary(CampaignFolder(out)).files == 2
    assert sorted(path.name for path in out.iterdir()) == [
        "campaign.yaml",
        "inputs.json",
        "manifest.parquet",
        "plan.json",
    ]
    assert str(data) in (out / "campaign.yaml").read_text()


def test_the_command_speaks_plainly(
    write_spec: Callable[..., Path], sites_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pattern that matches nothing is exit 2, with file, key and remedy on standard error."""
    spec = write_spec()
    assert main(["--campaign", str(spec), "--sites-folder", str(sites_folder)]) == ConfigError.exit_code
    error = capsys.readouterr().err
    assert f"{spec}: inputs[0]" in error
    assert "matches no file" in error


def test_a_full_disk_leaves_the_old_plan(begin: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    """When the manifest cannot be written there is one error and nothing half-written."""
    bench = begin((5, 4))
    before = {path: path.read_bytes() for path in bench.folder.root.rglob("*") if path.is_file()}

    def no_space(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(CampaignError, match=r"manifest.parquet: cannot be written: No space left"):
        begin((5, 4, 3))
    assert {path: path.read_bytes() for path in bench.folder.root.rglob("*") if path.is_file()} == before


def test_the_summary_must_be_ours(tmp_path: Path) -> None:
    """A missing or foreign plan.json is one clear error."""
    folder = CampaignFolder(tmp_path)
    with pytest.raises(CampaignError, match="not a readable plan"):
        read_summary(folder)
    folder.plan.write_text("{}")
    with pytest.raises(CampaignError, match="not a readable plan"):
        read_summary(folder)


def test_a_hundred_thousand_jobs_are_planned(write_spec: Callable[..., Path], sites_folder: Path) -> None:
    """A campaign of a thousand files with a hundred one-event jobs each has 100,000 jobs in 100 blocks."""
    spec = write_spec(jobs={"events_per_job": 1}, cpu_comparison="10 %")
    campaign, sites = load_campaign_and_sites(spec, sites_folder)
    files = tuple(InputFile(f"/data/{i}.root", f"uuid-{i}", 100) for i in range(1000))
    made = plan(campaign, sites, Inputs(files))
    assert (made.summary.jobs, made.summary.blocks, made.summary.cpu_jobs) == (100_000, 100, 10_000)
    assert made.manifest.block(99)[-1].input_file == "/data/999.root"
    assert dump_campaign(made.campaign)
