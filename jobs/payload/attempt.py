"""One attempt of one job: events in, scores out, and a record whatever happens."""

from __future__ import annotations

import time
import traceback
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from jobs.exits import EXITS, ExitClass
from jobs.payload.checkpoints import Checkpoints
from jobs.payload.chirp import find_chirp
from jobs.payload.done_already import done_already
from jobs.payload.errors import OutputRefused, class_of_error
from jobs.payload.flavour import open_scorer
from jobs.payload.heartbeat import Heart
from jobs.payload.output import ScoredEvent
from jobs.payload.places import shared_places
from jobs.payload.prepare import Preparer
from jobs.payload.progress import Progress
from jobs.payload.say import say
from jobs.payload.share import FLOOR_MBPS, first_pacer, follow_share
from jobs.payload.stage_out import open_output
from jobs.payload.worker import seconds_since_start
from jobs.payload.write_record import Ending, RecordWriter
from sonic.network import EM_TRK_NONE_LABELS

if TYPE_CHECKING:
    from jobs.block import Block, BlockJob
    from jobs.payload.output import ScoresFile
    from jobs.payload.places import Places
    from jobs.payload.prepare import PreparedEvent
    from jobs.payload.stage_out import StagedFile
    from jobs.payload.stop import StopSwitch
    from jobs.payload.worker import Worker
    from sonic.scores import Scorer

__all__ = ["Attempt"]


