"""Whether the client reached its aims, and whether the comparison means anything."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from measure.scoring.cases import name_of
from measure.scoring.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measure.scoring.job import WholeEvents
    from measure.scoring.rates import Ratio
    from sonic.wire_format import WireFormat

__all__ = ["AIMED_APAS", "EXPERIMENT_CPU_S", "LEAST_RATIO", "MOST_CPU_S", "failures"]

LEAST_RATIO: dict[WireFormat, float] = {"patches": 0.95, "views": 1.0}
"""Least part of the bare loop's patches a second, side by side."""

MOST_CPU_S = 1.0
"""Of the job's process for an event of six APAs in the `views` format."""

EXPERIMENT_CPU_S = 8.0
"""About what the experiment's client took to build the patches of an event (arXiv:2009.04509)."""

AIMED_APAS = 6
"""Of a full event."""


def failures(ratios: Sequence[Ratio], whole: dict[WireFormat, WholeEvents], *, full: bool) -> list[str]:
    """Return why the run proves nothing, and which aims were missed; none if all is well.

    Args:
        ratios: ours beside the bare loop.
        whole: events scored by one job alone.
        full: whether events are as large as the aim for the CPU time has them.

    """
    found = [
        f"proves nothing: scores of {WAYS[wire_format]} differ from those of {WAYS['onnx']}"
        for wire_format, events in whole.items()
        if not events.same_scores
    ]
    for ratio in ratios:
        if ratio.case.way in ("patches", "views"):
            least = LEAST_RATIO[ratio.case.way]
            if ratio.value < least:
                found.append(
                    f"aim missed: {name_of(ratio.case)}: {ratio.value:.1%} of the bare loop's patches/s,"
                    f" less than {least:.0%}"
                )
    cpu_s = mean(whole["views"].cpu_s)
    if full and cpu_s >= MOST_CPU_S:
        found.append(f"aim missed: {WAYS['views']}: {cpu_s:.2f} CPU s per event in the job, not under {MOST_CPU_S:g}")
    return found
