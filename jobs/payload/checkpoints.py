"""Keeps what an attempt has scored where the next attempt finds it, and gives back what earlier ones kept."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.payload.checkpoint import (
    CheckpointHeader,
    CheckpointUnusable,
    WorkOf,
    pack_checkpoint,
    read_checkpoint,
)
from jobs.payload.say import say
from jobs.reco.write import software_version
from jobs.replace_file import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Literal

    from jobs.block import Block, BlockJob
    from jobs.payload.output import ScoredEvent
    from jobs.payload.progress import Progress
    from jobs.payload.worker import Worker

__all__ = ["Checkpoints"]

_NAME = re.compile(r"(\d+)\.(\d+)-(\d+)\.checkpoint")


class Checkpoints:
    """The checkpoints of one job, as one attempt sees them.

    Checkpoints are never changed: each holds the events that were scored since the one before, so that one which is
    damaged costs the events from there on, and two attempts that run at once cannot spoil each other's.

    Args:
        folder: where they are.
        block, job: whose they are, and how often there is to be one.
        flavour: where the network runs.
        worker: whose attempt this is.
        progress: what the attempt did; gets what it takes over.
        started: of this process, seconds since the epoch.

    """

    def __init__(
        self,
        folder: Path,
        block: Block,
        job: BlockJob,
        flavour: Literal["gpu", "cpu"],
        worker: Worker,
        progress: Progress,
        started: float,
    ) -> None:
        self._folder = folder
        self._block = block
        self._job = job
        self._flavour = flavour
        self._worker = worker
        self._progress = progress
        self._started = started
        self._waiting: list[ScoredEvent] = []
        self._next = job.entry_start
        self._saved_at = time.monotonic()
        self._saved_on_cpu = 0

    @property
    def wanted(self) -> bool:
        """Whether the campaign wants checkpoints at all."""
        return self._block.checkpoint_every_s > 0 or self._block.checkpoint_events > 0

    @property
    def due(self) -> bool:
        """Whether it is time for one, and there is still something to do after it."""
        if not self._waiting or self._next + len(self._waiting) >= self._job.entry_stop:
            return False
        many = 0 < self._block.checkpoint_events <= len(self._waiting)
        return many or 0 < self._block.checkpoint_every_s <= time.monotonic() - self._saved_at

    def resume(self, input_uuid: str) -> Iterator[ScoredEvent]:
        """Yield the events that earlier attempts kept, from the job's first entry on, without a gap.

        Args:
            input_uuid: of the input as it is now.

        """
        position = self._job.entry_start
        while self.wanted and position < self._job.entry_stop:
            found = self._find(position, self._work(input_uuid))
            if found is None:
                break
            header, events = found
            taken = events[position - header.entry_start :]
            self._take_over(header, taken)
            yield from taken
            position = header.entry_stop
        self._next = position
        self._saved_at = time.monotonic()
        if position > self._job.entry_start:
            say(f"job {self._job.job}: goes on from entry {position}: the events before it were kept\n")

    def add(self, event: ScoredEvent) -> None:
        """Remember one event that this attempt scored, in the order of the entries."""
        if self.wanted:
            self._waiting.append(event.without_views())

    def save(self) -> bool:
        """Write what was scored since the last checkpoint; returns whether it is safe now.

        A file system that does not take it costs the safety and not the job.
        """
        if not self._waiting:
            return False
        start, stop = self._next, self._next + len(self._waiting)
        hits = sum(len(one.michel) for one in self._waiting)
        on_cpu = min(hits, self._progress.hits_on_cpu - self._saved_on_cpu)
        header = CheckpointHeader(
            **vars(self._work(self._progress.input_uuid)),
            cluster=self._worker.cluster,
            proc=self._worker.proc,
            attempt=self._worker.attempt,
            entry_start=start,
            entry_stop=stop,
            hits_on_cpu=on_cpu,
            spent=self._progress.spent(self._started, events=len(self._waiting), hits=hits),
        )
        try:
            replace_file(
                self._folder / f"{self._job.job:07d}.{start}-{stop}.checkpoint", pack_checkpoint(header, self._waiting)
            )
        except CampaignError as error:
            say(f"warning: no checkpoint could be written: {error}\n")
            self._saved_at = time.monotonic()
            return False
        self._progress.kept_events += len(self._waiting)
        self._progress.kept_hits += hits
        self._waiting, self._next = [], stop
        self._saved_at, self._saved_on_cpu = time.monotonic(), self._progress.hits_on_cpu
        return True

    def clear(self) -> None:
        """Remove every checkpoint of the job, which has its output now."""
        for path in self._folder.glob(f"{self._job.job:07d}.*.checkpoint"):
            with suppress(OSError):  # one that stays only takes room
                path.unlink()

    def _work(self, input_uuid: str) -> WorkOf:
        return WorkOf(
            campaign=self._block.campaign,
            manifest_digest=self._block.manifest_digest,
            job=self._job.job,
            input_uuid=input_uuid,
            model=self._block.network.name,
            model_version=self._block.network.version,
            flavour=self._flavour,
            software_version=software_version(),
        )

    def _find(self, position: int, work: WorkOf) -> tuple[CheckpointHeader, list[ScoredEvent]] | None:
        """Return a checkpoint that holds the event at a position, the one that leads farthest first."""
        found: list[tuple[int, Path]] = []
        for path in self._folder.glob(f"{self._job.job:07d}.*.checkpoint"):
            name = _NAME.fullmatch(path.name)
            if name and int(name[2]) <= position < int(name[3]) <= self._job.entry_stop:
                found.append((int(name[3]), path))
        for stop, path in sorted(found, reverse=True):
            try:
                header, events = read_checkpoint(path, work)
                if not header.entry_start <= position < header.entry_stop == stop:
                    raise CheckpointUnusable(f"{path}: holds other entries than its name says")
            except CheckpointUnusable as error:
                say(f"note: {error}; its events are scored again\n")
                continue
            return header, events
        return None

    def _take_over(self, header: CheckpointHeader, events: list[ScoredEvent]) -> None:
        progress, hits = self._progress, sum(len(one.michel) for one in events)
        progress.resumed_events += len(events)
        progress.resumed_hits += hits
        progress.resumed_on_cpu += min(hits, header.hits_on_cpu)
        this = (self._worker.cluster, self._worker.proc, self._worker.attempt)
        if self._worker.in_htcondor and (header.cluster, header.proc, header.attempt) == this:
            # HTCondor does not count it as a new attempt when it starts a job that left to have its files saved.
            progress.before = header.spent
