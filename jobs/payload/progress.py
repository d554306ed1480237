"""What an attempt has done so far: kept apart from the work, so that a failed attempt can still say it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.record import StageSeconds

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Progress", "Stages"]


class Stages:
    """Adds up the wall seconds of each stage of `StageSeconds`; each stage belongs to one thread."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(StageSeconds.model_fields, 0.0)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the seconds of a block of code to `stage`, also when it raises."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(stage, time.monotonic() - started)

    def add(self, stage: str, seconds: float) -> None:
        """Count seconds to `stage`."""
        self._seconds[stage] += seconds

    def seconds(self) -> StageSeconds:
        """Return the sums so far."""
        return StageSeconds(**self._seconds)


@dataclass
class Progress:
    """What one attempt knows; filled as it goes."""

    stages: Stages = field(default_factory=Stages)
    input_uuid: str = ""
    endpoint: str = ""
    events: int = 0
    hits: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    requests: int = 0
    retries: int = 0
    output_bytes: int = 0
    output_sha256: str = ""
