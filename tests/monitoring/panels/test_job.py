"""One job's panels say what it is, where it stands, what happened to it, and how to look further."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.errors import NoSuchPage
from monitoring.panels.job import job, job_input
from monitoring.panels.job_attempts import job_attempts
from monitoring.panels.job_log import job_commands, job_log
from monitoring.panels.panel import Text
from tests.builders.collected import MINUTE
from tests.builders.panel_cells import facts_of, rows_of

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_a_job_that_is_not_there(collected: Collected) -> None:
    """The message says which there are, for a number that is too large for the store too."""
    connection = collected.read()
    for number in (10, -1, 1 << 80):
        with pytest.raises(NoSuchPage, match="its jobs are 0 to 9"):
            job(connection, collected.shown, MINUTE, number)


def test_before_anything_happened(collected: Collected) -> None:
    """A job that is not in the queue has no numbers but those of the manifest."""
    connection = collected.read()
    panel = job(connection, collected.shown, MINUTE, 3)
    facts = facts_of(panel)
    assert "not in HTCondor's queue yet" in panel.lead
    assert (facts["state"].value, facts["since"].value, facts["condor"].value) == ("pending", None, None)
    (planned,) = rows_of(job_input(connection, collected.shown, MINUTE, 3))
    assert (planned["input_file"], planned["entries"], planned["events"]) == ("/data/raw_1.root", "5 to 9", 5)
    assert planned["output_file"] == str(collected.campaign.folder.root / "outputs/3.root")
    assert rows_of(job_attempts(connection, collected.shown, MINUTE, 3)) == []
    assert "no log here" in job_log(connection, collected.shown, MINUTE, 3).lead


def test_a_job_that_runs(collected: Collected) -> None:
    """It says for how long, where, how far it is, what it sends; and that it may be dead once it was not heard of."""
    collected.run(0, MINUTE)
    connection = collected.read()
    panel = job(connection, collected.shown, MINUTE + 125, 0)
    assert panel.lead == "It has been running for 2 min at FNAL on worker, with 2 of 5 events done."
    facts = facts_of(panel)
    assert facts["sent_mbps"].value == pytest.approx(8e-6 * 1.05 * 1_000_000 / 60)
    assert (facts["share_mbps"].value, facts["beat_at"].value, panel.tone) == (12.5, MINUTE + 60, "")
    assert facts["site"].link == "c/demo/site/FNAL"
    late = job(connection, collected.shown, MINUTE + 800, 0)
    assert "not heard of for more than 10 minutes; it may be dead" in late.lead
    assert (late.tone, facts_of(late)["beat_at"].tone) == ("warn", "warn")


def test_a_job_that_failed(collected: Collected) -> None:
    """It says as what, why, and who must act; its attempt is there with the numbers of its record."""
    collected.run(0, MINUTE)
    collected.end(
        0, MINUTE + 200, exit_class="bad_input", error="raw_0.root: <script>no hits</script>\nmore", requests=3
    )
    connection = collected.read()
    panel = job(connection, collected.shown, MINUTE + 300, 0)
    assert panel.lead == (
        "It has failed as bad_input at FNAL: raw_0.root: <script>no hits</script>. `sonicgrid retry` tries it again; "
        "before that, these must act: owner of the data."
    )
    assert panel.tone == "bad"
    attempts = job_attempts(connection, collected.shown, MINUTE + 300, 0)
    (row,) = rows_of(attempts)
    assert (row["exit_class"], row["wall_s"], row["sent_mb"], row["requests"]) == ("bad_input", 100, 125, 3)
    assert row["error"] == "raw_0.root: <script>no hits</script>"
    assert attempts.source.files == (str(collected.campaign.folder.block(0).record(0, 7, 0)),)
    assert "Must act: owner of the data." in attempts.lead


def test_a_job_that_is_held_or_done(collected: Collected) -> None:
    """A held job gives HTCondor's reason; one that is done is good news."""
    for number in (0, 1):
        collected.run(number, MINUTE)
    collected.log.held(7, 0, "pool_away: no inference endpoint answered in time")
    collected.end(1, MINUTE + 200)
    connection = collected.read()
    held = job(connection, collected.shown, MINUTE + 960, 0)
    assert held.lead == "HTCondor has held it for 15 min: pool_away: no inference endpoint answered in time."
    assert held.tone == "warn"
    done = job(connection, collected.shown, MINUTE + 960, 1)
    assert done.lead == "It is done at FNAL on worker1: all 5 events are in its output."
    assert facts_of(done)["events_done"].value == 5


def test_its_log_has_both_ends(collected: Collected) -> None:
    """A long log is cut in the middle and says so; what stands in it stays text."""
    logs = collected.campaign.folder.block(0).logs
    logs.mkdir(parents=True)
    (logs / "2.log").write_text("<b>first</b>\n" + "".join(f"line {n}\n" for n in range(20_000)) + "last\n")
    panel = job_log(collected.read(), collected.shown, MINUTE, 2)
    assert isinstance(panel.content, Text)
    assert (panel.content.lines[0], panel.content.lines[-1]) == ("<b>first</b>", "last")
    assert any("bytes are left out here" in line for line in panel.content.lines)
    assert panel.source.files == (str(logs / "2.log"),)


def test_commands_fit_the_state(collected: Collected) -> None:
    """Every command is whole, with this job's numbers; what makes no sense in its state is not offered."""
    collected.log.submitted(7, 0, job=0)
    collected.run(1, MINUTE)
    collected.log.held(7, 1, "a person held it")
    connection = collected.read()
    commands = {
        number: [str(row["command"]) for row in rows_of(job_commands(connection, collected.shown, MINUTE, number))]
        for number in (0, 1, 2)
    }
    assert "condor_q -better-analyze 7.0" in commands[0]
    assert f"sonicgrid release {collected.campaign.folder.root} --job 1" in commands[1]
    assert not any(command.startswith("condor") for command in commands[2])
    assert f"sonicgrid status {collected.campaign.folder.root}" in commands[2]
