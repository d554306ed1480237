"""What an address asks for: which page, of what, filtered and sorted how; and the one way in which it is written."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlencode

from monitoring.errors import BadQuery, NoSuchPage
from monitoring.live.job_page import MOST_LINES, JobFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LAST_S", "Address", "read_address"]

LAST_S: dict[str, float] = {"1h": 3600.0, "6h": 6 * 3600.0, "24h": 24 * 3600.0}
"""What `last` may be, and how long that is, seconds; without it, plots cover the whole campaign."""

LIMIT = 50
"""Rows of a page of jobs, if nobody asks for another number."""

_YES_AND_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_MOST = 2**31 - 1

_FILTERS = tuple(one.name for one in fields(JobFilter))
_QUERIES = {
    "overview": (),
    "campaign": ("last",),
    "site": ("last",),
    "job": (),
    "jobs": (*_FILTERS, "sort", "desc", "offset", "limit"),
}


@dataclass(frozen=True)
class Address:
    """One page.

    Attributes:
        kind: of the page.
        campaign: its name on this dashboard; empty on the overview.
        site: name of the site, of a site's page.
        job: number of the job, of a job's page.
        last: a key of `LAST_S`, or empty for the whole campaign.
        wanted, sort, descending, offset, limit: of the table of jobs.

    """

    kind: Literal["overview", "campaign", "jobs", "site", "job"]
    campaign: str = ""
    site: str = ""
    job: int = -1
    last: str = ""
    wanted: JobFilter = field(default_factory=JobFilter)
    sort: str = "job"
    descending: bool = False
    offset: int = 0
    limit: int = LIMIT

    @property
    def place(self) -> str:
        """The address without its query, relative to the root of the dashboard."""
        below = {"jobs": "/jobs", "site": f"/site/{quote(self.site, safe='')}", "job": f"/job/{self.job}"}
        return f"c/{quote(self.campaign, safe='')}{below.get(self.kind, '')}" if self.kind != "overview" else ""

    @property
    def path(self) -> str:
        """The address with its query, which has only what differs from the default: the same for the same page."""
        return f"{self.place}?{query}" if (query := self.query) else self.place

    @property
    def query(self) -> str:
        """What follows the question mark."""
        of_jobs = {name: getattr(self.wanted, name) for name in _FILTERS}
        of_jobs["block"] = "" if self.wanted.block < 0 else self.wanted.block
        of_jobs["sort"] = "" if self.sort == "job" else self.sort
        of_jobs["desc"] = "1" if self.descending else ""
        of_jobs["offset"] = self.offset or ""
        of_jobs["limit"] = "" if self.limit == LIMIT else self.limit
        return urlencode({name: value for name, value in {"last": self.last, **of_jobs}.items() if value != ""})


def read_address(path: str, query: Sequence[tuple[str, str]]) -> Address:
    """Return what is asked for; whether the campaign, site, job or column exists is for others to say.

    Args:
        path: relative to the root of the dashboard, decoded.
        query: names and values, decoded; empty values count for nothing.

    Raises:
        NoSuchPage: no page has an address of that form.
        BadQuery: the page knows no such name, or the value is none for it.

    """
    match path.strip("/").split("/"):
        case [""]:
            address = Address("overview")
        case ["c", campaign]:
            address = Address("campaign", campaign)
        case ["c", campaign, "jobs"]:
            address = Address("jobs", campaign)
        case ["c", campaign, "site", site]:
            address = Address("site", campaign, site=site)
        case ["c", campaign, "job", number] if number.isdecimal() and int(number) <= _MOST:
            address = Address("job", campaign, job=int(number))
        case ["c", campaign, "job", number]:
            message = f"{number}: jobs of {campaign} have numbers, from 0"
            raise NoSuchPage(message)
        case _:
            message = f"/{path.strip('/')}: there is no such page; all campaigns are on the first page"
            raise NoSuchPage(message)
    given = {name: value for name, value in query if value}
    known = _QUERIES[address.kind]
    if unknown := sorted(set(given) - set(known)):
        what = f"; it can be asked: {', '.join(known)}" if known else ", nor anything else"
        message = f"{unknown[0]}: this page cannot be asked that{what}"
        raise BadQuery(message)
    return _with_query(address, given)


def _with_query(address: Address, given: dict[str, str]) -> Address:
    return Address(
        address.kind,
        address.campaign,
        address.site,
        address.job,
        last=_one_of("last", given.get("last", ""), ("", *LAST_S)),
        wanted=JobFilter(
            state=given.get("state", ""),
            site=given.get("site", ""),
            flavour=given.get("flavour", ""),
            exit_class=given.get("exit_class", ""),
            block=_number("block", given.get("block", "-1"), -1),
            worker=given.get("worker", ""),
        ),
        sort=given.get("sort", "job"),
        descending=_YES_AND_NO[_one_of("desc", given.get("desc", "0"), tuple(_YES_AND_NO))],
        offset=_number("offset", given.get("offset", "0"), 0),
        limit=min(_number("limit", given.get("limit", str(LIMIT)), 1), MOST_LINES),
    )


def _one_of(name: str, value: str, words: Sequence[str]) -> str:
    if value in words:
        return value
    message = f"{name}={value}: take one of {', '.join(word for word in words if word)}"
    raise BadQuery(message)


def _number(name: str, value: str, least: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if not least <= number <= _MOST:
        message = f"{name}={value}: take a whole number, {max(least, 0)} or more"
        raise BadQuery(message)
    return number
