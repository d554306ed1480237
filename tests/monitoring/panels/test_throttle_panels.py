"""Decisions, edits and limits are shown as they were written, with what to do about them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from jobs.spec.site import Site, load_site
from jobs.throttle.aside import Aside
from monitoring.panels.aside import aside
from monitoring.panels.site_headline import site_headline
from monitoring.panels.site_limits import change_command, counts_for, site_limits
from monitoring.panels.throttle import edits, throttle
from tests.builders.collected import MINUTE, site_state
from tests.builders.panel_rows import facts_of, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.collected import Collected


def test_decisions(collected: Collected) -> None:
    """The newest first, of all sites or of one, and the last one in a sentence."""
    collected.decide(MINUTE, FNAL=site_state(), CERN=site_state(budget_mbps=50.0))
    collected.decide(MINUTE + 30, FNAL=site_state(admitted=1, rate_origin="pilots", binds="slots"))
    connection = collected.read()
    panel = throttle(connection, collected.shown, MINUTE + 40)
    assert [(row["at"], row["site"]) for row in rows_of(panel)] == [
        (MINUTE + 30, "FNAL"),
        (MINUTE, "CERN"),
        (MINUTE, "FNAL"),
    ]
    first = rows_of(panel)[0]
    assert (first["budget_mbps"], first["admitted"], first["binds"], first["reason"]) == (100, 1, "slots", None)
    assert first["origin"] == "not known yet: pilots run"
    assert panel.lead == ("The last decision: 1 job may run at FNAL; the number of free slots keeps it from more jobs.")
    (only,) = rows_of(throttle(connection, collected.shown, MINUTE + 40, "CERN"))
    assert only["budget_mbps"] == 50


def test_a_throttle_that_fails_or_is_away(collected: Collected) -> None:
    """Somebody has to look when its last look failed, or when it does not look while jobs run."""
    collected.run(0, MINUTE)
    collected.decide(MINUTE, problem="HTCondor does not answer", FNAL=site_state())
    panel = throttle(collected.read(), collected.shown, MINUTE)
    assert (panel.tone, panel.lead.endswith("Its last look failed: HTCondor does not answer")) == ("warn", True)
    collected.decide(MINUTE, FNAL=site_state())
    os.utime(collected.campaign.folder.throttle, (MINUTE, MINUTE))
    connection = collected.read()
    assert throttle(connection, collected.shown, MINUTE + 60).tone == ""
    away = throttle(connection, collected.shown, MINUTE + 900)
    assert (away.tone, "It has not looked for more than 10 minutes" in away.lead) == ("warn", True)


def test_set_aside(collected: Collected) -> None:
    """What gets no jobs, why, until when, and the command that lets jobs there; a site's page has its own hosts."""
    assert aside(collected.read(), collected.shown, MINUTE).lead == "No host and no site is set aside."
    host = Aside(kind="host", name="bad 7", site="FNAL", reason="no mount", since=MINUTE, until=MINUTE + 1800)
    whole = Aside(kind="site", name="CERN", site="CERN", reason="all fail", since=MINUTE - 9, until=MINUTE, trial="7.1")
    collected.decide(MINUTE, aside=(whole, host), FNAL=site_state())
    connection = collected.read()
    panel = aside(connection, collected.shown, MINUTE)
    assert (panel.tone, panel.lead) == (
        "warn",
        "1 site (CERN) and 1 host (bad 7) get no jobs for now. The newest: no mount.",
    )
    first, second = rows_of(panel)
    assert (first["name"], first["site"], first["until"], first["trial"]) == ("bad 7", "FNAL", MINUTE + 1800, None)
    assert first["command"] == f"sonicgrid sites readmit 'bad 7' {collected.campaign.folder.root}"
    assert (second["kind"], second["site"], second["trial"]) == ("site", "CERN", "7.1")
    (only,) = rows_of(aside(connection, collected.shown, MINUTE, "FNAL"))
    assert only["name"] == "bad 7"


def test_edits(collected: Collected) -> None:
    """Who changed which key, from what to what, and for which jobs it counts."""
    connection = collected.read()
    assert edits(connection, collected.shown, MINUTE).lead == "Nobody has changed a limit while the campaign ran."
    collected.edit(MINUTE, "FNAL", "uplink", "400 Mb/s", "200 Mb/s")
    collected.edit(MINUTE + 9, "CERN", "environment.python", "", "/cvmfs/python")
    connection = collected.read()
    panel = edits(connection, collected.shown, MINUTE)
    assert [(row["who"], row["file"], row["before"], row["counts"]) for row in rows_of(panel)] == [
        ("alice@submit1", "CERN", None, "for jobs submitted from then on"),
        ("alice@submit1", "FNAL", "400 Mb/s", "within 30 s"),
    ]
    assert panel.lead == "alice@submit1 changed environment.python of CERN last: not set → /cvmfs/python."
    assert len(rows_of(edits(connection, collected.shown, MINUTE, "FNAL"))) == 1


def test_nothing_was_decided_yet(collected: Collected) -> None:
    """Before the first look there is no decision, and no worry."""
    panel = throttle(collected.read(), collected.shown, MINUTE)
    assert (rows_of(panel), panel.lead, panel.tone) == ([], "The throttle has not decided anything yet.", "")


