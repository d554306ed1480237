"""Records of attempts into the store as they arrive, each exactly once, with what the workers' clocks are off by."""

from __future__ import annotations

import os
from io import FileIO
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from jobs.exits import ExitClass
from jobs.record import parse_record
from monitoring.failures import first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import DirEntry

    from jobs.layout import BlockFolder
    from jobs.record import Record
    from monitoring.collecting.batch import Batch
    from monitoring.collecting.job_rows import JobRow

__all__ = ["CLOCK_TOLERANCE_S", "new_records", "take_records"]

CLOCK_TOLERANCE_S = 60.0
"""A job's process starts within seconds of the event that says so; more than this is the clock."""

_ERROR_LENGTH = 2000

_PLAIN = (
    "job",
    "cluster",
    "attempt",
    "block",
    "flavour",
    "site",
    "host",
    "cpu_model",
    "endpoint",
    "software_version",
    "exit_class",
    "input_file",
    "entry_start",
    "entry_stop",
    "started",
    "ended",
    "cpu_s",
    "max_rss_mb",
    "events",
    "hits",
    "hits_on_cpu",
    "events_resumed",
    "hits_resumed",
    "bytes_sent",
    "bytes_received",
    "requests",
    "retries",
    "paced_s",
    "latency_s",
    "share_mbps",
    "output_bytes",
)
_STAGES = ("startup_s", "read_s", "prepare_s", "inference_s", "write_s")
_plain_of, _stages_of = attrgetter(*_PLAIN), attrgetter(*_STAGES)
_COLUMNS = (*_PLAIN, *_STAGES, "model", "error", "ended_at", "latency_counts")
_INSERT = f"INSERT OR IGNORE INTO attempts ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def new_records(folder: BlockFolder, known: frozenset[str]) -> Iterator[DirEntry[str]]:
    """Yield the records of a block that are not known by name; one that is being written has another name."""
    try:
        entries = os.scandir(folder.records)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.name not in known and entry.name.endswith(".json") and not entry.name.startswith("."):
                yield entry


def take_records(batch: Batch, found: Iterable[DirEntry[str]], digest: str) -> frozenset[str]:
    """Take records.

    Args:
        batch: takes them.
        found: the files.
        digest: of the manifest; a record of another one is counted and left out.

    Returns:
        The names of files that need not be looked at again: all but those that could not be read.

    """
    clocks = dict(batch.connection.execute("SELECT host, ahead_s FROM clocks"))
    settled = set()
    for entry in found:
        path = entry.path
        try:
            # Without a buffer, and without a `Path`, which take longer than the reading.
            with FileIO(path) as file:
                record = parse_record(file.readall())
        except (OSError, ValueError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            text = f"{path}: no readable record ({reason}); its attempt is missing until the file is whole"
            batch.notes.say(path, text, batch.now, standing=True)
            continue
        settled.add(entry.name)
        batch.notes.settle(path)
        if record.manifest_digest != digest:
            folder = str(Path(path).parent)
            batch.notes.say(folder, f"{folder}: records of an earlier plan are left out", batch.now)
            continue
        _take(batch, record, clocks)
    return frozenset(settled)


def _take(batch: Batch, record: Record, clocks: dict[str, float]) -> None:
    row = batch.rows.by_number(record.job)
    ahead_s = _ahead_s(batch, record, row, clocks)
    ended_at = record.ended - (ahead_s if abs(ahead_s) > CLOCK_TOLERANCE_S else 0.0)
    done = record.exit_class is ExitClass.DONE
    values = (
        *_plain_of(record),
        *_stages_of(record.stages),
        f"{record.model}, version {record.model_version}",
        record.error[:_ERROR_LENGTH],
        ended_at,
        ",".join(map(str, record.latency_counts)),
    )
    if not batch.connection.execute(_INSERT, values).rowcount:
        return
    wall_s = max(0.0, record.ended - record.started)
    made = (record.events, record.hits, record.bytes_sent, record.bytes_received) if done else (0, 0, 0, 0)
    batch.sums.add_ended(ended_at, record.site, record.flavour, (done, not done, *made, wall_s, record.cpu_s))
    if row is not None:
        _tell_job(batch, record, row, done=done)


def _tell_job(batch: Batch, record: Record, row: JobRow, *, done: bool) -> None:
    row.attempts += 1
    kept_done = row.record_class == ExitClass.DONE
    newer = record.started >= row.record_started
    # As in `jobs.running.outcome.final_records`, in whatever order they arrive.
    if not row.record_class or (done and (not kept_done or newer)) or (not kept_done and newer):
        row.record_class, row.record_started = str(record.exit_class), record.started
        if not row.outcome:
            row.error = first_line(record.error)
    if record.cluster == row.cluster and record.attempt >= row.beat_attempt:
        row.worker = record.host or row.worker
        batch.rows.place(row, record.site or row.site, record.flavour)
    batch.rows.settle(row)


def _ahead_s(batch: Batch, record: Record, row: JobRow | None, clocks: dict[str, float]) -> float:
    """Return by how much the worker's clock is ahead of the one that the event log is written with, seconds."""
    if row is None or not row.began or (record.cluster, record.attempt) != (row.cluster, row.starts - 1):
        return clocks.get(record.host, 0.0)
    ahead_s = record.started - row.began
    text = (
        f"{record.host}: its clock differs by more than {CLOCK_TOLERANCE_S:.0f} s from that of the submit machine; "
        "the ends of its attempts are put where the event log has them; synchronize the clocks"
    )
    if abs(ahead_s) > CLOCK_TOLERANCE_S:
        batch.notes.say(f"clock of {record.host}", text, batch.now, standing=True)
        _note_clock(batch, record.host, ahead_s, clocks)
    elif record.host in clocks:
        batch.notes.settle(f"clock of {record.host}")
        _note_clock(batch, record.host, ahead_s, clocks)
    return ahead_s


def _note_clock(batch: Batch, host: str, ahead_s: float, clocks: dict[str, float]) -> None:
    clocks[host] = ahead_s
    batch.connection.execute("INSERT OR REPLACE INTO clocks VALUES (?, ?, ?)", (host, ahead_s, batch.now))
