"""What an attempt has done so far: kept apart from the work, so that a failed attempt can still say it.

Each number is written by one thread; any other may read it at any time.
"""

from __future__ import annotations

import resource
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from jobs.record import StageSeconds
from sonic.fallback import FallbackScorer
from sonic.scores import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sonic.scores import Scorer

__all__ = ["Progress", "Spent", "Stages"]


class Spent(BaseModel):
    """What the processes of one attempt took: HTCondor starts a job again that left to have its files saved."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    started: float = Field(0.0, description="Start of the first of them, seconds since the epoch; 0 for none")
    events: int = Field(0, description="Events that they scored")
    hits: int = Field(0, description="Hits of these events")
    stages: StageSeconds = Field(StageSeconds(), description="Wall seconds by stage")
    cpu_s: float = Field(0.0, description="CPU seconds, user and system")
    bytes_sent: int = Field(0, description="Bytes of requests handed to gRPC, repeats included")
    bytes_received: int = Field(0, description="Bytes of answers")
    requests: int = Field(0, description="Requests answered")
    retries: int = Field(0, description="Requests sent again")
    paced_s: float = Field(0.0, description="Seconds for which the share held a request that could have gone")
    latency_s: float = Field(0.0, description="Seconds from sending to the answer, summed over `requests`")
    latency_counts: tuple[int, ...] = Field((), description="Requests by latency, as in a record")


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
    resumed_events: int = 0
    """Taken out of checkpoints, also of this attempt's own; the same for the next two."""
    resumed_hits: int = 0
    resumed_on_cpu: int = 0
    kept_events: int = 0
    """That this process put into checkpoints; the same for hits."""
    kept_hits: int = 0
    before: Spent = field(default_factory=Spent)
    """What earlier processes of this attempt took."""
    again: bool = False
    """Whether this process ends so that HTCondor starts the attempt's next one."""

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

    def spent(self, started: float, *, events: int = 0, hits: int = 0) -> Spent:
        """Return what all processes of the attempt took so far, this one included.

        Args:
            started: when this process started, seconds since the epoch.
            events: that this one is about to put into a checkpoint.
            hits: of these events.

        """
        before, traffic, usage = self.before, self.traffic(), resource.getrusage(resource.RUSAGE_SELF)
        stages = self.stages.seconds().model_dump()
        counts = before.latency_counts or (0,) * len(traffic.latency_counts)
        return Spent(
            started=before.started or started,
            events=before.events + self.kept_events + events,
            hits=before.hits + self.kept_hits + hits,
            stages=StageSeconds(**{name: took_s + getattr(before.stages, name) for name, took_s in stages.items()}),
            cpu_s=before.cpu_s + usage.ru_utime + usage.ru_stime,
            bytes_sent=before.bytes_sent + traffic.bytes_sent,
            bytes_received=before.bytes_received + traffic.bytes_received,
            requests=before.requests + traffic.requests,
            retries=before.retries + traffic.retries,
            paced_s=before.paced_s + traffic.paced_s,
            latency_s=before.latency_s + traffic.latency_s,
            latency_counts=tuple(a + b for a, b in zip(counts, traffic.latency_counts, strict=True)),
        )
