"""What an attempt has done so far: kept apart from the work, so that a failed attempt can still say it.

Each number is written by one thread; any other may read it at any time.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.record import StageSeconds
from sonic.fallback import FallbackScorer
from sonic.scores import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sonic.scores import Scorer

__all__ = ["Progress", "Stages"]


class Stages:
    """Adds up the wall seconds of each stage of `StageSeconds`; each stage belongs to one thread."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(StageSeconds.model_fields, 0.0)
        self._running_since: dict[str, float] = {}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the seconds of a block of code to `stage`, also when it raises."""
        started = self._running_since[stage] = time.monotonic()
        try:
            yield
        finally:
            del self._running_since[stage]
            self.add(stage, time.monotonic() - started)

    def add(self, stage: str, seconds: float) -> None:
        """Count seconds to `stage`."""
        self._seconds[stage] += seconds

    def so_far(self, stage: str) -> float:
        """Return the seconds of `stage`, those of a stretch that is still going on included."""
        since = self._running_since.get(stage)
        return self._seconds[stage] + (0.0 if since is None else time.monotonic() - since)

    def seconds(self) -> StageSeconds:
        """Return the sums so far."""
        return StageSeconds(**self._seconds)


@dataclass
class Progress:
    """What one attempt knows; filled as it goes."""

    stages: Stages = field(default_factory=Stages)
    input_uuid: str = ""
    scorer: Scorer | None = None
    events: int = 0
    hits: int = 0
    prepared_hits: int = 0
    output_bytes: int = 0
    output_sha256: str = ""

    @property
    def endpoint(self) -> str:
        """The endpoint that answered last; empty if none did."""
        return "" if self.scorer is None else self.scorer.endpoint

    @property
    def hits_on_cpu(self) -> int:
        """Hits of a gpu job that were scored in the job, because no endpoint answered."""
        return self.scorer.hits_on_cpu if isinstance(self.scorer, FallbackScorer) else 0

    def traffic(self) -> Traffic:
        """Return what was sent and received so far."""
        return Traffic() if self.scorer is None else self.scorer.traffic()
