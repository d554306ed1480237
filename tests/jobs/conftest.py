"""A campaign without a pool: specs and sites to write, and outputs and records as jobs leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from builders.bench import Bench
from builders.event_log import EventLog
from builders.records import RecordWriter

from jobs.campaign import load_campaign_and_sites
from jobs.count import InputFile, Inputs, Rejected
from jobs.layout import CampaignFolder
from jobs.plan import plan, write_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def sites_folder(tmp_path: Path) -> Path:
    """A folder with one site, `local`."""
    folder = tmp_path / "sites"
    folder.mkdir()
    (folder / "local.yaml").write_text("endpoints: triton.example.org:8001\nuplink: 10 Gb/s\n")
    return folder


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[..., Path]:
    """Write a good spec with some keys changed or, where None, taken out; returns its path."""
    (tmp_path / "network.onnx").write_bytes(b"a network")

    def write(**changes: Any) -> Path:  # noqa: ANN401 - whatever YAML can hold, the wrong included
        document = {
            "name": "small",
            "inputs": "data/*.root",
            "sites": "local",
            "jobs": {"events_per_job": 2, "jobs_per_block": 3},
            "network": {"file": "network.onnx"},
            **changes,
        }
        path = tmp_path / "spec.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in document.items() if value is not None}))
        return path

    return write


@pytest.fixture
def begin(write_spec: Callable[..., Path], sites_folder: Path) -> Callable[..., Bench]:
    """Plan a campaign over files that are only said to be there; returns the bench to end its jobs on."""

    def begin_(
        entries: tuple[int, ...] = (5, 4),
        rejected: tuple[Rejected, ...] = (),
        **changes: Any,  # noqa: ANN401
    ) -> Bench:
        campaign, sites = load_campaign_and_sites(write_spec(**changes), sites_folder)
        files = tuple(InputFile(f"/data/{i}.root", f"uuid-{i}", count) for i, count in enumerate(entries))
        made = plan(campaign, sites, Inputs(files, rejected))
        folder = CampaignFolder(campaign.folder)
        write_plan(made, folder)
        return Bench(folder, made)

    return begin_


@pytest.fixture
def event_log(tmp_path: Path) -> EventLog:
    """An event log as HTCondor writes it, one call for each event."""
    return EventLog(tmp_path / "block" / "events.log")


@pytest.fixture
def records(tmp_path: Path) -> RecordWriter:
    """A folder of records."""
    return RecordWriter(tmp_path / "block" / "records")
