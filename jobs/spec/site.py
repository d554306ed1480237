"""Site configs: where the jobs of a campaign may run, and how much of each site's network they may have."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import classad2
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from jobs.block import SiteAccess
from jobs.errors import ConfigError, Problem, UsageError
from jobs.layout import CHECKOUT
from jobs.spec.units import MegabitsPerSecond, Share
from jobs.spec.yaml_file import did_you_mean, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

__all__ = ["EMBEDDED", "Site", "find_sites_folder", "load_site", "load_sites", "site_access"]

EMBEDDED = "embedded"
"""The word for the load balancer of the embedded pool, whose port is known only while it runs."""

SITES_VARIABLE = "SONICGRID_SITES"
"""Environment variable that names the folder of the site configs."""


def _check_expression(text: str) -> str:
    expression = " ".join(text.split())
    try:
        classad2.ExprTree(expression)
    except classad2.ClassAdException as error:
        remedy = 'write it like GLIDEIN_Site == "FNAL" && HasCVMFS; text is in double quotes, equality is =='
        raise _problem(f"{text!r} is not a ClassAd expression", remedy) from error
    return expression


def _check_endpoint(text: str) -> str:
    if text == EMBEDDED:
        return text
    host, colon, port = text.rpartition(":")
    host_ok = bool(host) and not any(character.isspace() or character == "/" for character in host)
    bracketed = host.startswith("[") and host.endswith("]")
    if not (colon and host_ok and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        remedy = f"write host:port of the gRPC service, like triton.example.org:8001, or the word {EMBEDDED}"
        raise _problem(f"{text!r} is not an endpoint", remedy)
    if ":" in host and not bracketed:
        raise _problem(f"{text!r} is not an endpoint", "write an IPv6 address in brackets, like [2001:db8::1]:8001")
    return text


def _problem(what: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("site", "{what}", {"what": what, "remedy": remedy})


def _one_or_more(given: object) -> object:
    return [given] if isinstance(given, str) else given


_Expression = Annotated[str, AfterValidator(_check_expression)]
_Endpoint = Annotated[str, AfterValidator(_check_endpoint)]


class Site(BaseModel):
    """One site: its slots, its network, and how its jobs reach the inference pool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", exclude=True, description="The file's name without `.yaml`"
    )
    endpoints: Annotated[tuple[_Endpoint, ...], BeforeValidator(_one_or_more)] = Field(
        min_length=1,
        description=f"`host:port` of the gRPC endpoints of the inference pool, the preferred one first; the word"
        f" `{EMBEDDED}` stands for the load balancer of the embedded pool",
    )
    slots: _Expression = Field(
        "",
        description="ClassAd expression over a slot's ad that says which slots belong to the site;"
        ' by default `GLIDEIN_Site == "NAME"`',
        validate_default=False,
    )
    uplink_mbps: MegabitsPerSecond | None = Field(
        None, alias="uplink", gt=0, description="Rate of the site's link towards the inference pool; by default unknown"
    )
    campaign_share: Share = Field(
        0.8, gt=0, description="Part of the uplink that campaigns may fill; the rest is for the site's other users"
    )
    most_jobs: Annotated[int, Field(strict=True)] | None = Field(
        None, ge=1, description="Most jobs of a campaign at once; by default as many as HTCondor gives"
    )
    wire_format: Literal["patches"] = Field("patches", description="How hits travel to the inference pool")

    @model_validator(mode="after")
    def _default_slots(self) -> Self:
        if not self.slots:
            object.__setattr__(self, "slots", f'GLIDEIN_Site == "{self.name}"')
        return self

    @property
    def budget_mbps(self) -> float | None:
        """What the site's jobs may send together, Mb/s; None if the config names no uplink."""
        return None if self.uplink_mbps is None else self.uplink_mbps * self.campaign_share


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


def load_site(path: Path) -> Site:
    """Read one site config; its name is the file's.

    Raises:
        ConfigError: with every problem of the file.

    """
    return read_yaml(path, Site, {"name": path.stem})


def load_sites(folder: Path, names: Iterable[str] | None = None, asked_by: str = "") -> dict[str, Site]:
    """Read the site configs of a folder, by name.

    Args:
        folder: one `NAME.yaml` per site.
        names: which; None for all that are there.
        asked_by: the file that names the sites, for the error about one that is missing.

    Raises:
        ConfigError: with every problem of all of them.

    """
    files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    sites: dict[str, Site] = {}
    problems: list[Problem] = []
    for name in files if names is None else names:
        if name not in files:
            what = f"there is no site '{name}': no {folder / (name + '.yaml')}"
            remedy = did_you_mean(name, files)
            if difflib.get_close_matches(name, files, n=1):
                remedy += f" known: {', '.join(files)}"
            problems.append(Problem(asked_by or str(folder), "sites", what, remedy))
            continue
        try:
            sites[name] = load_site(files[name])
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return sites


def site_access(site: Site, embedded_endpoint: Callable[[], str]) -> SiteAccess:
    """Return how a job at `site` reaches the pool now.

    Args:
        site: the site.
        embedded_endpoint: gives host:port of the embedded pool's load balancer, asked only if the site names it.

    """
    endpoints = tuple(embedded_endpoint() if endpoint == EMBEDDED else endpoint for endpoint in site.endpoints)
    return SiteAccess(endpoints=endpoints, wire_format=site.wire_format)
