"""The dashboard in a real Chromium, on a real campaign: right while it runs, after every restart, and at its end.

The tests share one campaign and one tab that stays open, and follow each other as the campaign goes on.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import subprocess
import time
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Literal

import pytest

from jobs.exits import ExitClass
from jobs.manifest import read_manifest
from jobs.pool.client import client_command, client_environment
from jobs.states import JobState
from monitoring.store.open import open_reader
from tests.browser.dashboard import counts_on, open_dashboard, wait_for_panels, wait_until
from tests.browser.tab import open_browser, open_tab
from tests.browser.watched import BAD_FILE, NAME, watched_campaign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.dashboard import Dashboard
    from tests.browser.tab import Tab
    from tests.browser.watched import Watched

SHOWN_WITHIN_S = 10.0
"""An edit of a site's limit is on the page so soon after it is in force."""

QUIET_S = 6.0
"""For so long nothing may change on a page on which nothing happens."""

PAGES = ("", f"c/{NAME}", f"c/{NAME}/site/FNAL", f"c/{NAME}/jobs", f"c/{NAME}/job/1")

LATE_S = 8.0
"""By so much the page may be behind HTCondor's queue on two busy cores."""

Counts = tuple[int, int, int]
"""Jobs that run, wait and are held."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A campaign that begins when a tab is open, on a pool of its own."""
    with watched_campaign(tmp_path_factory.mktemp("watched")) as watched:
        yield watched


@pytest.fixture(scope="module")
def dashboard(watched: Watched) -> Iterator[Dashboard]:
    """The dashboard, which was there before the campaign."""
    with open_dashboard(watched.grid) as dashboard:
        yield dashboard


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def tab(browser: Browser, dashboard: Dashboard, watched: Watched) -> Iterator[Tab]:
    """A tab that stays open on the campaign's page, which the overview shows by itself; it is never loaded again."""
    with open_tab(browser) as tab:
        show(tab, dashboard, "")
        watched.begin()
        tab.page.get_by_role("link", name=NAME).first.click(timeout=60_000)
        tab.page.locator("#panel-states").wait_for()
        tab.page.evaluate("window.sameDocument = true")
        yield tab


@pytest.fixture
def beside(browser: Browser) -> Iterator[Tab]:
    """A further tab."""
    with open_tab(browser) as tab:
        yield tab
        assert tab.wrong == []


def queue_counts(watched: Watched) -> Counts:
    """Return what condor_q says now."""
    mine = f'SonicGridCampaignFolder == "{watched.folder.root}" && SonicGridJob isnt undefined'
    command = client_command(watched.grid.pool, ["condor_q", "-allusers", "-constraint", mine, "-af", "JobStatus"])
    done = subprocess.run(
        command, env=client_environment(watched.grid.pool), capture_output=True, text=True, check=True, timeout=60
    )
    states = Counter(done.stdout.split())
    return states["2"] + states["6"], states["1"], states["5"]


def page_counts(tab: Tab) -> Counts:
    """Return the same from the page."""
    counts = counts_on(tab.page)
    return counts[JobState.RUNNING], counts[JobState.IDLE], counts[JobState.HELD]


def expect_agreement(watched: Watched, tab: Tab, timeout_s: float = 40.0) -> None:
    """Wait until the page shows what the queue was a moment ago."""
    seen: list[tuple[float, Counts]] = []
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        seen.append((time.monotonic(), queue_counts(watched)))
        shown = page_counts(tab)
        if any(counts == shown for at, counts in seen if time.monotonic() - at < LATE_S):
            return
        tab.page.wait_for_timeout(300)
    pytest.fail(f"the page shows {page_counts(tab)}, the queue had {seen[-20:]}; {tab.page.inner_text('header.top')}")


def show(tab: Tab, dashboard: Dashboard, path: str) -> Tab:
    """Load a page, and wait until its numbers are there."""
    tab.page.goto(dashboard.url + path)
    wait_for_panels(tab.page, dashboard)
    return tab


def test_counts_are_those_of_the_queue(watched: Watched, tab: Tab) -> None:
    """While jobs run, the page shows the queue's numbers, and each job of the manifest once."""
    wait_until(lambda: page_counts(tab)[0] > 0, 90, "jobs run", lambda: tab.page.wait_for_timeout(300))
    expect_agreement(watched, tab)
    assert sum(counts_on(tab.page).values()) == read_manifest(watched.folder.manifest).n_jobs


