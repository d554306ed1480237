"""What the ads of clusters and jobs are read as."""

from __future__ import annotations

from typing import Any

from jobs.attributes import planned_attribute
from jobs.running.queued import read_cluster, read_job

CLUSTER: dict[str, Any] = {
    "ClusterId": 7,
    "SonicGridBlock": 2,
    "SonicGridDigest": "abc",
    "SonicGridCampaignFolder": "/campaigns/one",
}
JOB: dict[str, Any] = {"ClusterId": 7, "ProcId": 1, "SonicGridJob": 21, "JobStatus": 1, "SonicGridCampaignFolder": "/c"}


def test_jobs_to_come_start_at_the_next_row() -> None:
    """Rows that are not materialized are coming, in their order; none is once they were given back."""
    ad = {**CLUSTER, "SonicGridJobs": "20-22,30", "JobMaterializeNextRow": 2}
    assert read_cluster(ad, {}).coming == (22, 30)
    assert read_cluster({**ad, "SonicGridReturned": True}, {}).coming == ()


def test_a_cluster_says_where_it_may_run_and_whether_it_rests() -> None:
    """Sites, limit, pause and planned Mb/s come from the ad; what it lacks is nothing."""
    planned = planned_attribute("a-b")
    ad = {**CLUSTER, "SonicGridSites": "a-b,c", "JobMaterializeLimit": 5, "JobMaterializePaused": 3, planned: 12.5}
    cluster = read_cluster(ad, {"a-b": planned, "c": planned_attribute("c")})
    assert (cluster.sites, cluster.limit, cluster.paused) == (("a-b", "c"), 5, True)
    assert cluster.planned_mbps == {"a-b": 12.5, "c": 0.0}
    bare = read_cluster(CLUSTER, {})
    assert (bare.sites, bare.limit, bare.paused, bare.jobs) == ((), 0, False, ())


def test_a_job_that_never_started_has_no_site_and_no_charge() -> None:
    """A waiting job is idle and free of charge; one at work tells its site, its charge and whose slot to look for."""
    waiting = read_job(JOB)
    assert (waiting.idle, waiting.site, waiting.charge_mbps, waiting.starts) == (True, "", 0.0, 0)
    at_work = {"JobStatus": 2, "MATCH_EXP_SonicGridSite": "north", "MATCH_EXP_SonicGridCharge": "4", "NumJobStarts": 1}
    job = read_job({**JOB, **at_work, "GlobalJobId": "schedd-1#7.1#99", "User": "me@here"})
    assert (job.idle, job.site, job.charge_mbps, job.starts) == (False, "north", 4.0, 1)
    assert (job.schedd, job.owner) == ("schedd-1", "me@here")
