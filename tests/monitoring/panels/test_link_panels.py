"""Each link is held against its budget as it was, in a plot, a table and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.links import links_now
from monitoring.panels import links as links_module
from monitoring.panels.link_use import link_use
from monitoring.panels.links import links
from tests.builders.collected import MINUTE, site_state
from tests.builders.panel_rows import lines_of, plot_of, rows_of

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def full_link(collected: Collected, *, sent_mbps: float = 84.0) -> None:
    """FNAL, with a budget of 100 Mb/s, behind a shared link with one of 150 Mb/s; two jobs send, others wait."""
    collected.in_force({"FNAL": {"shared_links": ["wan"]}}, wan={"rate": "300 Mb/s", "campaign_share": "50 %"})
    collected.decide(MINUTE, FNAL=site_state())
    for job in (0, 1):
        collected.run(job, MINUTE, bytes_sent=round(sent_mbps / 2 * 60 / 8.4e-6), paced_s=15.0)
    collected.log.submitted(7, 2, job=2)


def test_a_full_link(collected: Collected) -> None:
    """Mb/s are those of heartbeats, the budget is a limit, and the sentence says who waits for it."""
    full_link(collected)
    panel = link_use(collected.read(), collected.shown, MINUTE + 135.5, "FNAL")
    lines = lines_of(panel)
    assert (panel.key, panel.group, panel.title) == ("link-FNAL", "links", "Link of FNAL")
    assert lines["sent"].values[0] == pytest.approx(84)
    assert set(lines["budget"].values) == {100}
    assert lines["budget"].role == "limit"
    assert panel.lead == (
        "FNAL uses 84 of 100 Mb/s (84 %); its own link keeps 8 jobs waiting. "
        "Jobs waited for their share for 25 % of their time."
    )
    assert panel.tone == ""


def test_what_is_not_complete_is_not_drawn(collected: Collected) -> None:
    """The minutes that jobs have not told of yet are empty, and no fall to nothing."""
    full_link(collected)
    sent = lines_of(link_use(collected.read(), collected.shown, MINUTE + 125, "FNAL"))["sent"].values
    assert sent[:5] == pytest.approx([84] * 5)
    assert sent[5:] == (None,) * (len(sent) - 5)


def test_a_shared_link(collected: Collected) -> None:
    """It carries what all of its sites send; a site of the same name is another link."""
    full_link(collected)
    panel = link_use(collected.read(), collected.shown, MINUTE + 135, "wan", shared=True)
    assert (panel.key, panel.title) == ("link-wan", "Shared link wan")
    assert lines_of(panel)["sent"].values[0] == pytest.approx(84)
    assert set(lines_of(panel)["budget"].values) == {150}
    assert panel.lead == "The shared link wan uses 84 of 150 Mb/s (56 %), for FNAL."
    collected.run(5, MINUTE, site="wan")
    assert link_use(collected.read(), collected.shown, MINUTE + 135, "wan", shared=True).key == "link-wan-shared"


@pytest.mark.parametrize(
    ("sent_mbps", "edited", "tone", "words"),
    [
        (100.0, False, "", "FNAL uses 100 of 100 Mb/s (100 %); its own link keeps 8 jobs waiting."),
        (104.0, False, "warn", "slightly above the budget"),
        (130.0, False, "bad", "see whether the last edit is in force"),
        (130.0, True, "warn", "has just been changed; heartbeats still tell of the time before"),
    ],
)
def test_above_the_budget(collected: Collected, sent_mbps: float, edited: bool, tone: str, words: str) -> None:
    """Above it somebody has to look; for two minutes after an edit the heartbeats are older than it."""
    full_link(collected, sent_mbps=sent_mbps)
    if edited:
        collected.edit(MINUTE + 50, "FNAL", "uplink", "400 Mb/s", "200 Mb/s")
    connection = collected.read()
    panel = link_use(connection, collected.shown, MINUTE + 70, "FNAL")
    assert panel.tone == tone
    assert words in panel.lead
    assert links(connection, collected.shown, MINUTE + 70).tone == tone


def test_edits_and_decisions_are_marked(collected: Collected) -> None:
    """What a person changed, and what the throttle made of it; a decision that says the same again is none."""
    full_link(collected)
    collected.edit(MINUTE + 20, "FNAL", "uplink", "400 Mb/s", "200 Mb/s")
    collected.edit(MINUTE + 20, "CERN", "uplink", "400 Mb/s", "200 Mb/s")
    collected.decide(MINUTE + 30, FNAL=site_state(admitted=5, binds="shared link wan"))
    collected.decide(MINUTE + 40, FNAL=site_state(admitted=5, binds="shared link wan"))
    marks = plot_of(link_use(collected.read(), collected.shown, MINUTE + 130, "FNAL")).marks
    assert [(mark.at - MINUTE, mark.kind, mark.text) for mark in marks] == [
        (20, "edit", "alice@submit1: FNAL: uplink: 400 Mb/s → 200 Mb/s"),
        (30, "decision", "FNAL: 10 → 5 jobs admitted, shared link wan binds"),
    ]


def test_links_without_a_budget(collected: Collected) -> None:
    """A site that no config names has no budget; a closed one has 0, and says so."""
    collected.in_force({"CERN": {"campaign_share": "0 %"}})
    collected.run(0, MINUTE, site="Nowhere", bytes_sent=60_000_000)
    connection = collected.read()
    nowhere = link_use(connection, collected.shown, MINUTE + 70, "Nowhere")
    assert nowhere.lead == "No site config of Nowhere is in force, so it has no budget; its jobs send 8.4 Mb/s."
    assert "budget" not in lines_of(nowhere)
    closed = link_use(connection, collected.shown, MINUTE + 70, "CERN")
    assert closed.lead == "CERN is closed, with a budget of 0 Mb/s; no job runs there."


def test_the_table_has_the_numbers_of_links_now(collected: Collected) -> None:
    """One row per link, the fullest first; those that a site or a shared link has to do with alone on their pages."""
    full_link(collected)
    connection = collected.read()
    panel = links(connection, collected.shown, MINUTE + 70)
    rows = rows_of(panel)
    assert [row["name"] for row in rows] == ["FNAL", "wan"]
    for link in links_now(connection, MINUTE + 70):
        row = next(row for row in rows if row["name"] == link.name)
        assert (row["budget_mbps"], row["sent_mbps"], row["used"]) == (link.budget_mbps, link.sent_mbps, link.used)
        assert (row["running"], row["admitted"], row["share_mbps"]) == (link.running, link.admitted, link.share_mbps)
    assert (rows[0]["queue"], rows[0]["binds"], rows[0]["job_mbps"]) == (8, "the link", 10)
    assert rows[1]["through"] == "FNAL"
    assert panel.lead == "2 links; the fullest, FNAL, uses 84 of 100 Mb/s (84 %)."
    assert len(rows_of(links(connection, collected.shown, MINUTE + 70, site="FNAL"))) == 2
    assert rows_of(links(connection, collected.shown, MINUTE + 70, site="CERN")) == []
    assert len(rows_of(links(connection, collected.shown, MINUTE + 70, shared="wan"))) == 2


def test_many_links(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is not flooded, and says what it leaves out."""
    collected.in_force({f"S{number}": {} for number in range(30)})
    monkeypatch.setattr(links_module, "MOST_ROWS", 20)
    panel = links(collected.read(), collected.shown, MINUTE)
    assert len(rows_of(panel)) == 20
    assert panel.lead.endswith("The 12 fullest are drawn above. 20 are listed, and 10 more only in the CSV.")


def test_nothing_yet(collected: Collected) -> None:
    """Before a site config is in force there is no link, and no error."""
    connection = collected.read()
    assert links(connection, collected.shown, MINUTE).lead == "There is no link yet: no site config is in force."
    panel = link_use(connection, collected.shown, MINUTE, "FNAL")
    assert (panel.lead, plot_of(panel).lines) == ("Nothing is known of FNAL yet.", ())


def test_a_campaign_that_is_through(collected: Collected) -> None:
    """Its links carry nothing, and what they carried is still drawn."""
    full_link(collected)
    for job in range(10):
        if job not in (0, 1):
            collected.run(job, MINUTE, bytes_sent=0)
        collected.end(job, MINUTE + 200)
    panel = link_use(collected.read(), collected.shown, MINUTE + 3000, "FNAL")
    assert panel.lead.startswith("FNAL uses 0 of 100 Mb/s (0 %)")
    assert lines_of(panel)["sent"].values[0] == pytest.approx(84)
