"""From what jobs did in slices to numbers: patches a second, CPU time and bytes of an event, ratios of neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from measure.errors import BenchmarkFailed
from measure.scoring.cases import name_of
from measure.scoring.meter import AT_S, CPU_S, PATCHES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measure.scoring.cases import Case
    from measure.scoring.crew import Sliced

__all__ = ["CaseResult", "Rate", "Ratio", "SliceResult", "rate_of", "ratios", "slice_result"]


_LEAST_PART = 0.25
"""Of the measured part of a slice that must lie between the answers at its ends."""


@dataclass(frozen=True)
class Rate:
    """What jobs got done together, and what it cost them.

    Attributes:
        patches_per_s: of all of them.
        job_cpu_s_per_patch: of their processes.
        short: whether the slice was too short for answers to come in its middle, so that all of it counts.

    """

    patches_per_s: float
    job_cpu_s_per_patch: float
    short: bool = False


@dataclass(frozen=True)
class SliceResult:
    """One slice in numbers.

    Attributes:
        patches_per_s: of all jobs together.
        job_cpu_s_per_event: of the jobs' processes, scaled to an event.
        bytes_per_event: handed to gRPC, scaled to an event; 0 where nothing is sent.
        envoy_bytes_per_event: the same by Envoy's count; 0 where it is not asked.
        triton_cpu_s_per_event: of all Triton servers together, scaled to an event.
        envoy_cpu_s_per_event: the same of Envoy.
        retries: requests that were sent again.
        short: see `Rate`.

    """

    patches_per_s: float
    job_cpu_s_per_event: float
    bytes_per_event: float
    envoy_bytes_per_event: float
    triton_cpu_s_per_event: float
    envoy_cpu_s_per_event: float
    retries: int
    short: bool = False


@dataclass(frozen=True)
class CaseResult:
    """All slices of a case, in the order of the rounds."""

    case: Case
    slices: tuple[SliceResult, ...]

    @property
    def patches_per_s(self) -> float:
        """Median of the slices."""
        return median(one.patches_per_s for one in self.slices)

    @property
    def range_per_s(self) -> tuple[float, float]:
        """The slowest and the fastest slice, patches a second."""
        rates = [one.patches_per_s for one in self.slices]
        return min(rates), max(rates)

    def middle(self, name: str) -> float:
        """Return the median of a number of the slices, by its name."""
        return float(median(getattr(one, name) for one in self.slices))


@dataclass(frozen=True)
class Ratio:
    """Patches a second of a case over those of the bare loop beside it: one number for each round."""

    case: Case
    values: tuple[float, ...]

    @property
    def value(self) -> float:
        """Median of the rounds."""
        return median(self.values)


def rate_of(sliced: Sliced) -> Rate:
    """Return what was done in the part of a slice that counts.

    Both ends are moved back to the answer before them. Servers that answer for many requests at once give answers in
    bursts, and a span from just after one burst to just after another holds neither too many nor too few. With fewer
    than two answers in that part, all counts, from the first request to the last answer.

    Raises:
        BenchmarkFailed: there is no answer at all.

    """
    marks = np.concatenate([job.marks for job in sliced.jobs])
    answers = marks[marks[:, PATCHES] > 0]
    answers = answers[np.argsort(answers[:, AT_S])]
    if not len(answers):
        raise BenchmarkFailed(f"{name_of(sliced.case)}: no answer in a whole slice; ask for more --seconds")
    times = answers[:, AT_S]
    first = max(int(np.searchsorted(times, sliced.begin_s, side="right")) - 1, 0)
    last = int(np.searchsorted(times, sliced.end_s, side="right")) - 1
    short = last <= first or bool(times[last] - times[first] < _LEAST_PART * (sliced.end_s - sliced.begin_s))
    if short:
        begin_s, end_s, counted = float(marks[:, AT_S].min()), float(times[-1]), answers
    else:
        begin_s, end_s, counted = float(times[first]), float(times[last]), answers[first + 1 : last + 1]
    n_patches = float(counted[:, PATCHES].sum())
    cpu_s = sum(
        float(np.diff(np.interp([begin_s, end_s], job.marks[:, AT_S], job.marks[:, CPU_S]))[0])
        for job in sliced.jobs
        if len(job.marks)
    )
    return Rate(n_patches / (end_s - begin_s), cpu_s / n_patches, short)


def slice_result(sliced: Sliced, patches_per_event: float) -> SliceResult:
    """Return a slice in numbers.

    Raises:
        BenchmarkFailed: there are too few answers in it.

    """
    rate = rate_of(sliced)
    events_done = rate.patches_per_s * (sliced.end_s - sliced.begin_s) / patches_per_event
    events_sent = sum(job.patches_sent for job in sliced.jobs) / patches_per_event
    through_envoy = sliced.case.route == "envoy"
    return SliceResult(
        patches_per_s=rate.patches_per_s,
        job_cpu_s_per_event=rate.job_cpu_s_per_patch * patches_per_event,
        bytes_per_event=sum(job.bytes_sent for job in sliced.jobs) / events_sent if events_sent else 0.0,
        envoy_bytes_per_event=sliced.envoy_bytes / events_sent if through_envoy and events_sent else 0.0,
        triton_cpu_s_per_event=sliced.servers.triton_cpu_s / events_done,
        envoy_cpu_s_per_event=sliced.servers.envoy_cpu_s / events_done,
        retries=sum(job.retries for job in sliced.jobs),
        short=rate.short,
    )


def ratios(results: Sequence[CaseResult]) -> list[Ratio]:
    """Return how each case of ours compares with the bare loop on its route and with its number of jobs."""
    bare = {(one.case.route, one.case.jobs): one for one in results if one.case.way == "bare"}
    found = []
    for one in results:
        beside = bare.get((one.case.route, one.case.jobs))
        if one.case.way in ("patches", "views") and beside is not None:
            pairs = zip(one.slices, beside.slices, strict=True)
            found.append(Ratio(one.case, tuple(ours.patches_per_s / its.patches_per_s for ours, its in pairs)))
    return found
