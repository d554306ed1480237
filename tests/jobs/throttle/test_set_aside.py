"""The throttle keeps jobs off a host or a site that fails everything, tells why, and has it tried again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jobs.exits import EXITS, ExitClass
from jobs.throttle.aside import FEWEST_ATTEMPTS, FIRST_ASIDE_S
from jobs.throttle.readmit import ask_to_readmit
from jobs.throttle.state import read_state
from tests.builders.throttle import TEN

if TYPE_CHECKING:
    from tests.builders.throttle import ThrottleBench


def attempt(throttle: ThrottleBench, job: int, machine: str, code: int) -> None:
    """Let a job that is in the queue run on a machine and end with a status that HTCondor tries again."""
    (mine,) = [one for one in throttle.queue.present.values() if one.job == job]
    log = throttle.log(job // 20)
    log.submitted(mine.cluster, mine.proc, job)
    log.executing(mine.cluster, mine.proc, machine)
    if code == 0:
        throttle.bench.report(job, ExitClass.DONE, cluster=mine.cluster)
        log.terminated(mine.cluster, mine.proc, 0)
        throttle.queue.end([job])
    else:
        if code == EXITS[ExitClass.WORKER].code:
            throttle.bench.report(job, ExitClass.WORKER, cluster=mine.cluster, attempt=0, site=mine.site)
        log.requeued(mine.cluster, mine.proc, code)


@pytest.fixture
def hole(throttle: ThrottleBench) -> ThrottleBench:
    """Forty jobs over one site, where one host has worked and another has just failed what it got."""
    throttle.site("a", TEN + "admission: negotiator\n")
    throttle.plan()
    throttle.looks(20, "a")
    running = throttle.queue.running("a")
    attempt(throttle, running[0], "good.org", 0)
    for job in running[1 : FEWEST_ATTEMPTS + 1]:
        attempt(throttle, job, "bad.org", 127)
    throttle.looks(4)
    return throttle


def told(throttle: ThrottleBench, name: str = "SonicGridHostsAside") -> set[str]:
    """What the clusters in the queue were told."""
    return {throttle.queue.ad_of(one.cluster)[name] for one in throttle.queue.clusters()}


def test_a_black_hole_gets_no_more_jobs(hole: ThrottleBench) -> None:
    """Clusters in the queue are told within a look, the state and the diary say why, and the next throttle knows."""
    assert told(hole) == {'"bad.org"'}
    state = read_state(hole.bench.folder)
    assert state is not None
    (aside,) = state.aside
    assert (aside.kind, aside.name, aside.site) == ("host", "bad.org", "a")
    assert "exit status 127" in aside.reason
    lines = [json.loads(line) for line in hole.bench.folder.throttle_log.read_text().splitlines()]
    assert next(line["aside"] for line in lines if "aside" in line).startswith("host bad.org set aside for 30 min")
    hole.restart()
    hole.looks(4)
    assert told(hole) == {'"bad.org"'}


def test_one_job_tries_it_again(hole: ThrottleBench) -> None:
    """After its time one waiting job may go there; it works, and the host is back."""
    hole.looks(FIRST_ASIDE_S / 100)
    assert not [call for call in hole.calls if "SonicGridTrialOf" in call]
    hole.look(after_s=FIRST_ASIDE_S)
    hole.looks(10)
    (call,) = [call for call in hole.calls if "SonicGridTrialOf" in call]
    assert call.endswith('SonicGridTrialOf "bad.org"')
    trial = call.split()[1]
    (job,) = [one.job for one in hole.queue.present.values() if f"{one.cluster}.{one.proc}" == trial]
    attempt(hole, job, "bad.org", 0)
    hole.looks(4)
    assert told(hole) == {'""'}
    assert told(hole, "SonicGridElsewhere") == {'"*"'}


def test_a_person_opens_the_way_back(hole: ThrottleBench) -> None:
    """At the next look, and for the throttle after this one too."""
    hole.clock.pass_s(5)
    ask_to_readmit(hole.bench.folder, "bad.org")
    hole.looks(4)
    assert told(hole) == {'""'}
    hole.restart()
    hole.looks(4)
    assert told(hole) == {'""'}


def test_a_job_goes_elsewhere_from_the_start_where_there_are_several_hosts(throttle: ThrottleBench) -> None:
    """A black hole is quicker than the first host that works; in a pool of one host nothing is said."""
    throttle.site("a", TEN + "admission: negotiator\n")
    throttle.plan()
    throttle.negotiator.n_hosts = 7
    throttle.looks(4)
    assert told(throttle, "SonicGridElsewhere") == {'"*"'}
    throttle.restart()
    throttle.negotiator.n_hosts = 1
    throttle.looks(4)
    assert told(throttle, "SonicGridElsewhere") == {'""'}


@pytest.mark.parametrize("admission", ["negotiator", "materialize"])
def test_the_jobs_of_a_site_that_fails_everything_go_to_another(throttle: ThrottleBench, admission: str) -> None:
    """It is closed with the reason, its work goes on elsewhere, and after its time one job tries it."""
    for site in ("a", "b"):
        throttle.site(site, TEN + f"admission: {admission}\n")
    throttle.plan()
    throttle.looks(20, "a", "b")
    for number, job in enumerate(throttle.queue.running("a") * 2):
        attempt(throttle, job, f"w{number % 4}.a", 30)
    throttle.queue.present = {key: one for key, one in throttle.queue.present.items() if one.site != "a"}
    throttle.looks(10, "b")
    state = throttle.looks(4, "b")
    assert state.sites["a"].admitted == 0
    assert state.sites["a"].binds.startswith("set aside: its last 10 attempts failed")
    assert state.sites["b"].admitted == 10
    state = throttle.look(after_s=FIRST_ASIDE_S)
    state = throttle.looks(30, "b")
    assert state.sites["a"].admitted == 1
