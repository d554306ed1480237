"""Which site each slot of a pool belongs to: what two expressions say only shows on the slots themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import classad2

# Not used by name: importing it teaches ClassAds HTCondor's own functions, such as stringListMember.
import htcondor2  # noqa: F401

from jobs.errors import Problem
from jobs.spec.yaml_file import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from jobs.spec.site_keys import Site

__all__ = ["Claims", "Overlap", "find_claims", "problems_of_claims"]


@dataclass(frozen=True)
class Overlap:
    """Slots that two sites claim."""

    first: str
    second: str
    slots: int
    example: str
    """Name of one of them."""


@dataclass(frozen=True)
class Claims:
    """Whose the slots of a pool are."""

    total: int
    unclaimed: int
    """Slots that belong to no site; they get no job."""
    by_site: Mapping[str, int]
    """Slots that each site claims, in the order of the sites; of several sites if they overlap."""
    overlaps: tuple[Overlap, ...]


def find_claims(ads: Iterable[classad2.ClassAd], sites: Mapping[str, Site]) -> Claims:
    """Evaluate the `slots` of every site for every slot, as matchmaking would.

    Args:
        ads: of the slots; names without MY or TARGET and with TARGET are the slot's.
        sites: by name, those of one campaign or of a folder.

    """
    expressions = {name: classad2.ExprTree(site.slots) for name, site in sites.items()}
    by_site = dict.fromkeys(sites, 0)
    examples: dict[tuple[str, str], list[str]] = {}
    total = unclaimed = 0
    for ad in ads:
        # A scope cannot be its own target in the bindings: names with TARGET would be undefined.
        target = classad2.ClassAd(str(ad))
        claiming = [name for name, belongs in expressions.items() if _is_true(belongs.eval(ad, target))]
        total += 1
        unclaimed += not claiming
        for name in claiming:
            by_site[name] += 1
        for pair in combinations(claiming, 2):
            examples.setdefault(pair, []).append(str(ad.get("Name", "without a name")))
    overlaps = tuple(Overlap(*pair, len(names), min(names)) for pair, names in examples.items())
    return Claims(total, unclaimed, by_site, overlaps)


def problems_of_claims(overlaps: Sequence[Overlap], files: Mapping[str, Path]) -> list[Problem]:
    """Return a problem for each two sites that claim the same slots."""
    return [
        Problem(
            place_of(files[overlap.second], "slots"),
            "slots",
            f"'{overlap.second}' and '{overlap.first}' both claim {overlap.slots:,} slot{'s' * (overlap.slots != 1)}"
            f" of the pool, such as {overlap.example}",
            "a slot has one link, so narrow one of the two expressions",
        )
        for overlap in overlaps
    ]


def _is_true(value: object) -> bool:
    """Whether HTCondor takes a value for true: numbers other than 0 are, undefined and errors are not."""
    return isinstance(value, bool | int | float) and not isinstance(value, classad2.Value) and bool(value)