class Attempt:
    """Runs a job once.

    Args:
        block: the block that the job belongs to.
        job: the job.
        worker: where this process runs.
        switch: turns SIGTERM into `Stopped`.
        places: where its files are on this worker; by default where the block says.

    """

    def __init__(
        self, block: Block, job: BlockJob, worker: Worker, switch: StopSwitch, places: Places | None = None
    ) -> None:
        self._block = block
        self._job = job
        self._worker = worker
        self._places = places or shared_places(block, job, worker)
        self._switch = switch
        started = time.time() - seconds_since_start()
        self._access = block.sites.get(worker.site)
        self._flavour = worker.flavour if job.flavour == "auto" else job.flavour
        self._pacer = first_pacer(self._access, worker) if self._flavour == "gpu" else None
        self.progress = Progress()
        self._checkpoints = Checkpoints(
            self._places.checkpoints, block, job, self._flavour, worker, self.progress, started
        )
        self._record = RecordWriter(
            block, job, self._flavour, worker, self._places, self.progress, started, self._pacer
        )

    def run(self) -> Ending:
        """Do the work and write the record; every exception becomes an ending."""
        self.progress.stages.add("startup_s", seconds_since_start())
        if self._worker.in_htcondor and done_already(self._block, self._job):
            # HTCondor lost the end of an earlier attempt; its output and its record stand.
            return Ending(ExitClass.DONE)
        try:
            self._switch.arm()
            ending = self._work()
        except BaseException as error:  # noqa: BLE001  # the record must say how it ended, whatever it was
            self._switch.acknowledge()
            ending = self._keep(self._ending_of(error))
            if ending.again:
                return ending
            try:
                self._record.write(ending)
            except OutputRefused as refusal:
                ending = replace(ending, error=f"{ending.error}; and: {refusal}")
        return ending

    def _work(self) -> Ending:
        output = None
        try:
            with ExitStack() as stack:
                # The file first: it is read ahead while the library of the flavour is being imported.
                events = stack.enter_context(
                    Preparer(
                        self._places.job.input_file,
                        self._job.entry_start,
                        self._job.entry_stop,
                        adc_per_electron=self._block.reco.adc_per_electron,
                        rest_of_chain_s=self._block.reco.rest_of_chain_s,
                        progress=self.progress,
                        resume=self._checkpoints.resume,
                    )
                )
                self._talk_with_htcondor(stack)
                scorer = stack.enter_context(open_scorer(self._places.block, self._flavour, self._worker, self._pacer))
                self.progress.scorer = scorer
                with self.progress.stages.timed("write_s"):
                    output = open_output(self._places, self._worker)
                for event in events:
                    if isinstance(event, ScoredEvent):
                        output.add(event)
                        continue
                    self._score(event, scorer, output)
                    if self._checkpoints.due and self._save() and self._places.leaves_to_save:
                        self.progress.again = True
                        break
            return self._leave() if self.progress.again else self._finish(output)
        finally:
            if output is not None:
                output.discard()

    def _talk_with_htcondor(self, stack: ExitStack) -> None:
        """Follow the share and send heartbeats until the stack is left, where HTCondor listens."""
        chirp = find_chirp(self._worker.chirp_config)
        if chirp is None or self._access is None:
            if self._pacer is not None and self._worker.in_htcondor:
                # Nobody can tell this job when its share becomes smaller.
                self._pacer.set_rate(min(self._pacer.rate_mbps or 0.0, FLOOR_MBPS))
            return
        wire_format = self._access.wire_format
        heart = Heart(chirp, self._job.job, self._flavour, self._worker, self.progress, self._pacer, wire_format)
        stack.enter_context(heart.beating(self._access.heartbeat_s))
        if self._pacer is not None:
            stack.enter_context(follow_share(self._pacer, chirp, self._worker.site, self._block.shares))

    def _score(self, event: PreparedEvent, scorer: Scorer, output: ScoresFile | StagedFile) -> None:
        em_trk_none = np.empty((len(event.hit_channel), len(EM_TRK_NONE_LABELS)), dtype=np.float32)
        michel = np.empty(len(event.hit_channel), dtype=np.float32)
        if event.views.views:
            with self.progress.stages.timed("inference_s"):
                scores = scorer.score(event.views.views)
            em_trk_none[event.views.hit_index] = np.concatenate([view.em_trk_none for view in scores])
            michel[event.views.hit_index] = np.concatenate([view.michel for view in scores])
        scored = ScoredEvent(event, em_trk_none, michel)
        with self.progress.stages.timed("write_s"):
            output.add(scored)
        self._checkpoints.add(scored)
        self.progress.events += 1
        self.progress.hits += len(michel)

    def _finish(self, output: ScoresFile | StagedFile) -> Ending:
        with self.progress.stages.timed("write_s"):
            finished = output.finish(self._record.provenance())
        self.progress.output_bytes = finished.bytes
        self.progress.output_sha256 = finished.sha256
        ending = Ending(ExitClass.DONE)
        # Output and record appear together: a signal comes before both or after both.
        with self._switch.held():
            with self.progress.stages.timed("write_s"):
                output.commit()
            try:
                self._record.write(ending)
            except OutputRefused:
                output.withdraw()
                raise
            self._checkpoints.clear()
            self._switch.acknowledge()
        return ending

    def _save(self) -> bool:
        with self._switch.held(), self.progress.stages.timed("write_s"):
            return self._checkpoints.save()

    def _leave(self) -> Ending:
        return Ending(
            ExitClass.STOPPED, "left to have its checkpoint brought home; HTCondor starts it again", again=True
        )

    def _keep(self, ending: Ending) -> Ending:
        """Keep what was scored when the attempt fails, if another one may have more luck.

        Where HTCondor must bring it home, the job leaves for that, and fails when it is started again and fails again.
        """
        if not EXITS[ending.exit_class].retry or not self._save():
            return ending
        if ending.exit_class is ExitClass.STOPPED or not self._places.leaves_to_save:
            return ending
        say(f"{ending.trace}warning: {ending.error}; first what it has scored is brought home\n")
        return self._leave()

    def _ending_of(self, error: BaseException) -> Ending:
        # Foreign code may have made an error of its own out of `Stopped`: C++ modules do so while they are imported.
        exit_class = ExitClass.STOPPED if self._switch.signal_name else class_of_error(error)
        text = self._places.at_home(str(error)) or type(error).__name__
        trace = ""
        if exit_class is ExitClass.STOPPED:
            text = f"stopped by {self._switch.signal_name}"
        elif exit_class is ExitClass.BUG:
            text = f"{type(error).__name__}: {text}"
            trace = "".join(traceback.format_exception(error))
        return Ending(exit_class, text, trace)
