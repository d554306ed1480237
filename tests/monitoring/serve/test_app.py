"""Every address gives its page in each form, or says what is not there and which there are."""

from __future__ import annotations

import csv
import io
import sqlite3
from typing import TYPE_CHECKING

import pytest

from monitoring.serve import app
from monitoring.serve.installed_pages import PAGES
from monitoring.serve.installed_pages import PAGES as INSTALLED
from monitoring.store.place import find_store
from tests.builders.campaign import CampaignBuilder
from tests.builders.dashboard_server import Client, serving, shown_campaigns
from tests.monitoring.serve.conftest import collect

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", ["", "c/demo", "c/demo/jobs", "c/demo/site/FNAL", "c/demo/job/7"])
def test_each_page_has_html_json_and_metrics_beside(client: Client, path: str) -> None:
    """A page is HTML at its address, and the same page JSON below /json, each never kept by a browser."""
    html, page = client.get(f"/{path}"), client.get(f"/json/{path}")
    assert (html.status, page.status) == (200, 200)
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-type"] == "application/json"
    assert {html.headers["cache-control"], page.headers["cache-control"]} == {"no-store"}
    assert page.json["path"] == path
    assert page.json["title"] in html.text
    assert page.json["panels"]
    assert page.json["heard_at"] <= page.json["at"]


def test_links_of_the_shell_are_relative(client: Client) -> None:
    """The shell finds its files below any prefix that a proxy puts before the dashboard."""
    assert 'src="./static/' in client.get("/").text
    assert 'src="../static/' in client.get("/c/demo").text
    assert 'src="../../../static/' in client.get("/c/demo/job/7").text


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("c/nowhere", "nowhere: there is no such campaign on this dashboard; there are: demo"),
        ("c/demo/site/CERN", "demo has no such site; it has: FNAL"),
        ("c/demo/job/25", "demo has no such job"),
        ("c/demo/job/seven", "jobs of demo have numbers"),
        ("d/demo", "there is no such page"),
        ("c/%3Cscript%3E", "there is no such campaign"),
    ],
)
def test_what_is_not_there_is_said(client: Client, path: str, what: str) -> None:
    """An address of nothing is 404 in every form, with one sentence; nothing of it gets into the page as code."""
    html = client.get(f"/{path}")
    assert html.status == 404
    assert what in html.text
    assert "<script>" not in html.text
    for form in ("json", "live"):
        answer = client.get(f"/{form}/{path}")
        assert answer.status == 404
        assert what in answer.json["error"]
    answer = client.get(f"/csv/{path}?panel=states")
    assert answer.status == 404
    assert what in answer.text


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("?sate=done", "sate: this page cannot be asked that; it can be asked: state, site,"),
        ("?limit=many", "limit=many: take a whole number, 1 or more"),
        ("?offset=-1", "offset=-1: take a whole number, 0 or more"),
        ("?desc=perhaps", "desc=perhaps: take one of"),
    ],
)
def test_a_question_that_makes_no_sense_is_said(client: Client, query: str, what: str) -> None:
    """A query that the page does not know is no empty table, but status 400 with a sentence."""
    assert client.get(f"/c/demo/jobs{query}").status == 400
    answer = client.get(f"/json/c/demo/jobs{query}")
    assert answer.status == 400
    assert what in answer.json["error"]


def test_a_panel_that_fails_leaves_the_others(client: Client) -> None:
    """One panel says in a sentence that it could not be made; all others are there."""
    panels = {panel["key"]: panel for panel in client.get("/json/c/demo").json["panels"]}
    assert list(panels) == ["headline", "states", "link", "log", "broken"]
    assert "could not be made (KeyError" in panels["broken"]["lead"]
    assert panels["broken"]["tone"] == "bad"
    assert panels["states"]["content"]["rows"]


def test_every_kind_of_panel_is_a_csv(client: Client) -> None:
    """Tables, plots, facts and texts have their numbers as they are, units in the heads, and no formula."""
    table = client.get("/csv/c/demo?panel=states")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="demo-states.csv"'
    rows = list(csv.reader(io.StringIO(table.text)))
    assert rows[0] == ["state", "jobs", "since_utc", "remark"]
    assert rows[1][2:] == ["2023-11-14T22:13:20Z", "'=1+1"]
    assert sum(int(row[1]) for row in rows[1:]) == 25
    assert client.get("/csv/c/demo?panel=link").text.splitlines() == [
        "start_utc,sent_mbps,budget_mbps",
        "2023-11-14T22:13:20Z,1.5,5.0",
        "2023-11-14T22:14:20Z,,5.0",
    ]
    assert client.get("/csv/c/demo?panel=headline").text.splitlines() == [
        "key,value,unit,low,high",
        "eta_s,60.0,s,50.0,70.5",
    ]
    assert client.get("/csv/c/demo?panel=log").text.splitlines() == ["line,text", "1,'@first", "2,second"]


def test_a_csv_of_no_panel_names_those_that_there_are(client: Client) -> None:
    """A key that the page does not have is an error that lists its keys."""
    answer = client.get("/csv/c/demo?panel=stats")
    assert answer.status == 400
    assert "this page has no such panel; it has: headline, states" in answer.text


