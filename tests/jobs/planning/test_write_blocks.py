"""Descriptions of blocks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.block import SiteAccess, read_block
from jobs.errors import CampaignError
from jobs.layout import CampaignFolder
from jobs.planning.write_blocks import describe_block, write_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.builders.bench import Bench

ACCESS = {"local": SiteAccess(endpoints=("127.0.0.1:8001",), wire_format="patches")}


def test_a_block_says_all_that_a_job_needs(begin: Callable[..., Bench]) -> None:
    """The description read on the worker is the manifest's rows with absolute paths, the network and the endpoints."""
    bench = begin(reco={"rest_of_chain": "2500 ms", "adc_per_electron": 0.004})
    assert write_blocks(bench.made.manifest, bench.made.campaign, ACCESS, bench.folder) == 2
    block = read_block(bench.folder.block(1).description)
    rows = bench.made.manifest.block(1)
    assert (block.campaign, block.block, block.manifest_digest) == ("small", 1, bench.made.manifest.digest)
    assert [(job.job, job.input_file, job.entry_start, job.entry_stop, job.flavour) for job in block.jobs] == [
        (row.job, row.input_file, row.entry_start, row.entry_stop, row.flavour) for row in rows
    ]
    assert [Path(job.output_file) for job in block.jobs] == [bench.folder.root / row.output_file for row in rows]
    assert Path(block.records) == bench.folder.block(1).records
    assert block.sites == ACCESS
    assert block.network.file == bench.made.campaign.network.file
    assert (block.reco.adc_per_electron, block.reco.rest_of_chain_s) == (0.004, 2.5)


def test_only_what_changed_is_written(begin: Callable[..., Bench]) -> None:
    """The same again writes nothing; new endpoints are written; only the blocks that were asked for."""
    bench = begin()
    made = bench.made
    write_blocks(made.manifest, made.campaign, ACCESS, bench.folder)
    assert write_blocks(made.manifest, made.campaign, ACCESS, bench.folder) == 0
    moved = {"local": SiteAccess(endpoints=("127.0.0.1:9999",), wire_format="patches")}
    assert write_blocks(made.manifest, made.campaign, moved, bench.folder, [1]) == 1
    assert read_block(bench.folder.block(0).description).sites == ACCESS
    assert read_block(bench.folder.block(1).description).sites == moved


def test_paths_are_absolute_whatever_the_folder(begin: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is given relative to the working directory still gives paths that a worker can use."""
    bench = begin()
    monkeypatch.chdir(bench.folder.root.parent)
    folder = CampaignFolder(Path(bench.folder.root.name))
    block = describe_block(0, bench.made.manifest, bench.made.campaign, ACCESS, folder)
    assert os.path.isabs(block.records)  # noqa: PTH117 - it is text
    assert all(Path(job.output_file).is_absolute() for job in block.jobs)


def test_a_block_that_is_not_there(begin: Callable[..., Bench]) -> None:
    """A number that the manifest does not have is an error."""
    bench = begin()
    with pytest.raises(CampaignError, match="no block 7"):
        write_blocks(bench.made.manifest, bench.made.campaign, ACCESS, bench.folder, [7])
