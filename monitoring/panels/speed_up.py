"""How much faster the gpu flavour is, CPU model by CPU model, with errors; and where the time of an event goes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from monitoring.live.recorded import load_attempts, speed_ups_so_far, stages_so_far
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import figure, number_of

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from monitoring.numbers import Interval, SpeedUp, StageRow
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "speed_up", "stages"]

EVERY_S = 30.0

_MOST_STORES = 8

_NEWS = 0.01
"""Part of the attempts that must be new for the numbers to be computed again: 100,000 take seconds to read."""

_Numbers = tuple[tuple["SpeedUp", ...], tuple["StageRow", ...]]
_known: OrderedDict[Path, tuple[int, _Numbers]] = OrderedDict()
_known_lock = threading.Lock()


def speed_up(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Compare the flavours on each CPU model that ran both, most jobs first."""
    del now  # of all jobs that are done
    found, _ = _numbers(connection, shown)
    return Panel(
        "speed-up",
        "How much faster with GPUs",
        _lead(found),
        Source(
            "Records, one that succeeded per job. Wall seconds per event without start-up: the median of the cpu "
            "flavour over that of the gpu flavour. They are computed again with every hundredth more attempts. The "
            "interval holds the true ratio in 68 % of all cases: each median's by order statistics, both added in "
            "quadrature as relative errors. Scoring alone is the same of the seconds in which an event was being "
            "scored.",
            (str(shown.folder.blocks / "*" / "records"),),
        ),
        Table(
            (
                Column("cpu_model", "CPU"),
                Column("event", "Faster by", "number", note="whole event: cpu flavour's time over gpu flavour's"),
                Column("event_low", "from", "number", note="lower end of the 68 % interval"),
                Column("event_high", "to", "number", note="upper end of the 68 % interval"),
                Column("inference", "Scoring alone", "number"),
                Column("inference_low", "from", "number"),
                Column("inference_high", "to", "number"),
                Column("gpu_s", "gpu, s an event", "s", note="median without start-up"),
                Column("cpu_s", "cpu, s an event", "s", note="median without start-up"),
                Column("jobs_gpu", "gpu jobs", "count"),
                Column("jobs_cpu", "cpu jobs", "count"),
            ),
            tuple(_row(one) for one in found),
            empty="No CPU model has run both flavours yet; `cpu_comparison` in a spec runs a few jobs of cpu.",
        ),
    )


def stages(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Show the mean seconds of each stage per event, by flavour and CPU model."""
    del now  # of all jobs that are done
    _, found = _numbers(connection, shown)
    lead = "No job is done yet."
    if found:
        first = found[0]
        parts = {name: getattr(first, f"{name}_s") for name in ("read", "prepare", "inference", "write")}
        longest = max(parts, key=lambda name: parts[name])
        lead = (
            f"An event of the {first.flavour} flavour on {first.cpu_model or 'an unknown CPU'} takes "
            f"{figure(first.wall_s)} s, start-up included; most of its stages is {longest}, {figure(parts[longest])} s."
        )
    return Panel(
        "stages",
        "Where an event's time goes",
        lead,
        Source(
            "Records, one that succeeded per job: seconds of each stage over events. Stages overlap, so they may "
            "come to more than the whole.",
            (str(shown.folder.blocks / "*" / "records"),),
        ),
        Table(
            (
                Column("flavour", "Flavour"),
                Column("cpu_model", "CPU"),
                Column("jobs", "Jobs", "count"),
                Column("startup_s", "Start-up", "s"),
                Column("read_s", "Read", "s"),
                Column("prepare_s", "Prepare", "s"),
                Column("inference_s", "Inference", "s"),
                Column("write_s", "Write", "s"),
                Column("wall_s", "Whole", "s", note="mean, start-up included"),
                Column("median_s", "Median", "s", note="without start-up, over the jobs"),
                Column("median_low_s", "16 %", "s", note="quantile over the jobs"),
                Column("median_high_s", "84 %", "s", note="quantile over the jobs"),
            ),
            tuple(_stage_row(one) for one in found),
            empty="No job is done yet.",
        ),
    )


def _numbers(connection: sqlite3.Connection, shown: Shown) -> _Numbers:
    """Return both, computed again when there are a hundredth more attempts than the last time."""
    attempts = int(connection.execute("SELECT count(*) FROM attempts").fetchone()[0])
    with _known_lock:
        known = _known.get(shown.store)
    if known is not None and known[0] <= attempts <= known[0] * (1 + _NEWS):
        return known[1]
    loaded = load_attempts(connection)
    numbers = (speed_ups_so_far(loaded), stages_so_far(loaded))
    with _known_lock:
        _known[shown.store] = (attempts, numbers)
        _known.move_to_end(shown.store)
        while len(_known) > _MOST_STORES:
            _known.popitem(last=False)
    return numbers


def _lead(found: tuple[SpeedUp, ...]) -> str:
    if not found:
        return "No CPU model has run both flavours yet, so there is nothing to compare."
    first = found[0]
    if first.event is None:
        jobs = f"{number_of(first.jobs_gpu, 'gpu job')} and {number_of(first.jobs_cpu, 'cpu job')}"
        return f"{first.cpu_model} has run {jobs}: too few to say how sure a comparison is."
    alone = f"; scoring alone {_with_errors(first.inference)}" if first.inference else ""
    return f"On {first.cpu_model} an event is done {_with_errors(first.event)} times as fast with GPUs{alone}."


def _with_errors(one: Interval) -> str:
    return f"{figure(one.value)} (+{figure(one.high - one.value)} -{figure(one.value - one.low)})"


def _ends(one: Interval | None) -> tuple[Cell, ...]:
    return (one.value, one.low, one.high) if one else (None, None, None)


def _row(one: SpeedUp) -> tuple[Cell, ...]:
    return (
        one.cpu_model or None,
        *_ends(one.event),
        *_ends(one.inference),
        one.gpu_s,
        one.cpu_s,
        one.jobs_gpu,
        one.jobs_cpu,
    )


def _stage_row(one: StageRow) -> tuple[Cell, ...]:
    return (
        one.flavour,
        one.cpu_model or None,
        one.jobs,
        one.startup_s,
        one.read_s,
        one.prepare_s,
        one.inference_s,
        one.write_s,
        one.wall_s,
        *_ends(one.seconds_per_event),
    )
