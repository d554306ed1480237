"""Where an attempt's files are on this worker: where the block says, or in the sandbox that HTCondor filled."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.layout import BlockFolder
from jobs.reco.url import is_url

if TYPE_CHECKING:
    from jobs.block import Block, BlockJob
    from jobs.payload.worker import Worker

__all__ = ["Places", "sandbox_places", "shared_places"]

_SCRATCH = "_CONDOR_SCRATCH_DIR"
"""Environment variable with the folder that HTCondor removes after the job, however it ends."""


@dataclass(frozen=True)
class Places:
    """Where one attempt reads and writes.

    Attributes:
        block: the block, with the network's file as it is called here.
        job: the job, with its input as it is called here.
        output: the output, once it is complete.
        partial_folder: where the output is until then, on the same file system.
        record: the record.
        home: the input's name at home, which errors are to name.
        checkpoints: folder of the job's checkpoints.
        leaves_to_save: whether HTCondor takes them home when the job ends with `CHECKPOINT_EXIT`, and starts it again.
        staged_to: path or URL that the job itself puts the output to; empty if it belongs where it is written.

    """

    block: Block
    job: BlockJob
    output: Path
    partial_folder: Path
    record: Path
    home: str
    checkpoints: Path
    leaves_to_save: bool = False
    staged_to: str = ""

    def at_home(self, text: str) -> str:
        """Return a message with the input's name as the campaign knows it."""
        return text.replace(self.job.input_file, self.home)


def shared_places(block: Block, job: BlockJob, worker: Worker) -> Places:
    """Return the places that the block names, on a file system that the worker shares."""
    output, folder, staged_to = Path(job.output_file), _folder(block), ""
    if block.staged:
        scratch = Path(os.environ.get(_SCRATCH) or tempfile.gettempdir())
        output, staged_to = scratch / output.name, job.output_file
    return Places(
        block=block,
        job=job,
        output=output,
        partial_folder=output.parent,
        record=_record(block, job, worker),
        home=job.input_file,
        checkpoints=folder.checkpoints,
        staged_to=staged_to,
    )


def sandbox_places(
    block: Block, job: BlockJob, worker: Worker, returned: Path, *, leaves_to_save: bool = False
) -> Places:
    """Return the places in the sandbox, which is the working directory.

    Args:
        block: as it came from home.
        job: one of its jobs.
        worker: whose attempt this is.
        returned: the folder that HTCondor brings home; an output is named after its record there, so that the files of
            two attempts cannot be taken for one another.
        leaves_to_save: whether HTCondor saves that folder when the job ends with `CHECKPOINT_EXIT`.

    """
    sandbox = Path.cwd()
    here = job if is_url(job.input_file) else job.model_copy(update={"input_file": _carried(job.input_file, sandbox)})
    network = block.network.model_copy(update={"file": _carried(block.network.file, sandbox)})
    record = returned.resolve() / _record(block, job, worker).name
    return Places(
        block=block.model_copy(update={"network": network}),
        job=here,
        output=record.with_suffix(".root"),
        partial_folder=sandbox,
        record=record,
        home=job.input_file,
        checkpoints=returned.resolve(),
        leaves_to_save=leaves_to_save,
        staged_to=job.output_file if block.staged else "",
    )


def _carried(path: str, sandbox: Path) -> str:
    return str(sandbox / Path(path).name) if path else ""


def _record(block: Block, job: BlockJob, worker: Worker) -> Path:
    """The name of a record is spelled in one place, which starts from the block's folder."""
    return _folder(block).record(job.job, worker.cluster, worker.attempt)


def _folder(block: Block) -> BlockFolder:
    return BlockFolder(Path(block.records).parent)
