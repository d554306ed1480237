"""What is handed to HTCondor is on the record, whatever dies between its answer and the note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.running.clusters import read_clusters

if TYPE_CHECKING:
    from tests.builders.throttle import ThrottleBench

TEN = "uplink: 10 Mb/s\ncampaign_share: 100 %\nrate_per_job: 1 Mb/s\n"


def test_a_cluster_that_nobody_wrote_down_is_written_down(throttle: ThrottleBench) -> None:
    """The keeper was killed between HTCondor's answer and its note: the next one notes what it finds in the queue."""
    throttle.site("a", TEN)
    folder = throttle.plan(20).folder.block(0)
    throttle.look()
    made = read_clusters(folder)
    folder.cluster.unlink()
    throttle.restart()
    throttle.look()
    assert [(one.cluster, one.jobs) for one in read_clusters(folder)] == [(one.cluster, one.jobs) for one in made]
    assert len(throttle.queue.descriptions) == len(made)