def test_an_edit_of_a_limit_shows(watched: Watched, tab: Tab) -> None:
    """A site's new limit is on the page within ten seconds, beside who changed it from what to what."""
    watched.write_site("CERN", 16)
    watched.grid.run("sites", "apply")
    edit = re.compile(r"24 Mb/s\s.*16 Mb/s", re.DOTALL)

    def shown() -> bool:
        page = tab.page
        return (
            bool(edit.search(page.locator("#panel-edits").inner_text()))
            and "16" in page.locator("#panel-link-CERN").inner_text()
        )

    wait_until(shown, SHOWN_WITHIN_S, "the edit is shown", lambda: tab.page.wait_for_timeout(100))


def test_a_killed_collector_loses_nothing(watched: Watched, dashboard: Dashboard, tab: Tab) -> None:
    """The collector is killed; another one takes its place and goes on where it was."""
    first = dashboard.collector()
    assert first is not None
    first.kill()
    wait_until(lambda: (now := dashboard.collector()) is not None and now.pid != first.pid, 30, "it is started again")
    expect_agreement(watched, tab)


def test_a_killed_server_is_not_missed(watched: Watched, dashboard: Dashboard, tab: Tab) -> None:
    """The page's server is killed and started again on its port: the open tab goes on by itself."""
    assert tab.wrong == []
    dashboard.kill()
    tab.page.wait_for_timeout(2_000)
    dashboard.start()
    expect_agreement(watched, tab)
    assert tab.page.evaluate("window.sameDocument") is True
    # Chromium says itself that a connection was refused; nothing else may be wrong.
    assert [line for line in tab.wrong if "net::ERR_" not in line] == []
    tab.wrong.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(browser: Browser, dashboard: Dashboard, scheme: Literal["light", "dark"]) -> None:
    """axe-core finds nothing serious on any page, in light and in dark, while the campaign runs."""
    with open_tab(browser, scheme=scheme) as tab:
        found = {path: show(tab, dashboard, path).barriers() for path in PAGES}
        assert [line for lines in found.values() for line in lines] == [], found
        assert tab.wrong == []


def test_a_phone_and_paper(browser: Browser, dashboard: Dashboard) -> None:
    """No page is wider than a phone, whatever its tables hold; and each prints."""
    with open_tab(browser, width=390, height=844) as tab:
        for path in PAGES:
            page = show(tab, dashboard, path).page
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 390, path
            page.emulate_media(media="print")
            assert page.locator("#panels").is_visible()
            assert len(page.pdf()) > 5_000, path
            page.emulate_media(media="screen")
        assert tab.wrong == []


def test_the_keyboard_reaches_everything(beside: Tab, dashboard: Dashboard) -> None:
    """Tab goes to the link past the head first, and on to links, tables and sources; Enter opens a source."""
    page = show(beside, dashboard, f"c/{NAME}").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reached = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        at = page.evaluate("[document.activeElement.tagName, document.activeElement.closest('section')?.dataset.key]")
        if at[0] == "BODY":
            break
        reached.add(tuple(at))
        if at == ["SUMMARY", "headline"]:
            page.keyboard.press("Enter")
            assert page.locator("#panel-headline details").get_attribute("open") is not None
    keys = {key for tag, key in reached if tag == "SUMMARY"}
    assert keys == {panel["key"] for panel in dashboard.ask(f"c/{NAME}")["panels"]}
    assert {"DIV", "A", "BUTTON"} <= {tag for tag, key in reached if key == "states-table"}


def test_a_job_is_found_by_clicks(beside: Tab, dashboard: Dashboard) -> None:
    """From the overview to one job, with what it did."""
    page = show(beside, dashboard, "").page
    page.get_by_role("link", name=NAME).first.click()
    page.locator("[data-key=jobs_done] a").click()
    page.locator("#panel-jobs tbody tr th a").first.click()
    page.wait_for_url(re.compile(rf"/c/{NAME}/job/\d+$"))
    wait_for_panels(page, dashboard)
    assert page.locator(".panel").count() >= 3


