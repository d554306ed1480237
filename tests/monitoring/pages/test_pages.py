"""Pages have their panels in order, each once; what does not exist has no page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitoring.errors import NoSuchPage, StoreUnusable
from monitoring.live.links import links_now
from monitoring.pages.campaign import campaign
from monitoring.pages.overview import overview
from monitoring.pages.site import site
from monitoring.panels.panel import Plot, Table
from tests.builders.collected import MINUTE, site_state
from tests.builders.panel_rows import facts_of, rows_of

if TYPE_CHECKING:
    from monitoring.panels.panel import Panel, Recipe
    from tests.builders.collected import Collected


def make_all(recipe: Recipe) -> dict[str, Panel]:
    """Make every panel, and hold it against its maker and its columns."""
    panels = {}
    for maker in recipe.makers:
        panel = maker.make()
        assert panel.key == maker.key
        assert panel.key not in panels
        assert panel.source.text
        if isinstance(panel.content, Table):
            assert {len(row) for row in panel.content.rows} <= {len(panel.content.columns)}
        if isinstance(panel.content, Plot):
            assert {len(line.values) for line in panel.content.lines} <= {len(panel.content.starts)}
        panels[panel.key] = panel
    return panels


def two_sites(collected: Collected) -> None:
    """FNAL behind a shared link, and a site that only heartbeats name."""
    collected.in_force({"FNAL": {"shared_links": ["wan"]}}, wan={"rate": "1 Gb/s"})
    collected.decide(MINUTE, FNAL=site_state())
    collected.run(0, MINUTE)
    collected.run(1, MINUTE, site="Nowhere")
    collected.read().close()


def end_all(collected: Collected, *, failed: int) -> None:
    """Let all ten jobs end, the first of them otherwise than well."""
    for job in range(10):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200, exit_class="worker" if job < failed else "done")
    collected.read().close()


def test_the_page_of_a_campaign(collected: Collected) -> None:
    """Where it stands comes first; every link has a plot."""
    two_sites(collected)
    recipe = campaign(collected.shown)
    keys = list(make_all(recipe))
    assert (recipe.title, recipe.crumbs[0].link) == ("demo", "")
    assert [key for key in keys if key.startswith("link-")] == ["link-FNAL", "link-Nowhere", "link-wan"]
    order = [
        "headline",
        "states",
        "states-table",
        "links",
        "waiting",
        "throttle",
        "edits",
        "throughput",
        "jobs-per-hour",
        "pool",
        "latency",
        "pool-load",
        "efficiency",
        "failures",
        "holds",
        "retries",
        "usage",
        "speed-up",
        "blocks",
        "stragglers",
    ]
    assert [key for key in keys if key in order] == order
    assert "notes" not in keys
    assert "flavours" not in keys


def test_what_was_noted_comes_second(collected: Collected) -> None:
    """It is there when there is something, and gone when there is not."""
    collected.run(0, MINUTE, flavour="cpu")
    collected.campaign.folder.throttle_log.write_text("no JSON\n")
    collected.read().close()
    keys = [maker.key for maker in campaign(collected.shown).makers]
    assert keys[:2] == ["headline", "notes"]
    assert "flavours" in keys


@pytest.mark.parametrize("failed", [0, 2])
def test_a_campaign_that_is_through(collected: Collected, failed: int) -> None:
    """All of its panels can be made, and it says how it ended, on every page and for any stretch of time."""
    end_all(collected, failed=failed)
    panels = make_all(campaign(collected.shown))
    assert facts_of(panels["headline"])["state"].value == ("failed" if failed else "done")
    make_all(campaign(replace(collected.shown, last_s=3600.0)))
    make_all(site(collected.shown, "FNAL"))


def test_nothing_yet(collected: Collected) -> None:
    """A campaign that was only planned has a page without an error."""
    collected.read().close()
    panels = make_all(campaign(collected.shown))
    assert panels["headline"].lead.startswith("demo is planned")
    make_all(campaign(replace(collected.shown, last_s=3600.0)))


def test_the_page_of_a_site(collected: Collected) -> None:
    """Its own link and those that it shares; a site that no config names has a page as well."""
    two_sites(collected)
    recipe = site(collected.shown, "FNAL")
    keys = list(make_all(recipe))
    assert keys[:4] == ["headline", "link-FNAL", "link-wan", "links"]
    assert {"states", "throughput", "waiting", "latency", "failures", "limits", "throttle", "edits"} <= set(keys)
    assert [crumb.link for crumb in recipe.crumbs] == ["", "c/demo"]
    assert list(make_all(site(collected.shown, "Nowhere")))[:3] == ["headline", "link-Nowhere", "links"]


def test_a_shared_link_has_a_page(collected: Collected) -> None:
    """The table of links leads to it by its name."""
    two_sites(collected)
    recipe = site(collected.shown, "wan")
    assert recipe.title == "Shared link wan"
    assert list(make_all(recipe)) == ["link-wan", "link-FNAL", "links", "edits"]


def test_a_site_that_is_none(collected: Collected) -> None:
    """The error says which there are, or which was meant."""
    two_sites(collected)
    with pytest.raises(NoSuchPage, match="campaign demo has no site FNAl; did you mean FNAL"):
        site(collected.shown, "FNAl")
    with pytest.raises(NoSuchPage, match="its sites are: FNAL, Nowhere"):
        site(collected.shown, "<script>")


def test_a_store_that_is_not_there(collected: Collected) -> None:
    """Pages of a campaign raise it; the overview shows the others, and says why not this one."""
    two_sites(collected)
    missing = replace(collected.shown, name="missing", store=collected.store.with_name("none.sqlite"))
    with pytest.raises(StoreUnusable):
        campaign(missing)
    panels = make_all(overview([missing, collected.shown]))
    rows = rows_of(panels["campaigns"])
    assert [(row["campaign"], row["state"], row["running"]) for row in rows] == [
        ("demo", "running", 2),
        ("missing", "not readable", None),
    ]
    assert "no readable store" in str(rows[1]["note"])
    facts = facts_of(panels["headline"])
    assert (facts["campaigns_running"].value, facts["jobs_running"].value) == (1, 2)
    assert panels["headline"].tone == "warn"
    assert "Of 1 campaign nothing can be read" in panels["headline"].lead


def test_the_overview_sums_up(collected: Collected) -> None:
    """Its Mb/s are those of all links of all campaigns; a failed campaign is named."""
    two_sites(collected)
    panels = make_all(overview([collected.shown, replace(collected.shown, name="again")]))
    with collected.shown.reading() as connection:
        sent = sum(link.sent_mbps for link in links_now(connection, MINUTE + 4000) if not link.shared)
    assert facts_of(panels["headline"])["sent_mbps"].value == pytest.approx(2 * sent)
    end_all(collected, failed=1)
    failed = make_all(overview([collected.shown]))
    (row,) = rows_of(failed["campaigns"])
    assert (row["state"], row["failed"], row["tone"], row["eta"]) == ("failed", 1, "bad", None)
    assert failed["campaigns"].lead == "Somebody has to look at demo."


def test_a_dashboard_without_campaigns() -> None:
    """It says what to do."""
    panels = make_all(overview([]))
    assert "`sonicgrid dashboard CAMPAIGN`" in panels["headline"].lead
    assert rows_of(panels["campaigns"]) == []
