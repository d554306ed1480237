"""A campaign without a pool: specs and sites to write, and outputs and records as jobs leave them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from builders.event_log import EventLog
from builders.records import RecordWriter

from jobs.campaign import load_campaign_and_sites
from jobs.count import InputFile, Inputs, Rejected
from jobs.exits import ExitClass
from jobs.layout import CampaignFolder
from jobs.payload.output import ScoredEvent, ScoresFile
from jobs.payload.prepare import PreparedEvent
from jobs.payload.schema import OutputProvenance
from jobs.payload.worker import Worker
from jobs.plan import Plan, plan, write_plan
from jobs.reco.event import EventId
from jobs.reco.views import EventViews
from jobs.record import Record, StageSeconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.manifest import ManifestJob


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


@dataclass
class Bench:
    """A planned campaign whose jobs end as a test says."""

    folder: CampaignFolder
    made: Plan
    written: dict[int, int] = field(default_factory=dict)
    """Hits in each output."""

    @property
    def jobs(self) -> dict[int, ManifestJob]:
        """The jobs of the manifest, by number."""
        return {job.job: job for job in self.made.manifest.jobs()}

    def finish(self, number: int, **changes: Any) -> Path:  # noqa: ANN401 - fields of a record
        """Write output and record of a job that succeeded; returns the output's path."""
        job = self.jobs[number]
        path = self.folder.root / job.output_file
        worker = Worker("local", "host", "cpu", cluster=1, proc=number)
        output = ScoresFile(path, worker)
        for entry in range(job.entry_start, job.entry_stop):
            output.add(_event(job, entry))
        provenance = OutputProvenance(
            input_file=job.input_file,
            input_uuid=job.input_uuid,
            entry_start=job.entry_start,
            entry_stop=job.entry_stop,
            model="net",
            model_version="1",
            flavour=job.flavour,
            campaign="small",
            manifest_digest=self.made.manifest.digest,
            software_version="0",
            block=job.block,
            job=job.job,
        )
        finished = output.finish(provenance)
        output.commit()
        done = {"output_file": str(path), "output_bytes": finished.bytes, "output_sha256": finished.sha256}
        self.report(number, ExitClass.DONE, **{"events": job.events, **done, **changes})
        return path

    def report(self, number: int, exit_class: ExitClass, *, attempt: int = 0, **changes: Any) -> Path:  # noqa: ANN401
        """Write the record of an attempt; returns its path."""
        job = self.jobs[number]
        values: dict[str, Any] = {
            "campaign": "small",
            "manifest_digest": self.made.manifest.digest,
            "block": job.block,
            "job": number,
            "attempt": attempt,
            "cluster": 1,
            "proc": number,
            "flavour": job.flavour,
            "site": "local",
            "host": "host",
            "cpu_model": "cpu",
            "endpoint": "",
            "model": "net",
            "model_version": "1",
            "software_version": "0",
            "input_file": job.input_file,
            "input_uuid": job.input_uuid,
            "entry_start": job.entry_start,
            "entry_stop": job.entry_stop,
            "exit_class": exit_class,
            "started": 1000.0 + attempt,
            "ended": 1001.0 + attempt,
            "stages": StageSeconds(),
            "cpu_s": 1.0,
            "max_rss_mb": 1.0,
        }
        record = Record(**{**values, **changes})
        path = self.folder.block(job.block).record(number, 1, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record.model_dump_json())
        return path


def _event(job: ManifestJob, entry: int) -> ScoredEvent:
    """Make an event with as many hits as its entry has units, so that some events have none."""
    n_hits = entry % 4
    prepared = PreparedEvent(
        id=EventId(run=job.job, subrun=1, event=entry),
        entry=entry,
        hit_channel=np.arange(n_hits, dtype=np.int32),
        hit_peak_tick=np.full(n_hits, entry, dtype=np.float32),
        views=EventViews(views=(), hit_index=np.arange(n_hits)),
    )
    em_trk_none = np.tile(np.array([0.5, 0.25, 0.25], dtype=np.float32), (n_hits, 1))
    return ScoredEvent(prepared, em_trk_none, np.full(n_hits, job.job, dtype=np.float32))


@pytest.fixture
def begin(write_spec: Callable[..., Path], sites_folder: Path) -> Callable[..., Bench]:
    """Plan a campaign over files that are only said to be there; returns the bench to end its jobs on."""

    def begin_(
        entries: tuple[int, ...] = (5, 4), rejected: tuple[Rejected, ...] = (), **changes: Any  # noqa: ANN401
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
