"""The manifest."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import CampaignError
from jobs.manifest import Manifest, cut, read_manifest, write_manifest
from jobs.planning.count import InputFile
from jobs.spec.campaign import Campaign

if TYPE_CHECKING:
    from pathlib import Path


def _campaign(**changes: Any) -> Campaign:  # noqa: ANN401 - keys of a spec
    return Campaign.model_validate({"name": "a", "inputs": "x", "sites": "local", **changes})


def _files(*entries: int) -> tuple[InputFile, ...]:
    return tuple(InputFile(f"/data/{i}.root", f"uuid-{i}", count) for i, count in enumerate(entries))


def _cut(entries: tuple[int, ...] = (5, 4, 1), **changes: Any) -> Manifest:  # noqa: ANN401
    changes.setdefault("jobs", {"events_per_job": 2, "jobs_per_block": 3})
    return cut(_campaign(**changes), _files(*entries))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 60), max_size=12).map(tuple),
    st.integers(1, 25),
    st.integers(1, 9),
    st.integers(0, 100),
)
def test_every_entry_is_in_exactly_one_job(
    entries: tuple[int, ...], events_per_job: int, jobs_per_block: int, share: int
) -> None:
    """Whatever the files and sizes: each entry once, no job over two files, all blocks full but the last."""
    size = {"events_per_job": events_per_job, "jobs_per_block": jobs_per_block}
    manifest = _cut(entries, jobs=size, cpu_comparison=f"{share} %")
    jobs = list(manifest.jobs())
    covered = Counter((job.input_file, entry) for job in jobs for entry in range(job.entry_start, job.entry_stop))
    wanted = {(file.path, entry) for file in _files(*entries) for entry in range(file.entries)}
    assert covered == Counter(wanted)
    assert all(1 <= job.events <= events_per_job for job in jobs)
    assert [job.job for job in jobs] == list(range(manifest.n_jobs))
    assert [job.block for job in jobs] == [number // jobs_per_block for number in range(manifest.n_jobs)]
    assert [job for number in range(manifest.n_blocks) for job in manifest.block(number)] == jobs
    assert len({job.output_file for job in jobs}) == len(jobs)
    assert manifest.n_events == sum(entries)
    assert manifest.n_cpu_jobs == sum(job.flavour == "cpu" for job in jobs)
    assert manifest.n_cpu_events == sum(job.events for job in jobs if job.flavour == "cpu")


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(0, 100))
def test_the_cpu_share_is_exact_and_even(n_jobs: int, share: int) -> None:
    """As many cpu jobs as the share says, to the nearest whole job, and so in every run of jobs give or take one."""
    flavours = [
        job.flavour == "cpu" for job in _cut((n_jobs,), jobs={"events_per_job": 1}, cpu_comparison=f"{share} %").jobs()
    ]
    assert abs(sum(flavours) - n_jobs * share / 100) <= 0.5
    for start in range(0, n_jobs, 37):
        window = flavours[start : start + 50]
        assert abs(sum(window) - len(window) * share / 100) <= 1


def test_a_cpu_campaign_has_only_cpu_jobs() -> None:
    """With the flavour cpu there is nothing to compare with, and the share does not matter."""
    manifest = _cut(flavour="cpu", cpu_comparison="10 %")
    assert manifest.n_cpu_jobs == manifest.n_jobs
    assert manifest.digest == _cut(flavour="cpu").digest


def test_rows_say_what_to_do() -> None:
    """A row names file, UUID, entries and an output below the campaign's folder."""
    last = _cut().block(1)[-1]
    assert (last.job, last.input_file, last.input_uuid) == (5, "/data/2.root", "uuid-2")
    assert (last.entry_start, last.entry_stop, last.flavour) == (0, 1, "gpu")
    assert last.output_file == "outputs/00001/a-0000005.root"


def test_a_block_that_is_not_there() -> None:
    """Asking for a block too far is an error that says which there are."""
    with pytest.raises(CampaignError, match="no block 2; its blocks are 0 to 1"):
        _cut().block(2)


def test_the_same_work_has_the_same_digest() -> None:
    """What does not change the work does not change the digest."""
    other = _cut(
        description="other words", sites="elsewhere", output={"merged_file": "5 MB"}, reco={"rest_of_chain": "9 s"}
    )
    assert other.digest == _cut().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "b"},
        {"jobs": {"events_per_job": 3, "jobs_per_block": 3}},
        {"jobs": {"events_per_job": 2, "jobs_per_block": 4}},
        {"flavour": "cpu"},
        {"cpu_comparison": "10 %"},
        {"network": {"name": "other"}},
        {"network": {"version": "2"}},
        {"reco": {"adc_per_electron": 1.0}},
    ],
)
def test_other_work_has_another_digest(changes: dict[str, Any]) -> None:
    """Whatever changes jobs or scores changes the digest."""
    assert _cut(**changes).digest != _cut().digest


def test_other_files_have_another_digest() -> None:
    """So do a file more, another content under the same name, other counts and another network file."""
    campaign, files = _campaign(), _files(5, 4)
    digests = {
        cut(campaign, files).digest,
        cut(campaign, files[:1]).digest,
        cut(campaign, files[::-1]).digest,
        cut(campaign, (files[0], replace(files[1], uuid="new"))).digest,
        cut(campaign, (files[0], replace(files[1], entries=5))).digest,
        cut(campaign, files, network_sha256="abc").digest,
    }
    assert len(digests) == 6


def test_survives_the_disk(tmp_path: Path) -> None:
    """A manifest that is read is the one that was written; writing it again leaves the file alone."""
    manifest = _cut()
    path = tmp_path / "deep/manifest.parquet"
    assert write_manifest(manifest, path)
    os.utime(path, ns=(1, 1))
    assert not write_manifest(_cut(), path)
    assert path.stat().st_mtime_ns == 1
    read = read_manifest(path)
    assert (read.campaign, read.digest, read.software_version) == ("a", manifest.digest, manifest.software_version)
    assert list(read.jobs()) == list(manifest.jobs())
    assert [path.name for path in path.parent.iterdir()] == ["manifest.parquet"]


def test_an_empty_manifest_survives_the_disk(tmp_path: Path) -> None:
    """No file, no job, no error."""
    path = tmp_path / "manifest.parquet"
    write_manifest(_cut(()), path)
    read = read_manifest(path)
    assert (read.n_jobs, read.n_blocks, read.n_events, list(read.jobs())) == (0, 0, 0, [])


def test_what_is_not_a_manifest(tmp_path: Path) -> None:
    """A missing, a damaged, a truncated and a foreign file each give one clear error."""
    path = tmp_path / "manifest.parquet"
    with pytest.raises(CampaignError, match="there is no manifest"):
        read_manifest(path)
    path.write_text("nonsense")
    with pytest.raises(CampaignError, match="not a readable manifest"):
        read_manifest(path)
    write_manifest(_cut(), tmp_path / "good.parquet")
    path.write_bytes((tmp_path / "good.parquet").read_bytes()[:-20])
    with pytest.raises(CampaignError, match="not a readable manifest"):
        read_manifest(path)
    pq.write_table(_cut().table.select(["job", "block"]), path)
    with pytest.raises(CampaignError, match="not a manifest of version"):
        read_manifest(path)