def test_every_key_of_a_site_is_there(collected: Collected) -> None:
    """With what is in force, the default, its meaning, and a command; keys of what it shares, too."""
    collected.in_force({"FNAL": {"shared_links": ["wan"], "most_jobs": 7}}, wan={"rate": "300 Mb/s"})
    panel = site_limits(collected.read(), collected.shown, MINUTE, "FNAL")
    rows = {row["key"]: row for row in rows_of(panel)}
    assert {field.alias or name for name, field in Site.model_fields.items()} - {"name"} <= set(rows)
    assert [row["key"] for row in rows_of(panel)][:2] == ["uplink", "campaign_share"]
    assert (rows["uplink"]["value"], rows["uplink"]["default"]) == ("200 Mb/s", None)
    assert (rows["campaign_share"]["value"], rows["campaign_share"]["default"]) == ("50 %", "80 %")
    assert (rows["most_jobs"]["value"], rows["most_jobs"]["default"]) == ("7", None)
    assert rows["shared_links.wan.rate"]["value"] == "300 Mb/s"
    root = collected.campaign.folder.root
    assert rows["uplink"]["command"] == (
        "sed -i -e '/^uplink:/d' -e '$a\\' /configs/FNAL.yaml && echo 'uplink: 200 Mb/s' >> /configs/FNAL.yaml"
        f" && sonicgrid sites apply {root} --sites-folder /configs"
    )
    assert str(rows["shared_links.wan.rate"]["command"]).startswith("${EDITOR:-vi} /configs/links.yaml && ")
    assert panel.lead.startswith("FNAL may fill 100 Mb/s in all")


@pytest.mark.parametrize("last_line", ["campaign_share: 10 %\n", "campaign_share: 10 %", "most_jobs: 5"])
def test_a_command_changes_its_key_and_nothing_else(tmp_path: Path, last_line: str) -> None:
    """It does so whether the key is set or not, first or last, and as it stands it changes nothing."""
    file = tmp_path / "it's a folder" / "FNAL.yaml"
    file.parent.mkdir()
    file.write_text(f"# The link.\nuplink: 1 Gb/s\nendpoints:\n  - pool:8001\n{last_line}")
    before = load_site(file)
    for key, value in (("campaign_share", before.model_dump(mode="json")["campaign_share"]), ("uplink", "1 Gb/s")):
        subprocess.run(["/bin/bash", "-c", change_command(file, key, value, "true")], check=True)
        assert load_site(file) == before
    slots = """GLIDEIN_Site == "FNAL" && x =!= 'y'"""
    for key, value in (("uplink", "500 Mb/s"), ("most_jobs", 3), ("gateway", True), ("slots", slots)):
        subprocess.run(["/bin/bash", "-c", change_command(file, key, value, "true")], check=True)
    after = load_site(file)
    assert (after.uplink_mbps, after.most_jobs, after.gateway, after.slots) == (500, 3, True, slots)
    assert after.campaign_share == before.campaign_share
    assert after.endpoints == before.endpoints


def test_keys_that_count_later() -> None:
    """As docs/how-to/lower-a-sites-limit.md says."""
    assert counts_for("uplink") == "within 30 s"
    assert counts_for("environment.python") == counts_for("slots") == "for jobs submitted from then on"
    assert counts_for("endpoints") == "for jobs that start from then on"


def test_limits_that_cannot_be_read(collected: Collected) -> None:
    """A damaged file, and a site that no config names, are said plainly."""
    connection = collected.read()
    none = site_limits(connection, collected.shown, MINUTE, "FNAL")
    assert none.lead == "No site config of FNAL is in force in this campaign: it has no limit here."
    collected.campaign.folder.sites.write_text("sites: [")
    damaged = site_limits(connection, collected.shown, MINUTE, "FNAL")
    assert (damaged.tone, "`sonicgrid sites apply` writes it anew" in damaged.lead) == ("warn", True)


def test_the_headline_of_a_site(collected: Collected) -> None:
    """Jobs, link, what binds and who waits, of this site alone."""
    collected.in_force({"FNAL": {}, "CERN": {}})
    collected.decide(MINUTE, FNAL=site_state(), CERN=site_state(binds="slots"))
    collected.run(0, MINUTE, bytes_sent=60_000_000)
    collected.run(1, MINUTE, site="CERN")
    collected.end(1, MINUTE + 110, site="CERN", exit_class="worker")
    connection = collected.read()
    panel = site_headline(connection, collected.shown, MINUTE + 135, "FNAL")
    facts = facts_of(panel)
    assert (facts["jobs_running"].value, facts["jobs_failed"].value) == (1, 0)
    assert facts["jobs_running"].link == "c/demo/jobs?site=FNAL&state=running"
    assert facts["sent_mbps"].value == pytest.approx(8.4)
    assert (facts["sent_mbps"].note, facts["binds"].value) == ("of 100 Mb/s", "the link")
    assert facts["latency_p95_s"].value == pytest.approx(0.1, rel=1)
    cern = site_headline(connection, collected.shown, MINUTE + 135, "CERN")
    assert (facts_of(cern)["jobs_failed"].value, cern.tone) == (1, "warn")
    assert facts_of(cern)["cpu_efficiency"].value == pytest.approx(0.55)
    nobody = site_headline(connection, collected.shown, MINUTE + 135, "UCSD")
    assert nobody.lead == "No job is at UCSD now, and it has no limit in force."
