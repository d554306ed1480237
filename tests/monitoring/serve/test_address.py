"""An address is read, and written again in one way, so that the same page is watched once."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from monitoring.errors import BadQuery, NoSuchPage
from monitoring.live.job_page import MOST_LINES, JobFilter
from monitoring.serve.address import Address, read_address


@pytest.mark.parametrize(
    "path",
    [
        "",
        "c/demo",
        "c/demo?last=6h",
        "c/demo/site/FNAL?last=1h",
        "c/demo/job/7",
        "c/demo/jobs",
        "c/demo/jobs?state=held&site=FNAL&flavour=gpu&exit_class=bad_input&block=0&worker=node+7&sort=since&desc=1"
        "&offset=50&limit=20",
    ],
)
def test_it_is_written_as_it_was_read(path: str) -> None:
    """Place and query survive, character by character."""
    place, _, query = path.partition("?")
    assert read_address(place, parse_qsl(query)).path == path


def test_what_is_the_default_is_not_written() -> None:
    """Empty values, defaults and the order of a query make no other page."""
    query = [("limit", "50"), ("state", ""), ("desc", "0"), ("sort", "job"), ("offset", "0"), ("site", "CERN")]
    address = read_address("/c/demo/jobs/", query)
    assert address == Address("jobs", "demo", wanted=JobFilter(site="CERN"))
    assert address.path == "c/demo/jobs?site=CERN"
    assert address == read_address("c/demo/jobs", [("site", "CERN")])


def test_a_page_is_never_longer_than_the_store_gives() -> None:
    """Who asks for more rows than a page has gets the most that there can be."""
    assert read_address("c/demo/jobs", [("limit", "100000")]).limit == MOST_LINES


@pytest.mark.parametrize("path", ["c", "c/demo/", "json", "c/demo/job/-1", "c/demo/job/99999999999", "c/demo/site/a/b"])
def test_other_addresses_are_no_pages(path: str) -> None:
    """What looks like a page and is none is said to be none; a slash at the end makes no difference."""
    if path == "c/demo/":
        assert read_address(path, []) == Address("campaign", "demo")
    else:
        with pytest.raises(NoSuchPage):
            read_address(path, [])


def test_spans_are_three() -> None:
    """A span that plots cannot have names those that they can."""
    with pytest.raises(BadQuery, match="last=2h: take one of 1h, 6h, 24h"):
        read_address("c/demo", [("last", "2h")])
