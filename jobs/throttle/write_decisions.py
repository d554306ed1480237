"""The throttle's diary: a line for every decision that changed something, with the reason, for people to read later."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.layout import CampaignFolder
    from jobs.spec.site import Site
    from jobs.throttle.correct import Correction
    from jobs.throttle.decide import Decision

__all__ = ["DecisionLog"]


class DecisionLog:
    """Appends to a campaign's `throttle.jsonl`."""

    def __init__(self, folder: CampaignFolder) -> None:
        self._path = folder.throttle_log
        self._last: dict[str, tuple[object, ...]] = {}

    def note(
        self, sites: Mapping[str, Site], decisions: Mapping[str, Decision], corrections: Mapping[str, Correction]
    ) -> None:
        """Write down what differs from the last look: jobs admitted, Mb/s per job, budget, and what binds."""
        lines = []
        for name, one in decisions.items():
            budget = sites[name].budget_mbps
            now = (one.admitted, one.rate.origin, one.binds, budget, corrections[name].factor)
            if self._last.get(name) != now:
                self._last[name] = now
                line = {
                    "at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "site": name,
                    "budget_mbps": budget,
                    "mbps_per_job": one.rate.mbps,
                    "origin": one.rate.origin,
                    "admitted": one.admitted,
                    "binds": one.binds,
                    "reason": corrections[name].reason,
                }
                lines.append(json.dumps(line) + "\n")
        self._write(lines)

    def note_aside(self, news: Sequence[str]) -> None:
        """Write down what was set aside, or readmitted, and why."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._write([json.dumps({"at": at, "aside": line}) + "\n" for line in news])

    def _write(self, lines: Sequence[str]) -> None:
        if lines:
            with self._path.open("a", encoding="utf-8") as log:
                log.writelines(lines)
