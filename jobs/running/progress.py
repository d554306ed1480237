"""How far a campaign is, from its own files alone: the manifest, the blocks' outcomes, HTCondor's event logs."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.manifest import read_manifest
from jobs.running.follow import BlockFollower
from jobs.running.outcome import read_outcomes
from jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.layout import CampaignFolder
    from jobs.running.outcome import JobOutcome

__all__ = ["CampaignFollower", "Progress"]

RATE_WINDOW_S = 120.0
"""Stretch of time over which the rate of events is taken."""


@dataclass(frozen=True)
class Progress:
    """Where a campaign stands at one moment.

    Attributes:
        jobs: all of the manifest.
        events: all of the manifest.
        states: number of jobs by state.
        events_done: events in jobs that are done.
        events_per_s: rate over the last two minutes; None before there is one.
        eta_s: seconds until the last event at that rate; None before there is a rate.
        hold_reasons: number of held jobs by HTCondor's reason.

    """

    jobs: int
    events: int
    states: dict[JobState, int]
    events_done: int
    events_per_s: float | None = None
    eta_s: float | None = None
    hold_reasons: dict[str, int] = field(default_factory=dict)

    @property
    def jobs_ended(self) -> int:
        """Jobs that are done or failed."""
        return self.states.get(JobState.DONE, 0) + self.states.get(JobState.FAILED, 0)


class CampaignFollower:
    """Follows all blocks of a planned campaign; each look reads only what is new.

    Raises:
        CampaignError: the campaign is not planned, or a file of it cannot be read.

    """

    def __init__(self, folder: CampaignFolder) -> None:
        manifest = read_manifest(folder.manifest)
        self._folder = folder
        self._events = {job.job: job.events for job in manifest.jobs()}
        numbers = range(manifest.n_blocks)
        self._jobs_of = {number: [job.job for job in manifest.block(number)] for number in numbers}
        self._followers: dict[int, BlockFollower] = {}
        self._through: dict[int, tuple[Counter[JobState], int]] = {}
        self._history: deque[tuple[float, int]] = deque()

    def look(self) -> Progress:
        """Read what is new and return where the campaign stands."""
        states: Counter[JobState] = Counter()
        reasons: Counter[str] = Counter()
        events_done = 0
        for number in self._jobs_of:
            block_states, block_events, block_reasons = self._look_at(number)
            states += block_states
            reasons += block_reasons
            events_done += block_events
        total = sum(self._events.values())
        rate = self._rate(events_done, running=states[JobState.RUNNING] > 0)
        eta_s = (total - events_done) / rate if rate else None
        return Progress(len(self._events), total, dict(states), events_done, rate, eta_s, dict(reasons))

    def _look_at(self, number: int) -> tuple[Counter[JobState], int, Counter[str]]:
        outcomes = self._outcomes(number)
        if outcomes is not None:
            if number not in self._through:
                counts = Counter(JobState(outcome.state) for outcome in outcomes)
                done = sum(self._events[row.job] for row in outcomes if row.state == JobState.DONE)
                self._through[number] = counts, done
                self._followers.pop(number, None)
            return *self._through[number], Counter()
        self._through.pop(number, None)
        if number not in self._followers:
            self._followers[number] = BlockFollower(self._folder.block(number), self._jobs_of[number])
        follower = self._followers[number]
        follower.poll()
        standings = follower.standings
        counts = Counter(standing.state for standing in standings.values())
        done = sum(self._events[job] for job, standing in standings.items() if standing.state is JobState.DONE)
        held = Counter(standing.reason for standing in standings.values() if standing.state is JobState.HELD)
        return counts, done, held

    def _outcomes(self, number: int) -> Sequence[JobOutcome] | None:
        """Return how a block ended; None if it has not, or if nothing says so that can be read."""
        path = self._folder.block(number).outcome
        if not path.exists():
            return None
        if number in self._through:
            return ()
        try:
            return read_outcomes(path)
        except CampaignError:
            return None

    def _rate(self, events_done: int, *, running: bool) -> float | None:
        now = time.monotonic()
        self._history.append((now, events_done))
        while now - self._history[0][0] > RATE_WINDOW_S:
            self._history.popleft()
        began, before = self._history[0]
        if not running or events_done <= before or now - began < 1.0:
            return None
        return (events_done - before) / (now - began)
