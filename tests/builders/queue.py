"""A queue that takes clusters and runs nothing, for what the real schedd cannot be made to do at a given moment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jobs.errors import PoolError
from jobs.running.queue import ClusterInQueue, Queue

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder

__all__ = ["FakeQueue"]


class FakeQueue(Queue):
    """Remembers what was submitted; a test takes clusters out of it."""

    def __init__(self) -> None:
        self.descriptions: dict[int, str] = {}
        self.waiting: dict[int, ClusterInQueue] = {}
        self.away = False

    def submit(self, description: str) -> int:
        """Take a cluster."""
        cluster = len(self.descriptions) + 1
        self.descriptions[cluster] = description
        found = re.search(r"SonicGridBlock = (\d+)", description)
        digest = re.search(r'SonicGridDigest = "(\w+)"', description)
        if found and digest:
            self.waiting[cluster] = ClusterInQueue(cluster, int(found.group(1)), digest.group(1))
        return cluster

    def clusters(self, folder: CampaignFolder) -> list[ClusterInQueue]:
        """Return what no test has taken out."""
        if self.away:
            message = f"no schedd answers for {folder.root}"
            raise PoolError(message)
        return list(self.waiting.values())

    def items(self, cluster: int) -> list[int]:
        """Return the jobs that a cluster was submitted with."""
        listed = self.descriptions[cluster].split("queue job from (\n")[1].rstrip(")\n")
        return [int(line) for line in listed.splitlines()]
