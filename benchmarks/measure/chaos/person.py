"""The person, or init: starts again what they would, and nothing else; and knows when the campaign has ended."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from measure.errors import BenchmarkFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from measure.chaos.scene import Scene

__all__ = ["Person"]

_LOOK_S = 0.25


@dataclass
class Person:
    """Looks after one campaign.

    Attributes:
        scene: the campaign.
        deadline: when patience ends, by `time.monotonic`.
        say: takes lines of progress.
        ended: whether `sonicgrid submit` has stated a verdict.
        exit_status: of the submit that stated it.
        submits: how often they submitted.
        reasons: why a submit had ended without a verdict, in its words, where nobody had killed it.
        collector_deaths: how often the collector ended by itself.

    """

    scene: Scene
    deadline: float
    say: Callable[[str], None]
    ended: bool = False
    exit_status: int = -1
    submits: int = 0
    reasons: list[str] = field(default_factory=list)
    collector_deaths: int = 0
    _killed: bool = False

    def submit(self) -> None:
        """Submit the campaign, for the first time or again."""
        self.scene.submit()
        self.submits += 1
        self._killed = False

    def wait_for_plan(self) -> None:
        """Wait until the jobs are planned and the first is handed over."""
        clusters = self.scene.folder / "blocks"
        while not self.ended and not any(clusters.glob("*/clusters.jsonl")):
            self.tend()

    def mark_submit_killed(self) -> None:
        """Remember that the submit command was killed on purpose: that it ended says nothing."""
        self._killed = True

    def watch_until(self, moment: float) -> None:
        """Tend to the campaign until a moment by `time.monotonic`, or until it has ended."""
        while not self.ended and time.monotonic() < moment:
            self.tend()

    def watch_to_the_end(self) -> None:
        """Tend to the campaign until it has ended."""
        while not self.ended:
            self.tend()

    def tend(self) -> None:
        """Look once.

        Raises:
            BenchmarkFailed: the campaign does not come to an end.

        """
        if time.monotonic() > self.deadline:
            message = f"the campaign does not end; see {self.scene.folder}"
            raise BenchmarkFailed(message)
        self._look_at_submit()
        self._look_at_collector()
        time.sleep(_LOOK_S)

    def _look_at_submit(self) -> None:
        process = self.scene.submitting
        if process is None or process.poll() is None or self._killed:
            return
        printed = self.scene.printed("submit")
        if _has_verdict(printed):
            self.exit_status = int(process.returncode)
            self.ended = True
            return
        reason = " ".join(printed.split())[-300:]
        self.reasons.append(reason)
        self.say(f"submit ended without a verdict ({process.returncode}): {reason}; submitted again")
        time.sleep(2.0)
        self.submit()

    def _look_at_collector(self) -> None:
        process = self.scene.collecting
        if process is not None and process.poll() is not None:
            self.collector_deaths += 1
            self.say(f"the collector ended by itself: {self.scene.printed('collect').strip()[-300:]}")
            time.sleep(1.0)
            self.scene.collect()


def _has_verdict(printed: str) -> bool:
    """Return whether a submit told how the campaign ended, and not why it could not tell."""
    try:
        document = json.loads(printed)
    except ValueError:
        return False
    return isinstance(document, dict) and "verdict" in document
