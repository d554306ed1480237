"""The negotiator's limits are leaned on only where they cannot become none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import classad2
import htcondor2
import pytest

from jobs.errors import PoolError
from jobs.throttle import negotiator as module
from jobs.throttle.negotiator import FAMILIES, Negotiator, gpu_limit, jobs_limit, link_limit, site_limit

if TYPE_CHECKING:
    pass


class Daemons:
    """Collector and negotiator of a pool: configuration, and what a reconfig takes over."""

    def __init__(self) -> None:
        self.config = {f"CONCURRENCY_LIMIT_DEFAULT_{family}": "0" for family in FAMILIES}
        self.written: dict[str, str] = {}
        self.obeys = True
        self.away = False
        self.ads: list[classad2.ClassAd] = []

    def locate(self, kind: object) -> classad2.ClassAd:
        """Find the negotiator."""
        del kind
        if self.away:
            raise htcondor2.HTCondorException("no negotiator")
        return classad2.ClassAd()

    def query(self, kind: object, constraint: str, attributes: list[str]) -> list[classad2.ClassAd]:
        """Find the ads of slots."""
        del kind, attributes
        if self.away:
            raise htcondor2.HTCondorException("no collector")
        wanted = classad2.ExprTree(constraint)
        return [ad for ad in self.ads if wanted.eval(ad) is True]

    def send(self, where: object, command: object) -> None:
        """Reconfigure."""
        del where
        assert command == htcondor2.DaemonCommand.Reconfig
        if self.obeys:
            self.config |= self.written


class Remote(dict[str, str]):
    """What RemoteParam shows and takes."""

    def __init__(self, daemons: Daemons) -> None:
        super().__init__(daemons.config)
        self._daemons = daemons

    def __setitem__(self, name: str, value: str) -> None:
        self._daemons.written[name] = value


@pytest.fixture
def daemons(monkeypatch: pytest.MonkeyPatch) -> Daemons:
    """A pool whose negotiator takes limits."""
    daemons = Daemons()
    monkeypatch.setattr(htcondor2, "RemoteParam", lambda where: Remote(daemons))
    monkeypatch.setattr(htcondor2, "send_command", daemons.send)
    monkeypatch.setattr(module, "_TAKES_EFFECT_S", 0.3)
    return daemons


def negotiator_of(daemons: Any) -> Negotiator:  # noqa: ANN401 - a collector's part
    """The negotiator of a pool."""
    return Negotiator(daemons)


def test_names_are_those_of_htcondor() -> None:
    """A dash would end the name of an attribute, and HTCondor knows no capitals in limits."""
    assert site_limit("CERN-T0") == "net.cern_t0"
    assert link_limit("ES-net") == "link.es_net"
    assert gpu_limit("NRP") == "gpu.nrp"
    assert jobs_limit("a-B") == "jobs.a_b"


def test_a_negotiator_that_takes_limits_has_no_obstacle(daemons: Daemons) -> None:
    """It is tried, with a limit that no job names, every time anew."""
    assert negotiator_of(daemons).obstacle() == ""
    assert negotiator_of(daemons).obstacle() == ""


@pytest.mark.parametrize("family", FAMILIES)
def test_a_default_of_0_is_demanded(daemons: Daemons, family: str) -> None:
    """Without it, a limit that is lost would be none; the missing line is named as it must be written."""
    del daemons.config[f"CONCURRENCY_LIMIT_DEFAULT_{family}"]
    assert f"lacks CONCURRENCY_LIMIT_DEFAULT_{family} = 0" in negotiator_of(daemons).obstacle()
    daemons.config[f"CONCURRENCY_LIMIT_DEFAULT_{family}"] = "2308032"
    assert f"lacks CONCURRENCY_LIMIT_DEFAULT_{family} = 0" in negotiator_of(daemons).obstacle()


def test_a_negotiator_that_ignores_us_is_an_obstacle(daemons: Daemons) -> None:
    """It takes the word and does nothing: known after a few seconds."""
    daemons.obeys = False
    assert negotiator_of(daemons).obstacle() == "the negotiator does not let us set limits"


def test_a_negotiator_that_is_away_is_an_obstacle(daemons: Daemons) -> None:
    """Its words are the reason."""
    daemons.away = True
    assert "no negotiator" in negotiator_of(daemons).obstacle()
    with pytest.raises(PoolError, match="no negotiator"):
        negotiator_of(daemons).set_limits({"net.a": 1.0})


def test_limits_read_back_with_room_for_rounding(daemons: Daemons) -> None:
    """A sum of charges that is off in its last digit must not lose a job; 0 is 0."""
    negotiator = negotiator_of(daemons)
    negotiator.set_limits({"net.a": 340.0, "net.b": 0.0, "net.c": 123_456_789.5})
    assert daemons.config["net.a_LIMIT"] == "340.0010"
    assert daemons.config["net.c_LIMIT"] == "123456789.5010"
    limits = negotiator.limits(["net.a", "net.b", "net.d"])
    assert limits == {"net.a": 340.001, "net.b": 0.0, "net.d": None}


def test_what_other_schedds_jobs_use(daemons: Daemons) -> None:
    """Charges add up by limit; ours, free slots and claims between two jobs are not others'."""

    def slot(schedd: str, limits: str, state: str = "Claimed") -> classad2.ClassAd:
        return classad2.ClassAd({"State": state, "GlobalJobId": f"{schedd}#1.0#17", "ConcurrencyLimits": limits})

    between = classad2.ClassAd({"State": "Claimed", "ConcurrencyLimits": "net.a:34.00"})
    daemons.ads = [
        slot("theirs", "Net.A:34.00,link.esnet:34.00,gpu.nrp:1"),
        slot("theirs", "net.a:10.00"),
        slot("theirs", "other"),
        slot("ours", "net.a:34.00"),
        slot("theirs", "net.a:34.00", state="Unclaimed"),
        between,
    ]
    charged = negotiator_of(daemons).charged_to_others({"ours"})
    assert charged == {"net.a": 44.0, "link.esnet": 34.0, "gpu.nrp": 1.0, "other": 1.0}


def test_slots_to_have_are_counted_in_cores(daemons: Daemons) -> None:
    """A partitionable slot of four cores takes four jobs, a user's own slots count, those of others do not."""
    daemons.ads = [
        classad2.ClassAd({"State": "Unclaimed", "GLIDEIN_Site": "a", "Cpus": 4}),
        classad2.ClassAd({"State": "Unclaimed", "GLIDEIN_Site": "b", "Cpus": 8}),
        classad2.ClassAd({"State": "Claimed", "GLIDEIN_Site": "a", "Cpus": 1, "RemoteOwner": "me@here"}),
        classad2.ClassAd({"State": "Claimed", "GLIDEIN_Site": "a", "Cpus": 1, "RemoteOwner": "you@here"}),
        classad2.ClassAd({"State": "Unclaimed", "GLIDEIN_Site": "a", "Cpus": 0}),
    ]
    expression = 'GLIDEIN_Site == "a" || GLIDEIN_Site == "c"'
    assert negotiator_of(daemons).slots_to_have(expression, "me@here") == 5.0
    assert negotiator_of(daemons).slots_to_have(expression, "") == 4.0