def test_the_csv_of_a_table_that_is_cut_has_all_rows(campaign: CampaignBuilder, stores: Path) -> None:
    """What a page leaves out for want of room is in the file."""
    collect(campaign.plan(1203), stores)
    with serving(shown_campaigns(campaign.folder, stores=stores), pages=INSTALLED) as (client, _):
        page = client.get(f"/json/c/{campaign.name}").json
        blocks = next(panel for panel in page["panels"] if panel["key"] == "blocks")
        assert len(blocks["content"]["rows"]) < 121
        assert "the CSV has them all" in blocks["lead"]
        rows = list(csv.DictReader(io.StringIO(client.get(f"/csv/c/{campaign.name}?panel=blocks").text)))
    assert sorted(int(row["block"]) for row in rows) == list(range(121))


def test_the_csv_of_jobs_has_them_all(campaign: CampaignBuilder, stores: Path) -> None:
    """Whatever part of the table a page shows, its CSV has every row that passes the filter, once."""
    collect(campaign.plan(1203), stores)
    with serving(shown_campaigns(campaign.folder, stores=stores)) as (client, _):
        path = f"c/{campaign.name}/jobs"
        page = client.get(f"/json/{path}?limit=20&offset=40&sort=state&desc=1").json
        assert len(page["panels"][0]["content"]["rows"]) == 20
        rows = client.get(f"/csv/{path}?panel=jobs&limit=20&offset=40&sort=state&desc=1").text.splitlines()
        assert rows == ["job,state", *(f"{job},pending" for job in range(1203))]
        some = client.get(f"/csv/{path}?panel=jobs&block=7").text.splitlines()
        assert some == ["job,state", *(f"{job},pending" for job in range(70, 80))]
        assert client.get(f"/csv/{path}?panel=jobs&state=done").text.splitlines() == ["job,state"]


def test_before_the_collector_began_the_page_says_so(campaign: CampaignBuilder, stores: Path) -> None:
    """A campaign without a store is no error: its page says that it fills by itself."""
    with serving(shown_campaigns(campaign.plan(3).folder, stores=stores)) as (client, _):
        page = client.get(f"/json/c/{campaign.name}").json
        assert page["heard_at"] is None
        assert "The collector has not begun with this campaign yet" in page["panels"][0]["lead"]
        assert client.get("/json/").json["heard_at"] is None


def test_a_store_of_another_version_is_said(demo: CampaignBuilder, stores: Path) -> None:
    """Each panel that needs it says of which version the store is and what to do; the others are there."""
    store = find_store(demo.folder, demo.name, stores)
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    with serving(shown_campaigns(demo.folder, stores=stores)) as (client, _):
        panels = {panel["key"]: panel for panel in client.get("/json/c/demo").json["panels"]}
        assert "a store of version 99, this program reads" in panels["states"]["lead"]
        assert panels["headline"]["content"]["facts"]
        assert client.get("/csv/c/demo?panel=states").status == 503
        assert client.get("/").status == 200


def test_files_of_the_page_are_asked_for_again(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A library that is not installed is 404; one that is comes from the runtime folder, and nothing else does."""
    monkeypatch.setenv("SONICGRID_RUNTIME", str(tmp_path))
    assert client.get("/static/lib/uPlot.esm.js").status == 404
    # As after `npm ci`, which not every machine can run.
    monkeypatch.setattr(app, "library_folder", lambda _runtime: tmp_path)
    (tmp_path / "uPlot.esm.js").write_text("export default 1;\n")
    (tmp_path / "secret.js").write_text("")
    answer = client.get("/static/lib/uPlot.esm.js")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache")
    assert "javascript" in answer.headers["content-type"]
    assert client.get("/static/lib/secret.js").status == 404
    assert client.get("/static/../page.html").status == 404
    assert client.get("/static/%2e%2e/page.html").status == 404


def test_prometheus_is_answered(client: Client) -> None:
    """The metrics of every campaign are in the text format of Prometheus."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'campaign="demo"' in answer.text


def test_the_pages_that_are_installed(demo: CampaignBuilder, stores: Path) -> None:
    """Each page of the dashboard is made of a real store without a panel that fails, and each panel has its CSV."""
    with serving(shown_campaigns(demo.folder, stores=stores), pages=PAGES) as (client, _):
        for path in ("", "c/demo", "c/demo/jobs", "c/demo/site/FNAL", "c/demo/job/7"):
            page = client.get(f"/json/{path}").json
            assert page["panels"]
            for panel in page["panels"]:
                assert "could not be made" not in panel["lead"]
                assert client.get(f"/csv/{path}?panel={panel['key']}").status == 200
        everything = client.get("/csv/c/demo/jobs?panel=jobs&sort=since&limit=1").text.splitlines()
        assert len(everything) == 26
        assert client.get("/json/c/demo/site/NOWHERE").status == 404
        assert client.get("/json/c/demo/job/25").status == 404
        assert client.get("/json/c/demo/jobs?sort=beauty").status == 404
        assert client.get("/static/app.js").status == 200
