"""Site configs of a folder: each read by itself, then all that are used together held against each other."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.block import SiteAccess, TlsFiles
from jobs.errors import ConfigError, Problem, UsageError
from jobs.layout import CHECKOUT
from jobs.reco.url import is_url
from jobs.spec.links import LINKS_FILE, Links, load_links
from jobs.spec.paths import absolute, base_folder
from jobs.spec.site_keys import Admission, Site
from jobs.spec.site_text import EMBEDDED
from jobs.spec.together import problems_of_link_names, problems_of_names, problems_with_links, same_slots
from jobs.spec.yaml_file import did_you_mean, place_of, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "EMBEDDED",
    "Admission",
    "Grid",
    "Site",
    "find_sites_folder",
    "load_grid",
    "load_site",
    "load_sites",
    "site_access",
    "site_files",
]

SITES_VARIABLE = "SONICGRID_SITES"
"""Environment variable that names the folder of the site configs."""


@dataclass(frozen=True)
class Grid:
    """Sites, and the links and GPU pools that they share."""

    sites: Mapping[str, Site]
    links: Links


def find_sites_folder(option: Path | None = None) -> Path:
    """Return the folder of the site configs: the option, the variable SONICGRID_SITES, or the checkout's own.

    Raises:
        UsageError: it is not a folder.

    """
    variable = os.environ.get(SITES_VARIABLE)
    own = CHECKOUT / "site_configs"
    folder = option or (Path(variable).expanduser() if variable else own)
    if not folder.is_dir():
        message = f"{folder}: there is no such folder of site configs; name it with --sites-folder or {SITES_VARIABLE}"
        raise UsageError(message)
    return folder


def site_files(folder: Path) -> dict[str, Path]:
    """Return the site configs of a folder by the name of the site; `links.yaml` is none."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml")) if path.name != LINKS_FILE}


def load_site(path: Path) -> Site:
    """Read one site config by itself; its name is the file's, and a relative path of an archive becomes absolute.

    Raises:
        ConfigError: with every problem of the file.

    """
    site = read_yaml(path, Site, {"name": path.stem})
    if site.environment is None or site.environment.archive is None:
        return site
    archive = absolute(site.environment.archive, base_folder(path))
    environment = site.environment.model_copy(update={"archive": archive})
    return site.model_copy(update={"environment": environment})


def load_sites(folder: Path, names: Iterable[str] | None = None, asked_by: str = "") -> dict[str, Site]:
    """Read the site configs of a folder, by name; `load_grid` says how and what it raises."""
    return dict(load_grid(folder, names, asked_by).sites)


def load_grid(folder: Path, names: Iterable[str] | None = None, asked_by: str = "") -> Grid:
    """Read the site configs of a folder, and the links that they share.

    Args:
        folder: one `NAME.yaml` per site, and `links.yaml` if they share something.
        names: which sites; None for all that are there.
        asked_by: the file that names the sites, for the error about one that is missing.

    Raises:
        ConfigError: with every problem of all of them, and of their use together.

    """
    files = site_files(folder)
    wanted = list(files if names is None else names)
    sites: dict[str, Site] = {}
    problems: list[Problem] = []
    for name in wanted:
        if name not in files:
            problems.append(_unknown_site(name, folder, files, asked_by))
            continue
        try:
            sites[name] = load_site(files[name])
        except ConfigError as error:
            problems.extend(error.problems)
    problems += problems_of_names({name: files[name] for name in wanted if name in files}, files)
    try:
        links = load_links(folder)
    except ConfigError as error:
        links = Links()
        problems.extend(error.problems)
    else:
        problems += problems_of_link_names(links, folder / LINKS_FILE)
        problems += problems_with_links(sites, files, links)
    problems += same_slots(sites, files)
    problems += _missing_archives(sites, files)
    if problems:
        raise ConfigError(problems)
    return Grid(sites, links)


def site_access(site: Site, embedded_endpoint: Callable[[], str]) -> SiteAccess:
    """Return how a job at `site` reaches the pool now.

    Args:
        site: the site.
        embedded_endpoint: gives host:port of the embedded pool's load balancer, asked only if the site names it.

    """
    endpoints = tuple(embedded_endpoint() if endpoint == EMBEDDED else endpoint for endpoint in site.endpoints)
    return SiteAccess(
        endpoints=endpoints,
        wire_format=site.wire_format,
        tls=None if site.tls is None else TlsFiles(**site.tls.model_dump()),
        token_file=site.token_file,
        pace=not site.gateway,
        largest_request_mb=site.largest_request_mb,
    )


def _unknown_site(name: str, folder: Path, known: Mapping[str, Path], asked_by: str) -> Problem:
    what = f"there is no site '{name}': no {folder / (name + '.yaml')}"
    if f"{name}.yaml" == LINKS_FILE:
        what = f"there is no site '{name}': {folder / LINKS_FILE} holds what sites share"
    remedy = did_you_mean(name, known)
    if difflib.get_close_matches(name, known, n=1):
        remedy += f" known: {', '.join(known)}"
    return Problem(asked_by or str(folder), "sites", what, remedy)


def _missing_archives(sites: Mapping[str, Site], files: Mapping[str, Path]) -> list[Problem]:
    remedy = "make it with `sonicgrid pack`, or correct the path"
    return [
        Problem(
            place_of(files[name], "environment", "archive"), "environment.archive", f"there is no {archive}", remedy
        )
        for name, site in sites.items()
        if site.environment and (archive := site.environment.archive) and not is_url(archive)
        if not Path(archive).is_file()
    ]
