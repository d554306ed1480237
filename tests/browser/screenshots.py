"""Pictures of the dashboard while a campaign runs: `make screenshots`, for the README and for whoever changes a page.

They show a real campaign on a real pool of this machine, some minutes after its start.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.layout import CHECKOUT
from jobs.pool.folders import runtime_folder
from jobs.states import JobState
from tests.browser.dashboard import counts_on, open_dashboard, wait_for_panels, wait_until
from tests.browser.tab import open_browser, open_tab
from tests.browser.watched import NAME, watched_campaign

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.dashboard import Dashboard
    from tests.browser.tab import Tab

__all__ = ["main"]

README_PICTURE = CHECKOUT / "docs" / "dashboard.png"
README_SIZE = (1240, 1600)

JOBS = 120
SECONDS_PER_EVENT = 1.5
EDIT_AT = 0.2
"""Part of the jobs that are done when a link's limit is edited."""

TAKE_AT = 0.55
"""Part of the jobs that are done when the first picture is taken: the README's."""


def main() -> int:
    """Run the campaign, and take the pictures in the middle of it."""
    folder = runtime_folder() / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    _say("a campaign begins; this takes about six minutes")
    with (
        tempfile.TemporaryDirectory(prefix="sonicgrid-", ignore_cleanup_errors=True) as root,
        watched_campaign(
            Path(root), jobs=JOBS, seconds_per_event=SECONDS_PER_EVENT, bad_file="run5809-broken.root"
        ) as watched,
        open_dashboard(watched.grid) as dashboard,
        open_browser() as browser,
    ):
        with open_tab(browser) as tab:
            watched.begin()
            wait_until(lambda: NAME in str(dashboard.ask("")), 120, "the campaign is found")
            _show(tab, dashboard, f"c/{NAME}")
            _wait_for_part(tab, EDIT_AT)
            watched.write_site("CERN", 16)
            watched.grid.run("sites", "apply")
            _wait_for_part(tab, TAKE_AT)
        _take_all(browser, dashboard, folder, _jobs_in(dashboard, JobState.RUNNING)[0])
        # The last block's: it fails when the others are nearly done.
        wait_until(lambda: bool(_jobs_in(dashboard, JobState.FAILED)), 400, "a job has failed")
        with open_tab(browser, width=README_SIZE[0], height=README_SIZE[1]) as tab:
            _show(tab, dashboard, f"c/{NAME}/job/{_jobs_in(dashboard, JobState.FAILED)[0]}")
            tab.page.screenshot(path=folder / "failed-job.png", full_page=True)
    _say(f"pictures in {folder}, and {README_PICTURE}")
    return 0


def _jobs_in(dashboard: Dashboard, state: JobState) -> list[str]:
    panels = {panel["key"]: panel for panel in dashboard.ask(f"c/{NAME}/jobs?state={state}")["panels"]}
    return [str(row[0]) for row in panels["jobs"]["content"]["rows"]]


def _take_all(browser: Browser, dashboard: Dashboard, folder: Path, running: str) -> None:
    paths = {
        "campaign": f"c/{NAME}",
        "overview": "",
        "site": f"c/{NAME}/site/CERN",
        "jobs": f"c/{NAME}/jobs",
        "job": f"c/{NAME}/job/{running}",
    }
    width, height = README_SIZE
    with open_tab(browser, width=width, height=height) as tab:
        for name, path in paths.items():
            _show(tab, dashboard, path)
            if name == "campaign":
                tab.page.screenshot(path=README_PICTURE)
            tab.page.screenshot(path=folder / f"{name}.png", full_page=True)
        tab.page.emulate_media(media="print")
        _show(tab, dashboard, paths["campaign"])
        tab.page.pdf(path=folder / "campaign.pdf")
    with open_tab(browser, width=width, height=height, scheme="dark") as tab:
        for name in ("overview", "campaign", "jobs", "job"):
            _show(tab, dashboard, paths[name])
            tab.page.screenshot(path=folder / f"{name}-dark.png", full_page=True)
    with open_tab(browser, width=390, height=844, device_scale_factor=2) as tab:
        for name, path in paths.items():
            _show(tab, dashboard, path)
            tab.page.screenshot(path=folder / f"{name}-narrow.png", full_page=True)


def _show(tab: Tab, dashboard: Dashboard, path: str) -> None:
    tab.page.goto(dashboard.url + path)
    wait_for_panels(tab.page, dashboard)
    tab.page.wait_for_timeout(500)  # plots are drawn in the next frames


def _wait_for_part(tab: Tab, part: float) -> None:
    def reached() -> bool:
        counts = counts_on(tab.page)
        return sum(counts.values()) > 0 and counts[JobState.DONE] >= part * sum(counts.values())

    wait_until(reached, 400, f"{part:.0%} of the jobs are done", lambda: tab.page.wait_for_timeout(500))


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
