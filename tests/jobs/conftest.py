"""A campaign without a pool: specs and sites to write, and outputs and records as jobs leave them."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from jobs.layout import CampaignFolder
from tests.builders import bench
from tests.builders.bench import Bench
from tests.builders.event_log import EventLog
from tests.builders.records import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def sites_folder(tmp_path: Path) -> Path:
    """A folder with one site, `local`."""
    return bench.write_site(tmp_path)


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[..., Path]:
    """Write a good spec with some keys changed or, where None, taken out; returns its path."""
    return partial(bench.write_spec, tmp_path)


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Bench]:
    """Plan a campaign over files that are only said to be there; returns the bench to end its jobs on."""
    return partial(bench.begin, tmp_path)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Made once, because writing ROOT files takes a while."""
    finished = bench.begin(tmp_path_factory.mktemp("finished"))
    for job in finished.jobs:
        finished.finish(job)
    return finished


@pytest.fixture
def done(_finished: Bench, tmp_path: Path) -> Bench:
    """A campaign of five jobs with nine events in two blocks, all done, to be damaged at will."""
    folder = CampaignFolder(tmp_path / "results/small")
    shutil.copytree(_finished.folder.root, folder.root)
    return Bench(folder, _finished.made)


@pytest.fixture
def event_log(tmp_path: Path) -> EventLog:
    """An event log as HTCondor writes it, one call for each event."""
    return EventLog(tmp_path / "block" / "events.log")


@pytest.fixture
def records(tmp_path: Path) -> RecordWriter:
    """A folder of records."""
    return RecordWriter(tmp_path / "block" / "records")
