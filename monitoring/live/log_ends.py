"""How a job's own log begins and how it ends: what it printed, without the middle of a long one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.layout import CampaignFolder

__all__ = ["LogEnds", "log_ends"]

_HEAD_BYTES = 8_000
_TAIL_BYTES = 32_000
_LONGEST_LINE = 1_000


@dataclass(frozen=True)
class LogEnds:
    """Both ends of a log.

    Attributes:
        path: of the log.
        head, tail: its first and last lines; all lines are in `head` where the log is short.
        left_out_bytes: between them.
        log_bytes: of the whole log.
        note: why there is none; empty if there is one.

    """

    path: Path
    head: tuple[str, ...]
    tail: tuple[str, ...] = ()
    left_out_bytes: int = 0
    log_bytes: int = 0
    note: str = ""


def log_ends(folder: CampaignFolder, block: int, job: int, most_head: int = 20, most_tail: int = 80) -> LogEnds:
    """Read the first and last lines of a job's log.

    Args:
        folder: of the campaign.
        block: number of the block.
        job: number of the job.
        most_head: lines of its beginning.
        most_tail: lines of its end.

    """
    path = folder.block(block).logs / f"{job}.log"
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            first = file.read(_HEAD_BYTES)
            file.seek(max(len(first), size - _TAIL_BYTES))
            gap, last = file.tell() - len(first), file.read(_TAIL_BYTES)
    except FileNotFoundError:
        return LogEnds(path, (), note="there is no log here: HTCondor brings it when the job runs or has ended")
    except OSError as error:
        return LogEnds(path, (), note=f"it cannot be read now: {error.strerror}")
    if not gap:
        lines = _lines(first + last)
        if len(lines) <= most_head + most_tail:
            return LogEnds(path, lines, log_bytes=size)
        head, tail = lines[:most_head], lines[-most_tail:]
    else:
        # Lines that the cut goes through are left out.
        head, tail = _lines(first.rpartition(b"\n")[0])[:most_head], _lines(last.partition(b"\n")[2])[-most_tail:]
    shown = sum(len(line.encode()) + 1 for line in (*head, *tail))
    return LogEnds(path, head, tail, max(1, size - shown), size)


def _lines(text: bytes) -> tuple[str, ...]:
    lines = text.decode(errors="replace").splitlines()
    return tuple(line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in lines)
