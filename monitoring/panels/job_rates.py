"""How fast one job went, minute by minute, out of its heartbeats in its block's event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.job_life import read_life
from monitoring.live.rates import MBPS_PER_BYTE_S
from monitoring.panels.job import the_job
from monitoring.panels.job_life import heartbeat_of, source_of, what_is_missing
from monitoring.panels.panel import Line, Panel, Plot
from monitoring.panels.wording import figure, number_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from jobs.heartbeat import Heartbeat
    from monitoring.live.job_life import JobLife
    from monitoring.panels.shown import Shown

__all__ = ["job_events", "job_rates"]

_BIN_S = 60
_MOST_BINS = 720

_NO_BEAT = "No heartbeat of this job yet."
_NO_EVENT = "No event is finished yet."


def job_rates(connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel:
    """Return what a job sent, minute by minute, beside what it might.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    row = the_job(connection, shown, number)
    life = read_life(shown.folder.block(row.block), number)
    beats = _beats(life)
    starts, bin_s = _bins(beats)
    sent = _spread(beats, starts, bin_s, lambda beat: beat.bytes_sent * MBPS_PER_BYTE_S)
    share = _shares(beats, starts, bin_s)
    lead = _rates_lead(beats)
    lines = (Line("sent_mbps", "sent", sent), Line("share_mbps", "share", share, role="limit"))
    content = Plot("mbps", bin_s, starts, lines, empty=_NO_BEAT)
    return Panel(
        "job-rates",
        "What it sends",
        f"{lead}{what_is_missing(life)}",
        source_of(shown, row),
        content,
        group="job-rates",
    )


def job_events(connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel:
    """Return how many events a second a job finished, minute by minute.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    row = the_job(connection, shown, number)
    life = read_life(shown.folder.block(row.block), number)
    beats = _beats(life)
    starts, bin_s = _bins(beats)
    events = _spread(beats, starts, bin_s, lambda beat: float(beat.events))
    total_s = sum(beat.window_s for _, beat in beats)
    done = sum(beat.events for _, beat in beats)
    lead = (
        f"{number_of(done, 'event')} in all of its attempts, one every {total_s / done:.1f} s."
        if done
        else _NO_EVENT
        if beats
        else _NO_BEAT
    )
    content = Plot("per_s", bin_s, starts, (Line("events_per_s", "events/s", events),), empty=_NO_BEAT)
    return Panel(
        "job-events", "Events/s", f"{lead}{what_is_missing(life)}", source_of(shown, row), content, group="job-rates"
    )


def _beats(life: JobLife) -> list[tuple[float, Heartbeat]]:
    found = ((event.at, heartbeat_of(event)) for event in life.events if event.text)
    return [(at, beat) for at, beat in found if beat is not None]


def _bins(beats: list[tuple[float, Heartbeat]]) -> tuple[tuple[int, ...], int]:
    """Return the left edges of bins over all heartbeats, and their width, seconds."""
    if not beats:
        return (), _BIN_S
    begin, end = min(at - beat.window_s for at, beat in beats), max(at for at, _ in beats)
    bin_s = _BIN_S * max(1, -(-int(end - begin) // (_BIN_S * _MOST_BINS)))
    first = int(begin // bin_s) * bin_s
    return tuple(range(first, max(int(end), first + 1), bin_s)), bin_s


def _spread(
    beats: list[tuple[float, Heartbeat]], starts: tuple[int, ...], bin_s: int, amount: Callable[[Heartbeat], float]
) -> tuple[float | None, ...]:
    """Return an amount per second in each bin; None where no heartbeat was."""
    sums: list[float | None] = [None] * len(starts)
    for at, beat in beats:
        begin = at - beat.window_s
        for place in range(int(begin - starts[0]) // bin_s, min(len(starts), int(at - starts[0]) // bin_s + 1)):
            inside_s = min(at, starts[place] + bin_s) - max(begin, starts[place])
            if inside_s > 0:
                sums[place] = (sums[place] or 0.0) + amount(beat) * inside_s / beat.window_s / bin_s
    return tuple(sums)


def _shares(beats: list[tuple[float, Heartbeat]], starts: tuple[int, ...], bin_s: int) -> tuple[float | None, ...]:
    shares: list[float | None] = [None] * len(starts)
    for at, beat in beats:
        begin = at - beat.window_s
        for place in range(int(begin - starts[0]) // bin_s, min(len(starts), int(at - starts[0]) // bin_s + 1)):
            if min(at, starts[place] + bin_s) > max(begin, starts[place]):
                shares[place] = beat.share_mbps
    return tuple(shares)


def _rates_lead(beats: list[tuple[float, Heartbeat]]) -> str:
    if not beats:
        return _NO_BEAT
    last = beats[-1][1]
    mbps = last.bytes_sent * MBPS_PER_BYTE_S / last.window_s if last.window_s else 0.0
    may = f"its share was {figure(last.share_mbps)} Mb/s" if last.share_mbps is not None else "it was not paced"
    held = (
        f", which held it for {last.paced_s / last.window_s:.0%} of the time" if last.paced_s and last.window_s else ""
    )
    return f"In the minute of its last heartbeat it sent {figure(mbps)} Mb/s; {may}{held}."
