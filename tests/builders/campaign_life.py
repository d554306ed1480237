"""A campaign that lives: event logs and records as they grow, step by step, by chance and the same each time."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.heartbeat import Heartbeat
from jobs.running.clusters import note_cluster
from tests.builders.campaign import DIGEST, JOBS_PER_BLOCK, START, CampaignBuilder
from tests.builders.event_log import EventLog

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CampaignLife", "a_heartbeat"]

SITES = ("FNAL", "CERN", "BNL")


def a_heartbeat(job: int, **fields: object) -> Heartbeat:
    """Return a heartbeat of a minute with two events; every field can be given."""
    plain: dict[str, object] = {
        "job": job,
        "attempt": 0,
        "site": "FNAL",
        "flavour": "gpu",
        "window_s": 60.0,
        "events": 2,
        "hits": 3000,
        "bytes_sent": 1_000_000,
        "requests": 4,
        "retries": 1,
        "paced_s": 2.0,
        "latency_s": 1.0,
        "latency_counts": (0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0),
        "prepare_s": 5.0,
        "inference_s": 20.0,
        "write_s": 0.5,
        "share_mbps": 12.5,
        "total_events": 2,
        "total_bytes_sent": 1_000_000,
    }
    return Heartbeat.model_validate(plain | fields)


@dataclass
class CampaignLife:
    """Writes what happens to the jobs of a campaign.

    Attributes:
        campaign: that lives.
        said: sums over all heartbeats that were written, by field.
        done, failed: attempts whose record was written.
        events_done: events of those that are done.

    """

    campaign: CampaignBuilder
    said: Counter[str] = field(default_factory=Counter)
    done: int = 0
    failed: int = 0
    events_done: int = 0
    _at: float = START

    def steps(self, seed: int) -> Iterator[None]:
        """Let every job live to its end; what each step writes is on disk when it is yielded."""
        chance = random.Random(seed)
        self._note_clusters()
        lives = [self._life(job, chance) for job in range(self.campaign.jobs)]
        at = START
        while lives:
            life = chance.choice(lives)
            at += chance.uniform(0, 5)
            try:
                next(life)
                self._at = at
            except StopIteration:
                lives.remove(life)
            yield

    def _note_clusters(self) -> None:
        """Write down some of the clusters, each with half of its block's jobs; of the others nobody knows the jobs."""
        for first in range(0, self.campaign.jobs, JOBS_PER_BLOCK):
            block = self.campaign.folder.block(first // JOBS_PER_BLOCK)
            block.root.mkdir(parents=True, exist_ok=True)
            for cluster in (first + 1, first + 2):
                note_cluster(block, cluster, range(first, first + JOBS_PER_BLOCK // 2))

    def log(self, job: int) -> EventLog:
        """Return the event log of a job's block, at the time of now."""
        return EventLog(self.campaign.folder.block(job // JOBS_PER_BLOCK).events_log, at=float(int(self._at)))

    def _life(self, job: int, chance: random.Random) -> Iterator[None]:
        proc = job % JOBS_PER_BLOCK
        first = JOBS_PER_BLOCK * (job // JOBS_PER_BLOCK) + 1
        for cluster in range(first, first + 3):
            yield
            self.log(job).submitted(cluster, proc, job)
            for attempt in range(4):
                yield
                self.log(job).executing(cluster, proc)
                site = chance.choice(SITES)
                for beat in range(chance.randrange(4)):
                    yield
                    self._beat(job, cluster, attempt, site, beat)
                yield
                fate = chance.choice(["done", "done", "evicted", "held", "failed", "removed", "killed"])
                if fate == "done":
                    self._record(job, cluster, attempt, site, "done")
                    self.log(job).terminated(cluster, proc, 0)
                    return
                if fate == "failed":
                    self._record(job, cluster, attempt, site, "bad_input")
                    self.log(job).terminated(cluster, proc, 10)
                    break
                if fate == "removed":
                    self.log(job).aborted(cluster, proc, "via condor_rm (by user sonicgrid)")
                    self.log(job).cluster_removed(cluster, jobs=1, complete=False)
                    break
                if fate == "killed":
                    self.log(job).killed(cluster, proc, 9)
                    break
                if fate == "held":
                    self._record(job, cluster, attempt, site, "pool_away")
                    self.log(job).held(cluster, proc, "pool_away: no inference endpoint answered in time")
                    yield
                    self.log(job).released(cluster, proc)
                else:
                    self.log(job).evicted(cluster, proc)

    def _beat(self, job: int, cluster: int, attempt: int, site: str, beat: int) -> None:
        made = a_heartbeat(job, attempt=attempt, site=site, events=beat + 1, hits=1000 + job, total_events=beat + 1)
        self.log(job).told(cluster, job % JOBS_PER_BLOCK, made.encode())
        for name in ("window_s", "events", "hits", "bytes_sent", "requests", "retries", "paced_s", "latency_s"):
            self.said[name] += getattr(made, name)

    def _record(self, job: int, cluster: int, attempt: int, site: str, exit_class: str) -> None:
        record = self.campaign.attempt(
            job,
            cluster=cluster,
            attempt=attempt,
            site=site,
            exit_class=exit_class,
            error="" if exit_class == "done" else f"{exit_class}: what, where\nmore of it",
            started=self._at,
            wall_s=100.0,
            manifest_digest=DIGEST,
        )
        self.done += exit_class == "done"
        self.failed += exit_class != "done"
        self.events_done += record.events if exit_class == "done" else 0
