"""Rates, spreads and speed-up, from the attempts that count: pure functions of columns."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from monitoring.numbers import GroupRow, Interval, SpeedUp, StageRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from monitoring.attempts import Attempts

__all__ = [
    "group_rows",
    "median_interval",
    "ratio_of_medians",
    "seconds_per_event",
    "speed_up_in_all",
    "speed_ups",
    "stage_rows",
]

_SPREAD = (50.0, 16.0, 84.0)
"""Median and the quantiles that are one standard deviation away in a normal distribution, in percent."""

_FEWEST_FOR_ERROR = 3
"""With two values, even their whole range holds the true median in only half of all cases."""

_SMALLEST_ERROR = 1e-6
"""Relative; equal times, as only a test has them, would get an infinite weight."""


def seconds_per_event(attempts: Attempts) -> NDArray[np.float64]:
    """Return wall seconds without start-up per event, of the attempts with events."""
    some = attempts.events_made > 0
    busy = np.maximum(attempts.wall_s - attempts.startup_s, 0.0)
    return np.asarray(busy[some] / attempts.events_made[some], dtype=np.float64)


def median_interval(values: NDArray[np.float64]) -> Interval | None:
    """Return the median with its 68 % confidence interval, or None for fewer than three values.

    The interval lies between two order statistics whose ranks come from the normal approximation of the binomial
    distribution (David and Nagaraja, Order Statistics, 3rd ed., section 7.1); it assumes nothing about the values.
    """
    n = len(values)
    if n < _FEWEST_FOR_ERROR:
        return None
    ordered = np.sort(values)
    half = math.sqrt(n) / 2
    low = max(math.floor(n / 2 - half), 1)
    high = min(math.ceil(1 + n / 2 + half), n)
    return Interval(value=float(np.median(ordered)), low=float(ordered[low - 1]), high=float(ordered[high - 1]))


def ratio_of_medians(over: NDArray[np.float64], under: NDArray[np.float64]) -> Interval | None:
    """Return median(over) / median(under); relative errors of the two medians are added in quadrature."""
    top, bottom = median_interval(over), median_interval(under)
    if top is None or bottom is None or min(top.low, bottom.low) <= 0:
        return None
    ratio = top.value / bottom.value
    down = math.hypot(math.log(top.value / top.low), math.log(bottom.high / bottom.value))
    up = math.hypot(math.log(top.high / top.value), math.log(bottom.value / bottom.low))
    return Interval(value=ratio, low=ratio * math.exp(-down), high=ratio * math.exp(up))


def group_rows(counted: Attempts) -> tuple[GroupRow, ...]:
    """Sum up per flavour and site.

    Args:
        counted: one successful attempt per job.

    """
    rows = []
    for flavour, site, group in _groups(counted, "flavour", "site"):
        events, made = int(group.events.sum()), int(group.events_made.sum())
        sent, received = int(group.bytes_sent.sum()), int(group.bytes_received.sum())
        wall = float(group.wall_s.sum())
        waited = group.inference_s > 0
        busy = group.wall_s - group.startup_s
        sending = (group.bytes_sent > 0) & (busy > 0)
        rows.append(
            GroupRow(
                flavour=flavour,
                site=site,
                jobs=len(group),
                events=events,
                hits=int(group.hits.sum()),
                seconds_per_event=_spread(seconds_per_event(group)),
                patches_per_s=_spread(group.hits_made[waited] / group.inference_s[waited]),
                sent_bytes_per_event=sent / made if made and sent else None,
                received_bytes_per_event=received / made if made and received else None,
                sent_mbps_per_job=_spread(group.bytes_sent[sending] * 8e-6 / busy[sending]),
                startup_s=float(np.median(group.startup_s)),
                cpu_efficiency=float(group.cpu_s.sum()) / wall if wall else None,
                inference_share=float(group.inference_s.sum()) / wall if wall else None,
            )
        )
    return tuple(rows)


def speed_ups(counted: Attempts) -> tuple[SpeedUp, ...]:
    """Compare the flavours on each CPU model that ran both, most jobs first."""
    rows = []
    for cpu_model in counted.cpu_model.present():
        here = counted.cpu_model.equals(cpu_model) & (counted.events_made > 0)
        gpu = counted.where(here & counted.flavour.equals("gpu"))
        cpu = counted.where(here & counted.flavour.equals("cpu"))
        if not len(gpu) or not len(cpu):
            continue
        gpu_s, cpu_s = seconds_per_event(gpu), seconds_per_event(cpu)
        rows.append(
            SpeedUp(
                cpu_model=cpu_model,
                jobs_gpu=len(gpu),
                jobs_cpu=len(cpu),
                gpu_s=float(np.median(gpu_s)),
                cpu_s=float(np.median(cpu_s)),
                event=ratio_of_medians(cpu_s, gpu_s),
                inference=ratio_of_medians(cpu.inference_s / cpu.events_made, gpu.inference_s / gpu.events_made),
            )
        )
    return tuple(sorted(rows, key=lambda row: -(row.jobs_gpu + row.jobs_cpu)))


def speed_up_in_all(counted: Attempts) -> Interval | None:
    """Return how much faster the gpu flavour is, like compared with like: the mean over CPU models that ran both.

    The logarithms of the models' ratios are averaged with weights from their 68 % intervals, so that a model of many
    jobs counts more; a model with fewer than three jobs of a flavour does not count.
    """
    ratios = [row.event for row in speed_ups(counted) if row.event is not None]
    if not ratios:
        return None
    logs = np.log([(ratio.value, ratio.low, ratio.high) for ratio in ratios])
    weights = 1 / np.maximum((logs[:, 2] - logs[:, 1]) / 2, _SMALLEST_ERROR) ** 2
    mean = float(np.average(logs[:, 0], weights=weights))
    error = 1 / math.sqrt(float(weights.sum()))
    return Interval(value=math.exp(mean), low=math.exp(mean - error), high=math.exp(mean + error))


def stage_rows(counted: Attempts) -> tuple[StageRow, ...]:
    """Average the stages per flavour and CPU model, most jobs first within a flavour."""
    rows = []
    for flavour, cpu_model, group in _groups(counted, "flavour", "cpu_model"):
        events = int(group.events_made.sum())
        if not events:
            continue
        rows.append(
            StageRow(
                flavour=flavour,
                cpu_model=cpu_model,
                jobs=len(group),
                startup_s=float(group.startup_s.sum()) / events,
                read_s=float(group.read_s.sum()) / events,
                prepare_s=float(group.prepare_s.sum()) / events,
                inference_s=float(group.inference_s.sum()) / events,
                write_s=float(group.write_s.sum()) / events,
                wall_s=float(group.wall_s.sum()) / events,
                seconds_per_event=_spread(seconds_per_event(group)),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.flavour != "gpu", -row.jobs)))


def _groups(attempts: Attempts, first: str, second: str) -> Iterator[tuple[str, str, Attempts]]:
    """Yield the attempts of each pair of words that occurs; the gpu flavour comes before the cpu flavour."""
    a, b = getattr(attempts, first), getattr(attempts, second)
    for one, two in product(reversed(a.present()), b.present()):
        mask = a.equals(one) & b.equals(two)
        if mask.any():
            yield one, two, attempts.where(mask)


def _spread(values: NDArray[np.float64]) -> Interval | None:
    if not len(values):
        return None
    median, low, high = np.percentile(values, _SPREAD)
    return Interval(value=float(median), low=float(low), high=float(high))
