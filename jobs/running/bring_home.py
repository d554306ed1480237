"""Puts in place what jobs without a shared file system brought home: outputs first, then the records that name them.

HTCondor writes a block's ``returned`` folder file by file, and it may be cut off at any byte. Every attempt's files
have names of their own there, ``JOB.CLUSTER.ATTEMPT.json`` and ``.root``. A record that is whole says how large its
output is: only when both are whole they get their final names, by rename, so that outputs are complete or absent and
a record of success never stands without its output.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.block import read_block
from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.record import read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.block import Block
    from jobs.layout import BlockFolder
    from jobs.record import Record

__all__ = ["bring_home"]


def bring_home(folder: BlockFolder) -> int:
    """Put every file in place that has come home whole; what is still on its way stays for the next call.

    Returns:
        The number of records that were put in place.

    Raises:
        CampaignError: a file cannot be put in place, or the block's description cannot be read.

    """
    for path in folder.returned.glob("*.checkpoint"):
        _keep(path, folder)
    waiting = sorted(_whole_records(folder), key=lambda pair: (pair[1].started, pair[1].job))
    if not waiting:
        return 0
    block = read_block(folder.description)
    # Files of an earlier plan stay where they are: the same number may be another job now.
    return sum(_place(path, record, folder, block) for path, record in waiting if _is_ours(record, block))


def _keep(path: Path, folder: BlockFolder) -> None:
    """Put a checkpoint of a job that failed where a later attempt looks for it; one that is cut is found out there."""
    folder.checkpoints.mkdir(exist_ok=True)
    with suppress(FileNotFoundError):
        path.replace(folder.checkpoints / path.name)


def _whole_records(folder: BlockFolder) -> Iterator[tuple[Path, Record]]:
    for path in folder.returned.glob("*.json"):
        try:
            yield path, read_record(path)
        except CampaignError:
            # Half of it is here yet, or another process has just put it in place.
            continue


def _is_ours(record: Record, block: Block) -> bool:
    """Whether a record is of this plan and names the output as the block does: no worker chooses where files go."""
    if record.manifest_digest != block.manifest_digest:
        return False
    return record.exit_class is not ExitClass.DONE or record.output_file == block.find(record.job).output_file


def _place(path: Path, record: Record, folder: BlockFolder, block: Block) -> bool:
    try:
        # A job that puts its output in place by itself brings home the record alone.
        if record.exit_class is ExitClass.DONE and not block.staged:
            output = path.with_suffix(".root")
            if output.stat().st_size != record.output_bytes:
                return False
            _move(output, Path(record.output_file))
        _move(path, folder.record(record.job, record.cluster, record.attempt))
    except FileNotFoundError:
        # The output is not here yet, or another process has just put it in place.
        return False
    except OSError as error:
        message = f"{path}: what a job brought home cannot be put in place: {error}"
        raise CampaignError(f"{message}; correct space and permissions, and run `sonicgrid submit` again") from error
    return True


def _move(source: Path, target: Path) -> None:
    """Rename, with the content on the disk before the name is."""
    with source.open("rb") as file:
        os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
