"""A block's event log into the store: states of its jobs, and what they said of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import htcondor2

from jobs.errors import CampaignError
from jobs.heartbeat import decode
from jobs.running.event_text import EVENT_END, read_events
from jobs.running.standing import after, given_up, gives_up, jobs_given_up, submitted
from monitoring.collecting.tail import read_position, read_stretch, write_position

if TYPE_CHECKING:
    from jobs.layout import BlockFolder
    from jobs.running.standing import LogEvent
    from monitoring.collecting.batch import Batch
    from monitoring.collecting.job_rows import JobRow
    from monitoring.collecting.tail import Position

__all__ = ["TakenLog", "take_log"]

_Type = htcondor2.JobEventType
_GENERIC, _EXECUTE, _TERMINATED, _HELD = (
    int(_Type.GENERIC),
    int(_Type.EXECUTE),
    int(_Type.JOB_TERMINATED),
    int(_Type.JOB_HELD),
)

_LONG_BYTES = 1 << 18
"""From so much on, a block's jobs are fetched in one query, which takes less time than one for each job."""

_ADDRESS_LENGTH = 60


@dataclass(frozen=True)
class TakenLog:
    """What was taken.

    Attributes:
        events: of HTCondor, heartbeats among them.
        more: whether there is more to take at once.
        position: up to where; it holds once the batch is committed.

    """

    events: int
    more: bool
    position: Position | None


def take_log(batch: Batch, number: int, folder: BlockFolder, position: Position | None) -> TakenLog:
    """Take the next stretch of a block's event log.

    Args:
        batch: takes it.
        number: of the block.
        folder: of the block.
        position: where the last stretch ended; None to look it up.

    """
    name = f"{number}"
    before = position or read_position(batch.connection, name)
    source = str(folder.events_log)
    try:
        stretch = read_stretch(folder.events_log, before, EVENT_END)
    except OSError as error:
        text = f"{source}: cannot be read now: {error.strerror}; the jobs of block {number} stand still until it can"
        batch.notes.say(source, text, batch.now, standing=True)
        return TakenLog(0, more=False, position=before)
    if stretch.note:
        batch.notes.say(source, stretch.note, batch.now)
    if stretch.position == before:
        return TakenLog(0, more=False, position=before)
    batch.notes.settle(source)
    if len(stretch.data) > _LONG_BYTES:
        batch.rows.of_block(number)
    events = damaged = 0
    for event in read_events(stretch.data):
        if event is None:
            damaged += 1
        else:
            events += 1
            _take(batch, number, folder, event)
    if damaged:
        text = f"{source}: pieces of it are no whole events, as after a full disk or a crash; they are passed over"
        for _ in range(damaged):
            batch.notes.say(source, text, batch.now)
    write_position(batch.connection, name, stretch.position)
    return TakenLog(events, stretch.more, stretch.position)


def _take(batch: Batch, block: int, folder: BlockFolder, event: LogEvent) -> None:
    rows = batch.rows
    if event.type == _GENERIC:
        _hear(batch, block, folder, event)
        return
    if event.job >= 0:
        row = rows.by_number(event.job)
        if row is not None and row.block == block:
            _begin_attempt(row, 0.0)
            rows.stands(row, submitted(event))
            rows.place(row, "", row.flavour)
        return
    if gives_up(event):
        for job in jobs_given_up(folder, event.cluster, (row.job for row in rows.of_block(block))):
            row = rows.by_number(job)
            if row is not None and row.block == block:
                rows.stands(row, given_up(row.standing, event))
        return
    row = rows.by_proc(block, event.cluster, event.proc) if event.proc >= 0 else None
    if row is None:
        return
    if event.type == _EXECUTE:
        _begin_attempt(row, event.at)
        # A slot's name ends with its machine's; an address says less and is all that an old HTCondor gives.
        row.worker = event.slot.rpartition("@")[2] or event.host[:_ADDRESS_LENGTH]
    elif event.type == _HELD:
        row.hold_code, row.hold_subcode = event.hold_code, event.hold_subcode
    elif event.type == _TERMINATED:
        row.memory_mb, row.disk_mb = event.memory_mb, event.disk_mb
    before = row.standing
    standing = after(before, event)
    if standing is not before:
        rows.stands(row, standing)


def _begin_attempt(row: JobRow, at: float) -> None:
    """Forget what was said of the attempt before."""
    row.began = at
    row.hold_code = row.hold_subcode = 0
    row.memory_mb = row.disk_mb = -1.0
    row.beat_at, row.beat_attempt, row.beat_window_s = 0.0, -1, 0.0
    row.beat_bytes_sent, row.beat_paced_s, row.beat_inference_s = 0, 0.0, 0.0
    row.attempt_events, row.attempt_bytes_sent, row.share_mbps = 0, 0, None


def _hear(batch: Batch, block: int, folder: BlockFolder, event: LogEvent) -> None:
    try:
        beat = decode(event.text)
    except CampaignError:
        text = f"{folder.events_log}: a heartbeat in it cannot be read; its minute is missing from the live numbers"
        batch.notes.say(str(folder.events_log), text, batch.now)
        return
    if beat is None:
        return
    batch.sums.add_heartbeat(event.at, beat)
    row = batch.rows.by_proc(block, event.cluster, event.proc)
    if row is None or row.job != beat.job or event.at < row.beat_at:
        return
    row.beat_at, row.beat_attempt, row.beat_window_s = event.at, beat.attempt, beat.window_s
    row.beat_bytes_sent, row.beat_paced_s, row.beat_inference_s = beat.bytes_sent, beat.paced_s, beat.inference_s
    row.attempt_events, row.attempt_bytes_sent, row.share_mbps = (
        beat.total_events,
        beat.total_bytes_sent,
        beat.share_mbps,
    )
    batch.rows.change(row)
    batch.rows.place(row, beat.site or row.site, beat.flavour)
