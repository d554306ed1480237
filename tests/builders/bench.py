"""A planned campaign whose jobs end as a test says: real manifest, real outputs, records made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from builders.records import RecordWriter

from jobs.exits import ExitClass
from jobs.payload.output import ScoredEvent, ScoresFile
from jobs.payload.prepare import PreparedEvent
from jobs.payload.schema import OutputProvenance
from jobs.payload.worker import Worker
from jobs.reco.event import EventId
from jobs.reco.views import EventViews

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from jobs.manifest import ManifestJob
    from jobs.plan import Plan
    from jobs.record import Record

__all__ = ["Bench"]


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
