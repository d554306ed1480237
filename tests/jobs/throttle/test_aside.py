"""What fails everything is set aside, what works is not, and there is always a way back."""

from __future__ import annotations

import pytest

from jobs.exits import EXITS, ExitClass
from jobs.throttle.aside import (
    FEWEST_ATTEMPTS,
    FIRST_ASIDE_S,
    LONGEST_ASIDE_S,
    RECENT_S,
    SITE_ATTEMPTS,
    Kind,
    Ledger,
    blames_the_worker,
)

NOW = 1_800_000_000.0
BAD: tuple[Kind, str] = ("host", "bad")


def ledger(*, others_work: bool = True) -> Ledger:
    """What is known of one site with a host that works."""
    made = Ledger()
    if others_work:
        made.worked("good", "FNAL", NOW - 60)
    return made


def fail(made: Ledger, jobs: list[int], host: str = "bad", at: float = NOW, site: str = "FNAL") -> None:
    """Let attempts fail on a host."""
    for job in jobs:
        made.failed(host, site, job, at, "exit status 30")


def test_a_black_hole_is_set_aside_with_its_reason() -> None:
    """After a few attempts of several jobs in a row, not before, and with what a person wants to know."""
    made = ledger()
    fail(made, [1, 2])
    assert made.decide(NOW) == []
    fail(made, [3])
    (line,) = made.decide(NOW)
    assert line.startswith("host bad set aside for 30 min: its last 3 attempts failed, of 3 jobs; the newest: exit st")
    aside = made.asides[BAD]
    assert (aside.site, aside.since, aside.until) == ("FNAL", NOW, NOW + FIRST_ASIDE_S)
    assert made.decide(NOW + 1) == []


@pytest.mark.parametrize("why", ["one job", "no other works", "it worked meanwhile", "long ago", "others, long ago"])
def test_what_is_not_the_host(why: str) -> None:
    """One job that fails again and again, a failure that all hosts share, one in between, and old stories."""
    made = ledger(others_work=why != "no other works")
    jobs = [1] * 9 if why == "one job" else list(range(FEWEST_ATTEMPTS - 1))
    fail(made, jobs)
    if why == "it worked meanwhile":
        made.worked("bad", "FNAL", NOW)
    if why != "one job":
        fail(made, [99])
    assert made.decide(NOW + (2 * RECENT_S if "long ago" in why else 1)) == []


def test_a_trial_that_fails_doubles_the_time_up_to_a_day() -> None:
    """30 min, 1 h, 2 h, and in the end a day; what fails of before, while it is aside, changes nothing."""
    made = ledger()
    fail(made, [1, 2, 3])
    now = NOW
    made.decide(now)
    lengths = []
    for job in range(10):
        fail(made, [job], at=now + 1)
        assert made.decide(now + 2) == []
        aside = made.asides[BAD]
        assert [one.name for one in made.due(aside.until)] == ["bad"]
        assert made.due(aside.until - 1) == []
        now = aside.until + 10
        made.trying(aside, "7.0")
        fail(made, [job], at=now)
        assert "set aside again" in made.decide(now)[0]
        lengths.append(made.asides[BAD].until - now)
        assert made.asides[BAD].trial == ""
    assert lengths[:3] == [2 * FIRST_ASIDE_S, 4 * FIRST_ASIDE_S, 8 * FIRST_ASIDE_S]
    assert lengths[-1] == LONGEST_ASIDE_S
    assert made.asides[BAD].since == NOW


def test_a_trial_that_works_readmits() -> None:
    """And it takes as many failures as the first time to be set aside again."""
    made = ledger()
    fail(made, [1, 2, 3])
    made.decide(NOW)
    made.worked("bad", "FNAL", NOW + 60)
    assert BAD in made.asides, "a job that was there already says nothing about what a new one would meet"
    made.worked("bad", "FNAL", NOW + FIRST_ASIDE_S + 60)
    assert not made.asides
    fail(made, [4, 5], at=NOW + FIRST_ASIDE_S + 90)
    assert made.decide(NOW + FIRST_ASIDE_S + 90) == []


def test_a_sign_of_life_is_no_success() -> None:
    """A host whose jobs run for long and then fail is set aside too; to other hosts it was one that works."""
    made = Ledger()
    made.alive("good", "FNAL", NOW - 60)
    for job in (1, 2, 3):
        fail(made, [job])
        made.alive("bad", "FNAL", NOW)
    assert len(made.decide(NOW)) == 1
    assert made.working_hosts(NOW) == ["good"]


def test_a_person_readmits_at_once() -> None:
    """What failed before is forgiven, also by a throttle that starts later and reads it all again."""
    made = ledger()
    fail(made, [1, 2, 3])
    made.decide(NOW)
    assert made.readmit("bad", NOW + 5) == ["host bad readmitted by a person"]
    assert made.decide(NOW + 6) == []
    later = ledger()
    later.readmit("bad", NOW + 5)
    fail(later, [1, 2, 3])
    assert later.decide(NOW + 6) == []


def test_what_is_aside_outlives_its_process() -> None:
    """The next throttle knows it, and that its old failures are no new ones."""
    made = ledger()
    fail(made, [1, 2, 3])
    made.decide(NOW)
    later = Ledger(made.asides.values())
    fail(later, [1, 2, 3])
    assert later.decide(NOW + 60) == []
    assert later.asides == made.asides


def test_a_site_that_fails_everything() -> None:
    """Several hosts without one success among them; one host is not the site, and one success is enough."""
    made = ledger(others_work=False)
    fail(made, list(range(50)), host="w0")
    assert made.decide(NOW) == []
    for host in ("w1", "w2"):
        fail(made, list(range(SITE_ATTEMPTS // 2)), host=host)
    assert made.decide(NOW) == []
    fail(made, [7], host="w0")
    (line,) = made.decide(NOW)
    assert line.startswith("site FNAL set aside for 30 min: its last 10 attempts failed, of")
    assert "on 3 hosts" in line
    made = ledger(others_work=False)
    for number in range(40):
        fail(made, [number], host=f"w{number % 4}")
        if number == 35:
            made.worked("w9", "FNAL", NOW)
    assert not [one for one in made.asides if one[0] == "site"]


def test_who_is_to_blame() -> None:
    """What another worker may mend: no library, no mount, a signal, an unknown status; not a bad input or the pool."""
    codes = {exit_class: EXITS[exit_class].code for exit_class in ExitClass}
    for exit_class in (ExitClass.WORKER, ExitClass.CREDENTIALS, ExitClass.INPUT_AWAY, ExitClass.OUTPUT):
        assert blames_the_worker(codes[exit_class], has_record=True)
    for exit_class in (ExitClass.BAD_INPUT, ExitClass.POOL_AWAY, ExitClass.MODEL_MISSING, ExitClass.STOPPED):
        assert not blames_the_worker(codes[exit_class], has_record=True)
    assert blames_the_worker(-1, has_record=False)
    assert blames_the_worker(127, has_record=False)
    assert blames_the_worker(codes[ExitClass.BUG], has_record=False)
    assert not blames_the_worker(codes[ExitClass.BUG], has_record=True)
