"""Whose the slots of a pool are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import classad2
import pytest

from jobs.spec.claims import Overlap, find_claims, problems_of_claims
from jobs.spec.site import Site

if TYPE_CHECKING:
    from pathlib import Path


def _sites(**slots: str) -> dict[str, Site]:
    return {
        name: Site(name=name, endpoints=("a:1",), uplink="1 Gb/s", slots=expression or f'GLIDEIN_Site == "{name}"')
        for name, expression in slots.items()
    }


def _slot(number: int, site: str, **more: object) -> classad2.ClassAd:
    return classad2.ClassAd({"Name": f"slot{number}@worker", "GLIDEIN_Site": site, **more})


@pytest.mark.parametrize(
    ("expression", "claimed"),
    [
        ('GLIDEIN_Site == "FNAL"', True),
        ('TARGET.GLIDEIN_Site == "FNAL" && HasCVMFS', True),
        ('stringListMember(GLIDEIN_Site, "BNL,FNAL")', True),
        ("Memory > 1000", True),
        ("Cpus", True),
        ('GLIDEIN_Site == "CERN"', False),
        ("HasSingularity", False),
        ("GLIDEIN_Site", False),
        ("1 / 0", False),
        ("0", False),
    ],
)
def test_an_expression_is_evaluated_as_matchmaking_would(expression: str, claimed: bool) -> None:
    """Names are the slot's, with TARGET and without; what is undefined, an error or no number claims nothing."""
    slot = _slot(1, "FNAL", HasCVMFS=True, Cpus=1, Memory=classad2.ExprTree("Cpus * 2048"))
    claims = find_claims([slot], _sites(A=expression))
    assert (claims.by_site["A"], claims.unclaimed) == ((1, 0) if claimed else (0, 1))


def test_slots_are_counted_by_site(tmp_path: Path) -> None:
    """Slots of two sites, of none and of both are told apart, and an overlap has an example."""
    slots = [_slot(number, site) for number, site in enumerate(["FNAL"] * 3 + ["CERN"] * 2 + ["BNL"])]
    sites = _sites(FNAL="", CERN="", US='member(GLIDEIN_Site, {"FNAL", "SLAC"})', EMPTY="")
    claims = find_claims(slots, sites)
    assert (claims.total, claims.unclaimed) == (6, 1)
    assert claims.by_site == {"FNAL": 3, "CERN": 2, "US": 3, "EMPTY": 0}
    assert claims.overlaps == (Overlap("FNAL", "US", 3, "slot0@worker"),)
    files = {name: tmp_path / f"{name}.yaml" for name in sites}
    files["US"].write_text("endpoints: a:1\nslots: x\n")
    (problem,) = problems_of_claims(claims.overlaps, files)
    assert (problem.file, problem.key) == (f"{files['US']}:2", "slots")
    assert "'US' and 'FNAL' both claim 3 slots of the pool, such as slot0@worker" in str(problem)


def test_an_empty_pool_has_no_problem() -> None:
    """No slot is a fact, not an error."""
    claims = find_claims([], _sites(A=""))
    assert (claims.total, claims.unclaimed, claims.by_site, claims.overlaps) == (0, 0, {"A": 0}, ())
