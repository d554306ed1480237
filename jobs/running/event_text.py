"""HTCondor's event log as the text that it is: for who must know, to the byte, up to which event a log was read.

HTCondor's bindings take three to four times as long, and wait up to two seconds for the rest of an event that is
half-written; this leaves such a one alone. Both give the same `LogEvent`; a test compares them event by event.
"""

from __future__ import annotations

import calendar
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING

import htcondor2

from jobs.running.describe import EVENT_NOTE
from jobs.running.standing import LogEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EVENT_END", "read_events"]

EVENT_END = b"\n...\n"
"""What stands after every whole event."""

_HEAD = re.compile(rb"(\d{3}) \((\d+)\.(-?\d+)\.000\) (\S+) (\d\d:\d\d:\d\d)(\S*) ?")
_NEXT_HEAD = re.compile(rb"\d{3} \(\d+\.-?\d+\.000\) \d\S+ \d\d:\d\d:\d\d")
_HEAD_END = b".000) "
"""Ends the numbers of a head; the third of them is always 0."""

_NOTE = re.compile(re.escape(EVENT_NOTE.encode()) + rb"(\d+)")
_NORMAL = re.compile(rb"Normal termination \(return value (-?\d+)\)")
_SIGNAL = re.compile(rb"Abnormal termination \(signal (\d+)\)")
_HOLD_CODE = re.compile(rb"\n\tCode (-?\d+) Subcode (-?\d+)")
_SLOT = re.compile(rb"\n\tSlotName: (.+)")
_MEMORY = re.compile(rb"\n\t +Memory \(MB\) +: +(\d+)")
_DISK = re.compile(rb"\n\t +Disk \(KB\) +: +(\d+)")

_Type = htcondor2.JobEventType
_SUBMIT, _EXECUTE, _GENERIC = int(_Type.SUBMIT), int(_Type.EXECUTE), int(_Type.GENERIC)
_TERMINATED, _EVICTED = int(_Type.JOB_TERMINATED), int(_Type.JOB_EVICTED)
_HELD, _CLUSTER_REMOVE = int(_Type.JOB_HELD), int(_Type.CLUSTER_REMOVE)
_WITH_REASON = {int(_Type.JOB_ABORTED), int(_Type.JOB_RELEASED), int(_Type.JOB_RECONNECT_FAILED)}


def read_events(data: bytes) -> Iterator[LogEvent | None]:
    """Yield the events of a stretch of a log that begins and ends between two of them.

    Where a writer was cut off in the middle of an event (a full disk, a crash) and another went on, the piece that is
    not an event is yielded as None.
    """
    for text in data.split(EVENT_END):
        if not text.strip():
            continue
        event = _read(text) if text.count(_HEAD_END) == 1 else None
        if event is not None:
            yield event
            continue
        begins = [match.start() for match in _NEXT_HEAD.finditer(text)]
        # Only the newest of several heads is of an event that was written to its end.
        yield from [None] * max(1, len(begins) - (begins[:1] == [0]))
        if begins and begins != [0]:
            yield _read(text[begins[-1] :])


def _read(text: bytes) -> LogEvent | None:
    head = _HEAD.match(text)
    if head is None:
        return None
    what, whose, which, day, clock, zone = head.groups()
    number, cluster, proc = int(what), int(whose), int(which)
    try:
        at = _at(day, clock, zone.endswith(b"Z"))
    except (ValueError, OverflowError):
        return None
    if number == _GENERIC:
        return LogEvent(number, cluster, proc, at, text=_line(text, head.end()))
    if number == _SUBMIT:
        note = _NOTE.search(text, head.end())
        return LogEvent(number, cluster, proc, at, job=int(note[1]) if note else -1)
    if number == _EXECUTE:
        slot = _SLOT.search(text)
        host = _line(text, head.end()).partition("on host: ")[2]
        return LogEvent(number, cluster, proc, at, host=host, slot=slot[1].decode(errors="replace") if slot else "")
    if number == _TERMINATED:
        return _ended(text, number, cluster, proc, at)
    if number == _EVICTED:
        return _sent_back(text, number, cluster, proc, at)
    if number == _HELD:
        code = _HOLD_CODE.search(text)
        return LogEvent(
            number,
            cluster,
            proc,
            at,
            reason=_second_line(text),
            hold_code=int(code[1]) if code else 0,
            hold_subcode=int(code[2]) if code else 0,
        )
    if number in _WITH_REASON:
        return LogEvent(number, cluster, proc, at, reason=_second_line(text))
    if number == _CLUSTER_REMOVE:
        return LogEvent(number, cluster, proc, at, complete=b"\tComplete" in text)
    return LogEvent(number, cluster, proc, at)


def _ended(text: bytes, number: int, cluster: int, proc: int, at: float) -> LogEvent:
    exit_code, signal = _end_of(text)
    memory_mb, disk_kb = _MEMORY.search(text), _DISK.search(text)
    return LogEvent(
        number,
        cluster,
        proc,
        at,
        exit_code=exit_code,
        signal=signal,
        memory_mb=float(memory_mb[1]) if memory_mb else -1.0,
        disk_mb=int(disk_kb[1]) * 1.024e-3 if disk_kb else -1.0,
    )


def _sent_back(text: bytes, number: int, cluster: int, proc: int, at: float) -> LogEvent:
    """An attempt that ended by itself, and is to be tried again at once, has an exit status or a signal too."""
    exit_code, signal = _end_of(text)
    return LogEvent(number, cluster, proc, at, exit_code=exit_code, signal=signal)


def _end_of(text: bytes) -> tuple[int, str]:
    """Return exit status, or -1, and signal, or nothing."""
    normal, signal = _NORMAL.search(text), _SIGNAL.search(text)
    return int(normal[1]) if normal else -1, signal[1].decode() if signal else ""


def _line(text: bytes, start: int) -> str:
    end = text.find(b"\n", start)
    return text[start : end if end >= 0 else len(text)].decode(errors="replace")


def _second_line(text: bytes) -> str:
    end = text.find(b"\n")
    return _line(text, end + 1).strip() if end >= 0 else ""


@lru_cache(maxsize=4096)
def _at(day: bytes, clock: bytes, utc: bool) -> float:
    """Return seconds since the epoch, whole ones, as HTCondor's bindings do."""
    return _hour(day, clock[:2], utc) + int(clock[3:5]) * 60 + int(clock[6:8])


@lru_cache(maxsize=4096)
def _hour(day: bytes, hour: bytes, utc: bool) -> float:
    """Return when an hour began. A log in HTCondor's old form names no year: it is then the last such day."""
    text = day.decode()
    if "/" in text:
        month, date = map(int, text.split("/"))
        year = time.localtime().tm_year
        if (month, date) > tuple(time.localtime(time.time() + 86400))[1:3]:
            year -= 1
    else:
        year, month, date = map(int, text.split("-"))
    moment = (year, month, date, int(hour), 0, 0, 0, 0, -1)
    if utc:
        return float(calendar.timegm(moment))
    return time.mktime(moment)
