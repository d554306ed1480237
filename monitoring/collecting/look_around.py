"""What is around a campaign's jobs, each at its own interval: the throttle, HTCondor's queue, the servers' metrics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jobs.errors import PoolError
from jobs.states import FINAL
from monitoring.collecting.batch import begin_batch
from monitoring.collecting.read_metrics import MetricsReader, embedded_urls
from monitoring.collecting.take_metrics import settle_metrics, take_metrics
from monitoring.collecting.take_queue import take_queue
from monitoring.collecting.take_throttle import take_throttle
from monitoring.collecting.thin_out import thin_out

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from jobs.layout import CampaignFolder
    from jobs.running.queue import Queue
    from jobs.running.queued import ClusterInQueue, JobInQueue

__all__ = ["METRICS_EVERY_S", "QUEUE_EVERY_S", "Surroundings"]

METRICS_EVERY_S = 10.0
QUEUE_EVERY_S = 30.0
_THIN_EVERY_S = 600.0

_QUEUE = "queue"


class Surroundings:
    """Looks around for one collector.

    Args:
        folder: of the campaign.
        urls: pages in the format of Prometheus.
        open_queue: finds HTCondor's queue; None to do without it.
        embedded_pool: whether the embedded pool's servers are asked for their metrics, too.

    """

    def __init__(
        self,
        folder: CampaignFolder,
        urls: Sequence[str],
        open_queue: Callable[[], Queue] | None,
        *,
        embedded_pool: bool,
    ) -> None:
        self._folder = folder
        self._urls = tuple(urls)
        self._open_queue = open_queue
        self._queue: Queue | None = None
        self._embedded_pool = embedded_pool
        self._metrics = MetricsReader()
        self._due_at: dict[str, float] = {}

    def look(self, connection: sqlite3.Connection, *, wait: bool = False) -> None:
        """Take what is due into a store.

        Args:
            connection: of the store.
            wait: for the answers of servers that were asked; without, they are taken at a later look.

        """
        over = _is_over(connection)
        if not over and self._is_due("metrics", METRICS_EVERY_S):
            self._metrics.ask([*self._urls, *(embedded_urls() if self._embedded_pool else ())])
        answers = self._metrics.answers(wait=wait)
        queued, problem = (None, "") if over else self._look_at_queue()
        with begin_batch(connection, time.time()) as batch:
            take_throttle(batch, self._folder)
            take_metrics(batch, answers)
            if over:
                settle_metrics(batch)
                batch.notes.settle(_QUEUE)
            elif problem:
                batch.notes.say(_QUEUE, problem, batch.now, standing=True)
                batch.notes.settle(_QUEUE, problem)
            elif queued:
                batch.notes.settle(_QUEUE)
                take_queue(batch, *queued)
            if self._is_due("thin", _THIN_EVERY_S):
                thin_out(batch)

    def close(self) -> None:
        """Ask nobody any more."""
        self._metrics.close()

    def _look_at_queue(self) -> tuple[tuple[list[ClusterInQueue], list[JobInQueue]] | None, str]:
        """Return clusters and jobs, if it is time to, or why there are none."""
        if self._open_queue is None or not self._is_due(_QUEUE, QUEUE_EVERY_S):
            return None, ""
        try:
            self._queue = self._queue or self._open_queue()
            return self._queue.at_work(self._folder), ""
        except PoolError as error:
            self._queue = None
            return None, f"{error}; sites of running jobs are known from their heartbeats alone, a minute late"

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due_at.get(what, 0.0):
            return False
        self._due_at[what] = now + every_s
        return True


def _is_over(connection: sqlite3.Connection) -> bool:
    """Return whether every job has ended: a pool that is taken down then is nobody's trouble."""
    marks = ", ".join("?" * len(FINAL))
    found = connection.execute(f"SELECT 1 FROM jobs WHERE state NOT IN ({marks}) LIMIT 1", tuple(FINAL))
    return found.fetchone() is None
