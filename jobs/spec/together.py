"""What site configs must not contradict each other in: names, what they share, and which slots are whose."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from jobs.attributes import attribute_of
from jobs.errors import Problem
from jobs.spec.links import LINKS_FILE
from jobs.spec.site_text import plain_expression
from jobs.spec.units import RATE
from jobs.spec.yaml_file import did_you_mean, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from jobs.spec.links import Links
    from jobs.spec.site_keys import Site

__all__ = ["problems_of_link_names", "problems_of_names", "problems_with_links", "same_slots"]

_SAME = "names of its attributes and limits ignore case and have '_' for '-'"


def problems_of_names(used: Iterable[str], files: Mapping[str, Path]) -> list[Problem]:
    """Return a problem for each two sites of a folder that HTCondor could not tell apart, if one of them is used."""
    names = set(used)
    return [
        Problem(
            str(files[second]),
            "",
            f"the site '{second}' is the same to HTCondor as '{first}' of {files[first].name}: {_SAME}",
            "rename one of the two files",
        )
        for first, second in _same_names(files)
        if names & {first, second}
    ]


def problems_of_link_names(links: Links, file: Path) -> list[Problem]:
    """Return a problem for each two shared links, or two GPU pools, that HTCondor could not tell apart."""
    return [
        Problem(
            place_of(file, group, second),
            f"{group}.{second}",
            f"is the same to HTCondor as {group}.{first}: {_SAME}",
            "rename one of the two",
        )
        for group, names in (("shared_links", links.shared_links), ("gpu_pools", links.gpu_pools))
        for first, second in _same_names(names)
    ]


def problems_with_links(sites: Mapping[str, Site], files: Mapping[str, Path], links: Links) -> list[Problem]:
    """Return a problem for each name that `links.yaml` lacks, and each shared link that cannot carry one job."""
    problems: list[Problem] = []
    for name, site in sites.items():
        problems += _links_of(site, files[name], links)
        if site.gpu_pool is not None and site.gpu_pool not in links.gpu_pools:
            what = f"there is no GPU pool '{site.gpu_pool}' in {LINKS_FILE}"
            remedy = did_you_mean(site.gpu_pool, links.gpu_pools)
            problems.append(Problem(place_of(files[name], "gpu_pool"), "gpu_pool", what, remedy))
    return problems


def same_slots(sites: Mapping[str, Site], files: Mapping[str, Path]) -> list[Problem]:
    """Return a problem for each two sites whose slots are said by the same expression, white space apart."""
    plain = {name: plain_expression(site.slots) for name, site in sites.items()}
    return [
        Problem(
            place_of(files[second], "slots"),
            "slots",
            f"is {sites[second].slots}, the same as for the site '{first}': both claim the same slots",
            "a slot has one link, so give each site an expression of its own",
        )
        for first, second in combinations(sites, 2)
        if plain[first] == plain[second]
    ]


def _same_names(names: Iterable[str]) -> list[tuple[str, str]]:
    return [
        (first, second)
        for first, second in combinations(names, 2)
        if attribute_of(first).casefold() == attribute_of(second).casefold()
    ]


def _links_of(site: Site, file: Path, links: Links) -> Iterator[Problem]:
    where = place_of(file, "shared_links")
    for name in site.shared_links:
        link = links.shared_links.get(name)
        if link is None:
            what = f"there is no shared link '{name}' in {LINKS_FILE}"
            yield Problem(where, "shared_links", what, did_you_mean(name, links.shared_links))
        elif site.budget_mbps and 0 < link.budget_mbps < (site.rate_per_job_mbps or site.least_rate_per_job_mbps):
            rate = RATE.write(site.rate_per_job_mbps or site.least_rate_per_job_mbps)
            what = f"the budget of '{name}', {RATE.write(link.budget_mbps)}, is too small for one job of {rate}"
            key = "rate_per_job" if site.rate_per_job_mbps else "least_rate_per_job"
            yield Problem(where, "shared_links", what, f"raise its rate or campaign_share, or lower {key} of the site")
