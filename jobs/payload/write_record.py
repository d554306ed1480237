"""Puts down what an attempt did: its record, and what its output says of its making."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.payload.errors import OutputRefused
from jobs.payload.schema import OutputProvenance
from jobs.reco.write import software_version
from jobs.record import Record, pack_record
from jobs.replace_file import replace_file

if TYPE_CHECKING:
    from jobs.block import Block, BlockJob
    from jobs.payload.places import Places
    from jobs.payload.progress import Progress
    from jobs.payload.worker import Worker
    from sonic.pace import Pacer

__all__ = ["Ending", "RecordWriter"]

_LONGEST_ERROR = 2_000
"""Characters of an error that go into the record; the whole is in the job's log."""


@dataclass(frozen=True)
class Ending:
    """How an attempt ended.

    Attributes:
        exit_class: the class that the exit status says.
        error: what the record says; empty if all went well.
        trace: the traceback of a bug, for the job's log; otherwise empty.
        again: whether this is no end: HTCondor is to bring the checkpoint home and start the job again.

    """

    exit_class: ExitClass
    error: str = ""
    trace: str = ""
    again: bool = False


class RecordWriter:
    """Knows whose record it is.

    Args:
        block: the block that the job belongs to.
        job: the job.
        flavour: where the network runs.
        worker: where this process runs.
        places: where its files are on this worker.
        progress: what the attempt does.
        started: start of this process, seconds since the epoch.
        pacer: keeps the attempt to its share of the site's link; None if nothing does.

    """

    def __init__(
        self,
        block: Block,
        job: BlockJob,
        flavour: Literal["gpu", "cpu"],
        worker: Worker,
        places: Places,
        progress: Progress,
        started: float,
        pacer: Pacer | None,
    ) -> None:
        self._block = block
        self._job = job
        self._flavour = flavour
        self._worker = worker
        self._places = places
        self._progress = progress
        self._started = started
        self._pacer = pacer
        access = block.sites.get(worker.site)
        self._wire_format = "patches" if access is None else access.wire_format

    def provenance(self) -> OutputProvenance:
        """Return what the output says of its making."""
        return OutputProvenance(
            input_file=self._job.input_file,
            input_uuid=self._progress.input_uuid,
            entry_start=self._job.entry_start,
            entry_stop=self._job.entry_stop,
            model=self._block.network.name,
            model_version=self._block.network.version,
            flavour=self._flavour,
            campaign=self._block.campaign,
            manifest_digest=self._block.manifest_digest,
            software_version=software_version(),
            block=self._block.block,
            job=self._job.job,
        )

    def write(self, ending: Ending) -> None:
        """Write the record.

        Raises:
            OutputRefused: the file system does not take it.

        """
        worker, progress, done = self._worker, self._progress, ending.exit_class is ExitClass.DONE
        spent, share_mbps = progress.spent(self._started), None if self._pacer is None else self._pacer.rate_mbps
        max_rss_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        record = Record(
            version=1,
            campaign=self._block.campaign,
            manifest_digest=self._block.manifest_digest,
            block=self._block.block,
            job=self._job.job,
            attempt=worker.attempt,
            cluster=worker.cluster,
            proc=worker.proc,
            flavour=self._flavour,
            site=worker.site,
            host=worker.host,
            cpu_model=worker.cpu_model,
            endpoint=progress.endpoint,
            wire_format=self._wire_format,
            model=self._block.network.name,
            model_version=self._block.network.version,
            software_version=software_version(),
            input_file=self._job.input_file,
            input_uuid=progress.input_uuid,
            entry_start=self._job.entry_start,
            entry_stop=self._job.entry_stop,
            exit_class=ending.exit_class,
            error=ending.error[:_LONGEST_ERROR],
            started=spent.started,
            ended=time.time(),
            stages=spent.stages,
            cpu_s=spent.cpu_s,
            max_rss_mb=max_rss_kib * 1024 / 1e6,
            events=progress.resumed_events + progress.events if done else 0,
            hits=progress.resumed_hits + progress.hits if done else 0,
            hits_on_cpu=progress.resumed_on_cpu + progress.hits_on_cpu if done else 0,
            events_resumed=max(0, progress.resumed_events - progress.before.events) if done else 0,
            hits_resumed=max(0, progress.resumed_hits - progress.before.hits) if done else 0,
            events_kept=0 if done else spent.events,
            bytes_sent=spent.bytes_sent,
            bytes_received=spent.bytes_received,
            requests=spent.requests,
            retries=spent.retries,
            paced_s=spent.paced_s,
            latency_s=spent.latency_s,
            latency_counts=spent.latency_counts,
            share_mbps=share_mbps or 0.0,
            output_file=self._job.output_file if done else "",
            output_bytes=progress.output_bytes if done else 0,
            output_sha256=progress.output_sha256 if done else "",
        )
        try:
            replace_file(self._places.record, pack_record(record))
        except CampaignError as error:
            raise OutputRefused(f"the record cannot be written: {error}") from error
