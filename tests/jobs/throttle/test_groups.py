"""Sites share clusters where one submit description fits them all."""

from __future__ import annotations

from jobs.spec.environment import Environment
from jobs.throttle.groups import groups_of
from tests.builders.sites import a_site

SITES = {"a": a_site("a"), "b": a_site("b"), "c": a_site("c", environment=Environment(container="docker://x"))}


def test_the_negotiator_may_send_a_job_to_any_site() -> None:
    """One group, with the jobs' own flavours."""
    (group,) = groups_of({"a": SITES["a"], "b": SITES["b"]}, {"a": "negotiator", "b": "negotiator"}, ["gpu", "cpu"])
    assert (group.sites, group.admission, group.runs_as) == (("a", "b"), "negotiator", "")
    assert group.flavours == {"gpu", "cpu"}


def test_environments_make_groups_of_their_own() -> None:
    """A cluster starts its jobs one way, so that a site with another environment has clusters of its own."""
    groups = groups_of(SITES, dict.fromkeys(SITES, "negotiator"), ["gpu"])
    assert [group.sites for group in groups] == [("a", "b"), ("c",)]


def test_without_the_negotiator_each_site_has_clusters_of_its_own() -> None:
    """Their size is the site's limit; jobs that use no network must not count in it, and come last."""
    groups = groups_of({"a": SITES["a"], "b": SITES["b"]}, {"a": "materialize", "b": "materialize"}, ["gpu", "cpu"])
    told = [(group.sites, group.runs_as, sorted(group.flavours), group.uses_network) for group in groups]
    assert told == [
        (("a",), "gpu", ["gpu"], True),
        (("b",), "gpu", ["gpu"], True),
        (("a",), "cpu", ["cpu"], False),
        (("b",), "cpu", ["cpu"], False),
    ]


def test_auto_jobs_may_become_either() -> None:
    """They are dealt as the one or the other, and to nobody else."""
    groups = groups_of({"a": SITES["a"]}, {"a": "materialize"}, ["auto"])
    assert [(group.runs_as, sorted(group.flavours)) for group in groups] == [("gpu", ["auto"]), ("cpu", ["auto"])]


def test_gpu_jobs_alone_need_no_clusters_without_network() -> None:
    """A campaign without cpu jobs has one group for each site."""
    groups = groups_of({"a": SITES["a"]}, {"a": "materialize"}, ["gpu"])
    assert [group.runs_as for group in groups] == ["gpu"]


def test_both_ways_of_admission_beside_each_other() -> None:
    """Each site is admitted as its config says."""
    groups = groups_of({"a": SITES["a"], "b": SITES["b"]}, {"a": "negotiator", "b": "materialize"}, ["gpu"])
    assert [(group.sites, group.admission) for group in groups] == [(("a",), "negotiator"), (("b",), "materialize")]
