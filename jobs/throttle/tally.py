"""What jobs report, summed up so that the Mb/s of a job can be read off it, whatever its pacer did.

A paced job sends no faster than it may, so its throughput says nothing about what it would take. But its stages do:
it prepares the next event while this one is on the wire, so left alone it is as fast as the slower of the two, and
what the pacer held it back does not count. Each stage is measured by what went through it: events that are prepared
and wait would make the job look slow if their preparation were held against the few bytes that were let through.

What a prepared event takes on the wire is known with the wire format `patches`; with another one reports of events that
were sent tell what a hit takes. While no endpoint answers, a job says nothing about either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sonic.pace import WIRE_OVERHEAD
from sonic.wire_format import TYPICAL_BYTES_PER_PATCH

if TYPE_CHECKING:
    from jobs.heartbeat import Heartbeat
    from jobs.record import Record
    from sonic.wire_format import WireFormat

__all__ = ["MEMORY_S", "Tally", "tally_of_heartbeat", "tally_of_record", "wire_mb_per_hit"]

MEMORY_S = 900.0
"""What was reported so long ago counts 1/e of what is reported now."""

ENOUGH_S = 20.0
"""Seconds of work at a site after which its own reports count."""


@dataclass(frozen=True)
class Tally:
    """Sums over reports; seconds of wall time.

    Attributes:
        wire_mb: MB on the wire, framing included.
        events: events scored.
        prepare_s: reading, locating hits, and the rest of the reconstruction.
        send_s: from an event's first patch to its last score, without what the pacer held back.
        write_s: writing the output.
        paced_s: held back by the pacer.
        window_s: time that the reports cover.
        prepared_mb: MB on the wire of the events that were prepared, sent or not, where that is known beforehand.
        allowed_mb: MB that the shares would have let through; 0 for jobs that are not paced.
        prepared_hits: hits of prepared events whose size on the wire only sending tells (wire format `views`).
        measured_hits: hits of such events that were scored.
        measured_mb: MB on the wire for those.

    """

    wire_mb: float = 0.0
    events: float = 0.0
    prepare_s: float = 0.0
    send_s: float = 0.0
    write_s: float = 0.0
    paced_s: float = 0.0
    window_s: float = 0.0
    prepared_mb: float = 0.0
    allowed_mb: float = 0.0
    prepared_hits: float = 0.0
    measured_hits: float = 0.0
    measured_mb: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        """Add two sums."""
        return Tally(*(mine + its for mine, its in zip(_values(self), _values(other), strict=True)))

    def faded(self, age_s: float, memory_s: float = MEMORY_S) -> Tally:
        """Return the sums as they count after `age_s` more seconds: 1/e of it after `memory_s`."""
        kept = math.exp(-age_s / memory_s)
        return Tally(*(value * kept for value in _values(self)))

    @property
    def mbps(self) -> float | None:
        """Mb/s that a job takes if nobody holds it back; None if too little is known."""
        prepared_mb = self.prepared_mb
        if self.prepared_hits:
            prepared_mb += self.prepared_hits * self.mb_per_hit("views")
        through = (
            (prepared_mb, self.prepare_s),
            (self.wire_mb, self.send_s),
            (self.wire_mb, self.write_s),
        )
        speeds = [megabytes * 8 / seconds for megabytes, seconds in through if seconds > 0]
        if not speeds or not min(self.wire_mb, prepared_mb) > 0 or self.window_s < ENOUGH_S:
            return None
        return min(speeds)

    def mb_per_hit(self, wire_format: WireFormat) -> float:
        """Return the MB on the wire that a hit takes: as measured where the format does not say it, else as typical."""
        if wire_format == "patches" or not self.measured_hits > 0:
            return wire_mb_per_hit(wire_format)
        return self.measured_mb / self.measured_hits

    @property
    def pressure(self) -> float | None:
        """Part of the time for which jobs waited for their share and nothing else; None if too little is known.

        Not the time for which a request waits for the pacer: that is nearly all of it in a job that uses its share,
        whether there is one job or three for what the link carries. But a job whose events are held back has its
        slowest stage idle: by so much is it slower than alone. Idle for another reason, such as events of which some
        are long to prepare and others to score, is never more than that time.
        """
        if self.window_s < ENOUGH_S or self.allowed_mb <= 0:
            return None
        idle = 1.0 - max(self.prepare_s, self.send_s, self.write_s) / self.window_s
        return max(0.0, min(idle, self.paced_s / self.window_s))

    @property
    def share_use(self) -> float | None:
        """Part of their shares that jobs used; None if too little is known, or nothing paces them."""
        return self.wire_mb / self.allowed_mb if self.allowed_mb > 0 and self.window_s >= ENOUGH_S else None


def _values(tally: Tally) -> tuple[float, ...]:
    return tuple(getattr(tally, field.name) for field in fields(tally))


def wire_mb_per_hit(wire_format: WireFormat) -> float:
    """Return the MB on the wire that a hit typically takes, framing included."""
    return TYPICAL_BYTES_PER_PATCH[wire_format] * WIRE_OVERHEAD / 1e6


def tally_of_heartbeat(beat: Heartbeat) -> Tally:
    """Return what one heartbeat of a gpu job adds; nothing, if no endpoint answered what the job had to ask."""
    had_to_ask = beat.inference_s > beat.paced_s and not beat.requests
    if beat.hits_on_cpu or (had_to_ask and (beat.retries or not beat.bytes_sent)):
        return Tally()
    wire_mb = beat.bytes_sent * WIRE_OVERHEAD / 1e6
    known = beat.wire_format == "patches"
    return Tally(
        wire_mb=wire_mb,
        events=beat.events,
        prepare_s=beat.prepare_s,
        send_s=max(0.0, beat.inference_s - beat.paced_s),
        write_s=beat.write_s,
        paced_s=beat.paced_s,
        window_s=beat.window_s,
        prepared_mb=beat.prepared_hits * wire_mb_per_hit("patches") if known else 0.0,
        allowed_mb=(beat.share_mbps or 0.0) * beat.window_s / 8,
        prepared_hits=0 if known else beat.prepared_hits,
        measured_hits=0 if known else beat.hits,
        measured_mb=0.0 if known else wire_mb,
    )


def tally_of_record(record: Record) -> Tally:
    """Return what one successful attempt of a gpu job adds; its start-up sends nothing and is left out.

    One that the pool left alone for some of its events adds nothing.
    """
    if record.hits_on_cpu:
        return Tally()
    stages = record.stages
    wire_mb = record.bytes_sent * WIRE_OVERHEAD / 1e6
    known = record.wire_format == "patches"
    return Tally(
        wire_mb=wire_mb,
        events=record.events - record.events_resumed,
        prepare_s=stages.read_s + stages.prepare_s,
        send_s=max(0.0, stages.inference_s - record.paced_s),
        write_s=stages.write_s,
        paced_s=record.paced_s,
        window_s=max(0.0, record.ended - record.started - stages.startup_s),
        prepared_mb=wire_mb,
        measured_hits=0 if known else record.hits - record.hits_resumed,
        measured_mb=0.0 if known else wire_mb,
    )
