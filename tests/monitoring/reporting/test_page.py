"""The report's page is sound: well-formed, alone, escaped, with a title and a table for every plot."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from jobs.planning.plan import RejectedInput
from monitoring.report import write_report
from tests.builders.campaign import START
from tests.builders.campaign_life import a_heartbeat
from tests.builders.event_log import EventLog

if TYPE_CHECKING:
    from tests.builders.campaign import CampaignBuilder

VOID = {"meta", "br", "hr", "img", "input", "link", "path", "use", "rect", "circle"}


class _Page(HTMLParser):
    """Reads a page strictly: every element closed, every id once."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "aria-labelledby" and value:
                self.references.append(value)
            if name in ("href", "src", "xlink:href") and value:
                self.links.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th", "li", "dd", "span", "p"):
            self.cells.append(data.strip())


@pytest.fixture
def page(campaign: CampaignBuilder) -> str:
    """Return a page with every section, and with text that tries to be markup."""
    campaign.rejected.append(RejectedInput(path="/data/<script>alert(1)</script>.root", reason="a < b & c"))
    campaign.name = "pdsp<b>"
    campaign.plan(42)
    for job in range(20):
        campaign.attempt(job, site="CERN" if job % 2 else "FN<AL>")
        campaign.attempt(20 + job, flavour="cpu", wall_s=400.0 + job, cpu_model="Weird <i>CPU</i> $x_1$ & more")
        campaign.attempt(20 + job, cluster=6, started=1_700_000_000.0, cpu_model="Weird <i>CPU</i> $x_1$ & more")
    campaign.attempt(40, exit_class="bad_input", error="<img src=x onerror=alert(1)>\nmore")
    campaign.attempt(38, cluster=9, attempt=1, exit_class="worker", started=1.7e9)
    campaign.folder.spec.write_text("name: x # <script>\n")
    log = EventLog(campaign.folder.block(0).events_log, at=START)
    for job in range(10):
        log.submitted(7, job, job=job)
        log.executing(7, job)
        log.told(7, job, a_heartbeat(job, site="FN<AL>").encode())
    return write_report(campaign.folder).page.read_text()


def test_the_page_is_well_formed_and_needs_nothing_else(page: str) -> None:
    """Every element is closed, ids are unique, labels point somewhere, and nothing is loaded from anywhere."""
    parsed = _Page(page)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(parsed.references) <= set(parsed.ids)
    assert all(link.startswith("#") for link in parsed.links)
    assert {link.removeprefix("#") for link in parsed.links} <= set(parsed.ids)
    assert "script" not in parsed.tags
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_what_jobs_and_files_say_is_text(page: str) -> None:
    """Markup in names, errors, sites and the spec is shown, not obeyed."""
    parsed = _Page(page)
    assert "img" not in parsed.tags
    assert "i" not in parsed.tags
    assert "<img src=x onerror=alert(1)>" in parsed.cells
    assert "/data/<script>alert(1)</script>.root" in parsed.cells
    assert "FN<AL>" in parsed.cells


def test_odd_names_do_not_break_the_plots(campaign: CampaignBuilder) -> None:
    """Dollars, that look like a formula, and control characters in the names of sites and CPUs are drawn or dropped."""
    campaign.plan(2)
    campaign.attempt(0, site="_hidden $\\frac{$", cpu_model="$x^$ \x00\x1b[31m")
    campaign.attempt(1, site="\ud7ff\x07", cpu_model="")
    assert "$x^$" in write_report(campaign.folder).page.read_text()


def test_every_plot_has_a_title_and_a_table(page: str) -> None:
    """Who does not see the plots finds their titles and the numbers behind them."""
    parsed = _Page(page)
    plots = {"event-time", "stages", "progress", "network", "failures", "live-states", "live-throughput"}
    assert {f"{name}-title" for name in plots} <= set(parsed.ids)
    assert page.count("<svg") == page.count('role="img" aria-labelledby=')
    assert page.count("<svg") >= len(plots)
    assert page.count("<table") >= 8
    assert 'lang="en"' in page


def test_the_plots_take_the_colours_of_the_page(page: str) -> None:
    """No stand-in colour is left, and the flavours have their own colours in every plot."""
    assert "#0a0b" not in page
    assert "var(--gpu)" in page
    assert "var(--cpu)" in page
