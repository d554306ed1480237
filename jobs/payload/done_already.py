"""Whether an earlier attempt of the same job has left all that it had to: then it must not run a second time.

HTCondor starts a job again whose end it lost: a schedd killed before it wrote that down, a shadow killed before it
heard. The second attempt would put another file in the place of the first one's, and a kill between its output and its
record would leave an output that no record vouches for.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.layout import BlockFolder
from jobs.record import read_record
from jobs.storage.errors import StorageRefused
from jobs.storage.storage import open_storage

if TYPE_CHECKING:
    from jobs.block import Block, BlockJob
    from jobs.record import Record

__all__ = ["done_already"]


def done_already(block: Block, job: BlockJob) -> bool:
    """Return whether a record of success of this plan vouches for the very bytes of the job's output.

    On a worker without the campaign's file system there is neither, and the answer is no.
    """
    folder = BlockFolder(Path(block.records).parent)
    pattern = folder.record(job.job, 0, 0).name.partition(".")[0] + ".*.json"
    for path in folder.records.glob(pattern):
        with suppress(CampaignError, StorageRefused):
            if _vouches(read_record(path), block, job):
                return True
    return False


def _vouches(record: Record, block: Block, job: BlockJob) -> bool:
    if record.exit_class is not ExitClass.DONE or record.manifest_digest != block.manifest_digest:
        return False
    content = open_storage(job.output_file).digest(job.output_file)
    return (content.bytes, content.sha256) == (record.output_bytes, record.output_sha256)
