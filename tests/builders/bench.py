"""A planned campaign whose jobs end as a test says: real manifest, real outputs, records made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from jobs.exits import ExitClass
from jobs.layout import CampaignFolder
from jobs.payload.output import ScoredEvent, ScoresFile
from jobs.payload.prepare import PreparedEvent
from jobs.payload.schema import OutputProvenance
from jobs.payload.worker import Worker
from jobs.planning.count import InputFile, Inputs, Rejected
from jobs.planning.plan import Plan, plan, write_plan
from jobs.reco.event import EventId
from jobs.reco.views import EventViews
from jobs.spec.campaign import load_campaign_and_sites
from tests.builders.records import RecordWriter

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.manifest import ManifestJob
    from jobs.record import Record

__all__ = ["Bench", "begin", "write_site", "write_spec"]


def write_spec(folder: Path, **changes: Any) -> Path:  # noqa: ANN401 - whatever YAML can hold, the wrong included
    """Write a good spec with some keys changed or, where None, taken out; returns its path."""
    (folder / "network.onnx").write_bytes(b"a network")
    document = {
        "name": "small",
        "inputs": "data/*.root",
        "sites": "local",
        "jobs": {"events_per_job": 2, "jobs_per_block": 3},
        "network": {"file": "network.onnx"},
        **changes,
    }
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in document.items() if value is not None}))
    return path


def write_site(folder: Path) -> Path:
    """Write a folder of site configs with one site, `local`; returns the folder."""
    sites = folder / "sites"
    sites.mkdir(exist_ok=True)
    (sites / "local.yaml").write_text("endpoints: triton.example.org:8001\nuplink: 10 Gb/s\n")
    return sites


def begin(
    folder: Path,
    entries: tuple[int, ...] = (5, 4),
    rejected: tuple[Rejected, ...] = (),
    **changes: Any,  # noqa: ANN401 - keys of a spec
) -> Bench:
    """Plan a campaign over files that are only said to be there; returns the bench to end its jobs on."""
    campaign, sites = load_campaign_and_sites(write_spec(folder, **changes), write_site(folder))
    files = tuple(InputFile(f"/data/{i}.root", f"uuid-{i}", count) for i, count in enumerate(entries))
    made = plan(campaign, sites, Inputs(files, rejected))
    results = CampaignFolder(campaign.folder)
    write_plan(made, results)
    return Bench(results, made)


@dataclass
class Bench:
    """A planned campaign; an event in it has as many hits as its entry modulo 4, so that some have none."""

    folder: CampaignFolder
    made: Plan

    @property
    def jobs(self) -> dict[int, ManifestJob]:
        """The jobs of the manifest, by number."""
        return {job.job: job for job in self.made.manifest.jobs()}

    def finish(self, number: int, *, attempt: int = 0, **changes: Any) -> Path:  # noqa: ANN401 - fields of a record
        """Write output and record of a job that succeeded; returns the output's path."""
        job = self.jobs[number]
        path = self.folder.root / job.output_file
        output = ScoresFile(path, Worker("local", "host", "cpu", cluster=1, proc=number, attempt=attempt))
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
            campaign=self.made.campaign.name,
            manifest_digest=self.made.manifest.digest,
            software_version="0",
            block=job.block,
            job=job.job,
        )
        finished = output.finish(provenance)
        output.commit()
        done = {"output_file": str(path), "output_bytes": finished.bytes, "output_sha256": finished.sha256}
        self.report(number, ExitClass.DONE, attempt=attempt, **{"events": job.events, **done, **changes})
        return path

    def report(self, number: int, exit_class: ExitClass, *, attempt: int = 0, **changes: Any) -> Record:  # noqa: ANN401
        """Write the record of an attempt."""
        job = self.jobs[number]
        values: dict[str, Any] = {
            "campaign": self.made.campaign.name,
            "manifest_digest": self.made.manifest.digest,
            "block": job.block,
            "flavour": job.flavour,
            "input_file": job.input_file,
            "input_uuid": job.input_uuid,
            "entry_start": job.entry_start,
            "entry_stop": job.entry_stop,
        }
        return RecordWriter(self.folder.block(job.block).records).write(
            number, attempt, exit_class, **{**values, **changes}
        )


def _event(job: ManifestJob, entry: int) -> ScoredEvent:
    n_hits = entry % 4
    prepared = PreparedEvent(
        id=EventId(run=job.job, subrun=1, event=entry),
        entry=entry,
        hit_channel=np.arange(n_hits, dtype=np.int32),
        hit_peak_tick=np.full(n_hits, entry, dtype=np.float32),
        views=EventViews(views=(), hit_index=np.arange(n_hits)),
    )
    em_trk_none = np.tile(np.array([0.5, 0.25, 0.25], dtype=np.float32), (n_hits, 1))
    return ScoredEvent(prepared, em_trk_none, np.full(n_hits, entry / 100, dtype=np.float32))
