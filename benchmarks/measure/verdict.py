"""Whether a run proves anything, and whether SonicGrid's own case reached its aims."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from measure.link_case import CaseResult

__all__ = ["LEAST_USED", "control_failures", "missed_aims"]

LEAST_USED = 0.9
"""Share of its budget that a link which binds is to carry."""


def control_failures(unthrottled: CaseResult) -> list[str]:
    """Return why the run proves nothing: links on which jobs without a throttle stayed inside the budget."""
    return [
        f"{row.link.name}: without a throttle no 1 s window exceeded the budget"
        f" ({row.largest_window_mbps:.0f} of {row.link.budget_mbps:.0f} Mb/s), so keeping to it proves nothing"
        for row in unthrottled.links
        if row.largest_window_mbps <= row.link.budget_mbps
    ]


def missed_aims(ours: CaseResult) -> list[str]:
    """Return which aims SonicGrid's case missed; none if it kept every budget, filled the links and dropped nothing."""
    missed = []
    for row in ours.links:
        if row.largest_window_mbps > row.link.budget_mbps:
            missed.append(
                f"{row.link.name}: a 1 s window carried {row.largest_window_mbps:.1f} Mb/s,"
                f" more than the budget of {row.link.budget_mbps:.1f}"
            )
        if row.binding and row.used < LEAST_USED:
            missed.append(f"{row.link.name}: {100 * row.used:.0f} % of the budget used, less than {LEAST_USED:.0%}")
        if row.dropped:
            missed.append(f"{row.link.name}: {row.dropped} packets dropped")
    if ours.failed_jobs:
        missed.append(f"{ours.failed_jobs} jobs failed")
    return missed
