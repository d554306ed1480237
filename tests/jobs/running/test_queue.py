"""The queue's door finds a schedd that was started again, and says when there is none."""

from __future__ import annotations

from typing import Any

import htcondor2
import pytest

from jobs.errors import PoolError
from jobs.running.queue import Queue


class Schedd:
    """One life of a schedd: it answers until it is killed, and never again."""

    def __init__(self) -> None:
        self.alive = True
        self.submitted = 0

    def query(self, *_: Any, **__: Any) -> list[Any]:  # noqa: ANN401  # as the bindings'
        """Answer that the queue is empty."""
        if not self.alive:
            raise htcondor2.HTCondorException("Failed to connect")
        return []

    def submit(self, _: Any) -> Any:  # noqa: ANN401  # as the bindings'
        """Take a cluster."""
        if not self.alive:
            raise htcondor2.HTCondorException("Failed to connect")
        self.submitted += 1
        return self

    def cluster(self) -> int:
        """Return a number."""
        return 1


class Pool:
    """Knows the schedd's newest life."""

    def __init__(self) -> None:
        self.schedd = Schedd()
        self.up = True

    def find(self) -> Schedd:
        """Look the schedd up."""
        if not self.up:
            raise PoolError("no HTCondor schedd answers")
        return self.schedd

    def restart(self) -> None:
        """Kill the schedd and start it again."""
        self.schedd.alive = False
        self.schedd = Schedd()


def test_a_schedd_that_was_started_again_is_found() -> None:
    """A question is asked of the new schedd at once: no campaign waits for an address that is no more."""
    pool = Pool()
    queue = Queue(pool.find)
    queue.find()
    pool.restart()
    assert queue.clusters() == []


def test_a_pool_that_is_down_is_an_error_until_it_is_up_again() -> None:
    """While the pool is down every question fails as one, and the first after its return is answered."""
    pool = Pool()
    queue = Queue(pool.find)
    queue.find()
    pool.restart()
    pool.up = False
    for _ in range(2):
        with pytest.raises(PoolError, match="answer"):
            queue.clusters()
    pool.up = True
    assert queue.clusters() == []


def test_a_cluster_is_never_submitted_twice_by_itself() -> None:
    """Nobody knows whether a schedd that died had taken it: the next look at the queue tells."""
    pool = Pool()
    queue = Queue(pool.find)
    queue.find()
    pool.restart()
    with pytest.raises(PoolError, match="refused"):
        queue.submit("executable = /bin/true\nqueue 1\n")
    assert pool.schedd.submitted == 0
    assert queue.submit("executable = /bin/true\nqueue 1\n") == 1
