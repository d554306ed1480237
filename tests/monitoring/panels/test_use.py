"""How well jobs use their time and what they asked for, and how much faster GPUs make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.bins import bins_of
from monitoring.live.rates import rates_over_time
from monitoring.live.recorded import load_attempts, speed_ups_so_far, stages_so_far
from monitoring.live.usage import usage_by
from monitoring.panels.efficiency import efficiency
from monitoring.panels.panel import Plot
from monitoring.panels.speed_up import speed_up, stages
from monitoring.panels.stragglers import stragglers
from monitoring.panels.usage import usage
from tests.builders.collected import MINUTE
from tests.builders.panel_cells import rows_of

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_nothing_yet(collected: Collected) -> None:
    """Before any job ran there are no numbers, and each panel says so."""
    connection = collected.read()
    assert efficiency(connection, collected.shown, MINUTE).lead == "In the last hour no job has told of its time."
    assert usage(connection, collected.shown, MINUTE).lead.startswith("No job is done yet")
    assert "nothing to compare" in speed_up(connection, collected.shown, MINUTE).lead
    assert stages(connection, collected.shown, MINUTE).lead == "No job is done yet."
    assert stragglers(connection, collected.shown, MINUTE).lead == "No job runs or waits."


def test_low_cpu_efficiency_is_explained(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares are those of `rates_over_time`; blocked time stands beside low CPU efficiency."""
    monkeypatch.setattr("monitoring.collecting.follow_blocks.time.time", lambda: MINUTE + 300)
    collected.run(0, MINUTE, inference_s=45.0, paced_s=6.0)
    collected.run(1, MINUTE, site="CERN", inference_s=0.0, paced_s=0.0)
    collected.end(0, MINUTE + 119, cpu_s=25.0)
    connection = collected.read()
    now = MINUTE + 300
    panel = efficiency(connection, collected.shown, now, site="FNAL")
    assert panel.lead == (
        "In the last hour jobs used their CPU for 25 % of the time, an event was being scored for 75 %, shares of the "
        "link held jobs for 10 %. Low CPU efficiency is no fault here: while a remote GPU scores, the job waits for it."
    )
    assert isinstance(panel.content, Plot)
    drawn = {line.key: next(value for value in line.values if value is not None) for line in panel.content.lines}
    assert drawn == pytest.approx({"cpu_efficiency": 0.25, "inference_share": 0.75, "paced_share": 0.1})
    every = efficiency(connection, collected.shown, now).content
    (series,) = rates_over_time(connection, bins_of(collected.shown.span(connection, now), now))
    assert isinstance(every, Plot)
    scored = next(line for line in every.lines if line.key == "inference_share").values
    assert next(value for value in scored if value is not None) == pytest.approx(
        next(rates.inference_share for rates in series.rates if rates.inference_share is not None)
    )


@pytest.mark.parametrize(
    ("memory_mb", "tone", "words"),
    [
        (700.0, "", "Of 2 attempts, 95 % stay below 90 %"),
        (950.0, "warn", "Jobs come near what they asked for, 95 % of them below: memory of gpu jobs at FNAL, 95 %."),
        (1200.0, "bad", "Some jobs used more than they asked for: memory of gpu jobs at FNAL, 120 %."),
    ],
)
def test_use_is_held_against_what_was_asked(collected: Collected, memory_mb: float, tone: str, words: str) -> None:
    """Quantiles are those of `usage_by`; who comes near what was asked for, or goes above, is toned."""
    spec = collected.campaign.folder.spec
    spec.write_text(spec.read_text() + "jobs: {memory: 1000 MB, max_runtime: 10 min}\n")
    for job in (0, 1):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200, max_rss_mb=memory_mb)
    connection = collected.read()
    panel = usage(connection, collected.shown, MINUTE + 300)
    (row,), (found,) = rows_of(panel), usage_by(connection)
    assert (row["run_s_p95"], row["run_s_asked"]) == (found.run_s.p95, 600)
    assert (row["memory_mb_largest"], row["memory_mb_asked"], row["memory_mb_tone"]) == (memory_mb, 1000, tone)
    assert (row["disk_mb_p50"], row["cpu_efficiency"]) == (None, found.cpu_efficiency)
    assert panel.tone == tone
    assert panel.lead.startswith(words)


def test_speed_up_has_errors(collected: Collected) -> None:
    """The ratio and both ends of its interval are those of the report; few jobs give no interval."""
    for job in range(8):
        collected.run(job, MINUTE)
        flavour = "cpu" if job % 2 else "gpu"
        slow = 10.0 if flavour == "cpu" else 1.0
        startup_s, inference_s = 0.0, slow * (50.0 + job)
        wall_s = slow * (100.0 + job)
        collected.campaign.attempt(
            job, cluster=7, flavour=flavour, wall_s=wall_s, startup_s=startup_s, inference_s=inference_s
        )
    connection = collected.read()
    attempts = load_attempts(connection)
    (known,) = speed_ups_so_far(attempts)
    panel = speed_up(connection, collected.shown, MINUTE)
    (row,) = rows_of(panel)
    assert known.event is not None
    assert known.inference is not None
    assert (row["event"], row["event_low"], row["event_high"]) == (known.event.value, known.event.low, known.event.high)
    assert row["inference"] == known.inference.value
    assert "an event is done 10" in panel.lead
    assert [row["wall_s"] for row in rows_of(stages(connection, collected.shown, MINUTE))] == [
        one.wall_s for one in stages_so_far(attempts)
    ]


def test_two_jobs_are_too_few_to_compare(collected: Collected) -> None:
    """Without an interval no ratio is given."""
    for job, flavour in enumerate(("gpu", "cpu")):
        collected.campaign.attempt(job, flavour=flavour)
    panel = speed_up(collected.read(), collected.shown, MINUTE)
    assert "1 gpu job and 1 cpu job: too few" in panel.lead
    assert rows_of(panel)[0]["event"] is None


def test_stragglers_stand_out(collected: Collected) -> None:
    """The longest runner comes first, idle jobs after it, and a job that was not heard of may be dead."""
    for job in range(3):
        collected.run(job, MINUTE + 100 * job)
    collected.log.submitted(7, 5, job=5)
    connection = collected.read()
    panel = stragglers(connection, collected.shown, MINUTE + 310)
    assert panel.lead == (
        "Job 0 at FNAL has been running longest, 5 min; job 5 has been idle longest, less than a minute. 1 running job "
        "was not heard of for more than 3 minutes and may be dead."
    )
    rows = [(row["job"], row["why"], row["tone"]) for row in rows_of(panel)]
    assert rows == [
        (0, "runs longest", ""),
        (1, "runs longest", ""),
        (2, "runs longest", ""),
        (5, "waits longest", ""),
        (0, "silent longest, may be dead", "warn"),
    ]