def test_every_number_can_be_taken_away(beside: Tab, dashboard: Dashboard) -> None:
    """Each page has its JSON, and each of its tables and plots a CSV with rows of its columns."""
    for path in PAGES:
        page = show(beside, dashboard, path).page
        panels = {panel["key"]: panel for panel in dashboard.ask(path)["panels"]}
        assert panels
        for link in page.locator("a[href*='/csv/']").all():
            address = link.get_attribute("href", timeout=5_000)
            assert address is not None
            with urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310 - our own
                rows = list(csv.reader(io.StringIO(answer.read().decode())))
            assert rows, address
            assert {len(row) for row in rows} == {len(rows[0])}, address


def test_text_of_a_job_stays_text(beside: Tab, dashboard: Dashboard) -> None:
    """What a job says is shown letter by letter, also where it looks like markup."""
    page = show(beside, dashboard, f"c/{NAME}/job/0").page
    assert BAD_FILE in page.locator("#panels").inner_text()
    page = show(beside, dashboard, f"c/{NAME}").page
    assert BAD_FILE in page.locator("#panel-failures").inner_text()
    assert page.locator("main img").count() == 0
    assert "hacked" not in page.title()


def test_what_is_not_there_is_said(browser: Browser, dashboard: Dashboard) -> None:
    """A campaign, a site and a job that do not exist get an answer that says so."""
    for path in ("c/nothing", f"c/{NAME}/site/NOWHERE", f"c/{NAME}/job/99999"):
        with open_tab(browser) as tab:
            answer = tab.page.goto(dashboard.url + path)
            assert answer is not None
            assert answer.status == 404
            assert path.rpartition("/")[2] in tab.page.locator("body").inner_text()


def test_servers_and_queue_were_heard(watched: Watched, dashboard: Dashboard) -> None:
    """Triton, Envoy and HTCondor's queue of a pool that runs are read without a complaint."""
    panels = {panel["key"]: panel for panel in dashboard.ask(f"c/{NAME}")["panels"]}
    assert "notes" not in panels
    (store,) = (watched.grid.root / "state").rglob("*.sqlite")
    with contextlib.closing(open_reader(store)) as connection:
        sampled = connection.execute("SELECT DISTINCT metric FROM series JOIN samples ON series = id")
        metrics = {row[0] for row in sampled}
        queue = json.loads(connection.execute("SELECT json FROM latest WHERE name = 'queue'").fetchone()[0])
        notes = connection.execute("SELECT text FROM notes").fetchall()
    assert {"nv_inference_count", "nv_inference_queue_duration_us", "envoy_cluster_upstream_rq_total"} <= metrics
    assert set(queue) == {"clusters", "jobs_at_work"}
    assert notes == []


def test_at_the_end_every_number_is_exact(watched: Watched, tab: Tab) -> None:
    """All that was killed cost nothing: the open tab ends with the manifest's numbers and those of the records."""
    wait_until(lambda: watched.has_ended, 180, "the end", lambda: tab.page.wait_for_timeout(500))
    manifest = read_manifest(watched.folder.manifest)
    final = {JobState.DONE: manifest.n_jobs - 1, JobState.FAILED: 1}

    def shown() -> bool:
        return {state: jobs for state, jobs in counts_on(tab.page).items() if jobs} == final

    wait_until(shown, 15, "the page shows the end", lambda: tab.page.wait_for_timeout(200))
    assert queue_counts(watched) == (0, 0, 0)
    done = [record for record in watched.grid.records(watched.folder) if record.exit_class is ExitClass.DONE]
    assert len({record.job for record in done}) == len(done) == manifest.n_jobs - 1
    events = sum(record.events for record in done)
    assert f"{events:,}" in tab.page.locator("[data-key=events_done] .value").inner_text()
    assert tab.page.evaluate("window.sameDocument") is True
    assert tab.wrong == []


def test_it_is_quiet_when_nothing_changes(tab: Tab) -> None:
    """After the end no panel is touched, so that nobody's selection is lost and no screen reader speaks."""
    tab.page.wait_for_timeout(3_000)
    touched = tab.touched("#panels", QUIET_S)
    # What the servers did in the last two minutes fades for two minutes.
    assert [change for change in touched if " in pool:" not in change] == []
