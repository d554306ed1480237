"""What the pages of a big campaign cost: the real server is asked over HTTP, and a browser where there is one.

The table of jobs is asked for in every order, with filters and without, at its head, middle and end.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, get_args
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import sync_playwright

from monitoring.live.job_page import SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PageCosts", "measure_pages"]

REPEATS = 5
FILTERS: tuple[dict[str, str], ...] = ({}, {"state": "failed"}, {"state": "done"}, {"block": "3"}, {"worker": "7"})
_BROWSER = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync")


@dataclass(frozen=True)
class PageCosts:
    """Wall milliseconds, medians unless it says otherwise.

    Attributes:
        overview_ms, campaign_ms, job_ms: of a page's whole JSON.
        first_panels_ms: from asking for the campaign's stream to its first panels.
        table_ms, slowest_table_ms: of the JSON of a page of the table of jobs; median and largest over all queries.
        slowest_query: which one that was.
        queries: how many there were.
        browser_ms: from asking for the campaign's page to its last panel in Chromium; None without one.

    """

    overview_ms: float
    campaign_ms: float
    job_ms: float
    first_panels_ms: float
    table_ms: float
    slowest_table_ms: float
    slowest_query: str
    queries: int
    browser_ms: float | None


def measure_pages(results: Path, stores: Path, jobs: int, chromium: str | None) -> PageCosts:
    """Serve the campaign below a folder, and ask for its pages.

    Args:
        results: folder with the one campaign.
        stores: folder of its store.
        jobs: how many the campaign has.
        chromium: program; None to go without.

    """
    with _serving(results, stores) as address:
        campaign = _campaign(address)
        tables = {
            urlencode({**wanted, "sort": key, "desc": descending, "offset": offset}): 0.0
            for wanted, key, descending in itertools.product(FILTERS, get_args(SortKey), (0, 1))
            for offset in ((0, jobs // 2, jobs - 1) if not wanted else (0,))
        }
        for query in tables:
            tables[query] = _get_ms(address, f"/json/{campaign}/jobs?{query}")
        slowest = max(tables, key=tables.__getitem__)
        return PageCosts(
            overview_ms=_median_ms(address, "/json/"),
            campaign_ms=_median_ms(address, f"/json/{campaign}"),
            job_ms=_median_ms(address, f"/json/{campaign}/job/{jobs // 3}"),
            first_panels_ms=_first_event_ms(address, f"/live/{campaign}"),
            table_ms=median(tables.values()),
            slowest_table_ms=tables[slowest],
            slowest_query=slowest,
            queries=len(tables),
            browser_ms=_browser_ms(f"{address}{campaign}", chromium) if chromium else None,
        )


@contextlib.contextmanager
def _serving(results: Path, stores: Path) -> Iterator[str]:
    """Yield the address of a dashboard of its own, without a collector."""
    command = [sys.executable, "-c", "from jobs.cli.app import main; main()", "dashboard", "--json", "--no-collect"]
    command += ["--results", str(results), "--store-folder", str(stores), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            if not line:
                raise SystemExit("the dashboard did not start")
            yield json.loads(line)["address"]
        finally:
            server.terminate()


def _campaign(address: str) -> str:
    """Return the path of the one campaign."""
    page = json.loads(_get(address, "/json/"))
    (table,) = (panel["content"] for panel in page["panels"] if panel["key"] == "campaigns")
    return f"c/{table['rows'][0][0]}"


def _get(address: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise SystemExit(f"{path}: the dashboard answers {response.status}: {body[:200]!r}")
        return body


def _get_ms(address: str, path: str) -> float:
    began = time.perf_counter()
    _get(address, path)
    return 1e3 * (time.perf_counter() - began)


def _median_ms(address: str, path: str) -> float:
    return median(_get_ms(address, path) for _ in range(REPEATS))


def _first_event_ms(address: str, path: str) -> float:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
    with contextlib.closing(connection):
        began = time.perf_counter()
        connection.request("GET", path)
        response = connection.getresponse()
        for line in iter(response.readline, b""):
            if line.startswith(b"data:"):
                return 1e3 * (time.perf_counter() - began)
    raise SystemExit(f"{path}: the dashboard's stream ended before it began")


def _browser_ms(url: str, chromium: str) -> float:
    """Load the page in a new browser until its last panel is there."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_BROWSER))
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(url)
        page.wait_for_selector("section[data-key=stragglers]", timeout=120_000)
        took_ms = 1e3 * (time.perf_counter() - began)
        browser.close()
        return took_ms
