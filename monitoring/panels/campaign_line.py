"""All campaigns of a dashboard, one row each, and their sum; one whose store cannot be read says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.states import JobState
from monitoring.errors import MonitoringError
from monitoring.live.campaign_now import campaign_now
from monitoring.panels.headline import STANDING_NOTES, eta_at, tone_of_standing
from monitoring.panels.panel import Column, Fact, Facts, Panel, Source, Table
from monitoring.panels.wording import figure, listed, number_of, silence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.live.campaign_now import CampaignNow
    from monitoring.panels.panel import Cell, Tone
    from monitoring.panels.shown import Shown

__all__ = ["CampaignLine", "campaign_lines", "campaigns_headline", "campaigns_table"]

_STANDINGS = ("running", "held", "failed", "waiting", "planned", "done")
"""What a person looks for first."""


@dataclass(frozen=True)
class CampaignLine:
    """One campaign.

    Attributes:
        shown: which.
        state: where it stands; None where its store cannot be read.
        why_not: the reason; empty otherwise.

    """

    shown: Shown
    state: CampaignNow | None
    why_not: str = ""


def campaign_lines(campaigns: Sequence[Shown], now: float) -> list[CampaignLine]:
    """Read where each campaign stands."""
    lines = []
    for shown in campaigns:
        try:
            with shown.reading() as connection:
                lines.append(CampaignLine(shown, campaign_now(connection, now)))
        except MonitoringError as error:
            lines.append(CampaignLine(shown, None, str(error)))
    return lines


def campaigns_headline(lines: Sequence[CampaignLine]) -> Panel:
    """Sum up all campaigns."""
    known = [line.state for line in lines if line.state is not None]
    jobs = {state: sum(one.jobs[state] for one in known) for state in JobState}
    at_work = sum(one.standing == "running" for one in known)
    unread = len(lines) - len(known)
    failed, held = jobs[JobState.FAILED], jobs[JobState.HELD]
    rates = [one.jobs_per_h for one in known if one.jobs_per_h is not None]
    facts = [
        Fact("campaigns_running", "Campaigns running", at_work, note=f"of {len(lines):,}"),
        Fact("jobs_running", "Jobs running", jobs[JobState.RUNNING]),
        Fact("sent_mbps", "Mb/s in all", sum(one.sent_mbps for one in known), "mbps", note="sent in the last minute"),
        Fact("jobs_per_h", "Jobs/h", sum(rates) if rates else None, "per_h", note="in the last hour"),
        Fact("jobs_failed", "Failed", failed, note="jobs", tone="bad" if failed else ""),
        Fact("jobs_held", "Held", held, note="jobs", tone="warn" if held else ""),
    ]
    lead = f"{number_of(at_work, 'campaign')} of {len(lines):,} {'runs' if at_work == 1 else 'run'}, with"
    lead += (
        f" {number_of(jobs[JobState.RUNNING], 'job')} and {figure(sum(one.sent_mbps for one in known))} Mb/s in all."
    )
    if unread:
        lead += f" Of {number_of(unread, 'campaign')} nothing can be read; the table says why."
    tone: Tone = "warn" if unread or failed or held else ""
    return Panel(
        "headline",
        "All campaigns",
        lead if lines else "This dashboard shows no campaign yet; name one: `sonicgrid dashboard CAMPAIGN`.",
        _source(),
        Facts(tuple(facts)),
        tone=tone,
    )


def campaigns_table(lines: Sequence[CampaignLine], now: float) -> Panel:
    """List the campaigns, those at work first."""
    ordered = sorted(lines, key=lambda line: (_place(line), line.shown.name))
    troubled = [line.shown.name for line in ordered if _tone(line.state) == "bad"]
    lead = f"Somebody has to look at {listed(troubled)}." if troubled else ""
    return Panel(
        "campaigns",
        "Campaigns",
        lead,
        _source(),
        Table(
            (
                Column("campaign", "Campaign", link="c/{campaign}"),
                Column("state", "State", tone="tone"),
                Column("done_share", "Done", "share", bar=True, note="part of the events whose job is done"),
                Column("eta", "Done by", "time", note="at the rate of the last hour"),
                Column("jobs", "Jobs", "count", link="c/{campaign}/jobs"),
                Column("running", "Running", "count", link="c/{campaign}/jobs?state=running"),
                Column("failed", "Failed", "count", link="c/{campaign}/jobs?state=failed", tone="tone_failed"),
                Column("held", "Held", "count", link="c/{campaign}/jobs?state=held", tone="tone_held"),
                Column("sent_mbps", "Sent", "mbps", note="in the last minute of each job"),
                Column("jobs_per_h", "Jobs/h", "per_h", note="in the last hour"),
                Column("heard_at", "Last heard of", "time"),
                Column("note", "Note"),
                Column("tone", ""),
                Column("tone_failed", ""),
                Column("tone_held", ""),
            ),
            tuple(_row(line, now) for line in ordered),
            empty="No campaign is shown.",
        ),
    )


def _row(line: CampaignLine, now: float) -> tuple[Cell, ...]:
    state = line.state
    if state is None:
        nothing: tuple[Cell, ...] = (None,) * 9
        return (line.shown.name, "not readable", *nothing, line.why_not, "warn", "", "")
    failed, held = state.jobs[JobState.FAILED], state.jobs[JobState.HELD]
    note = STANDING_NOTES[state.standing]
    if state.unkept_s is not None:
        note = f"no throttle has looked for {silence(state.unkept_s)}"
    return (
        line.shown.name,
        state.standing,
        state.done_share,
        eta_at(state, now)[0],
        state.in_all,
        state.jobs[JobState.RUNNING],
        failed,
        held,
        state.sent_mbps,
        state.jobs_per_h,
        state.heard_at,
        note or None,
        _tone(state),
        "bad" if failed else "",
        "warn" if held else "",
    )


def _tone(state: CampaignNow | None) -> Tone:
    return "warn" if state is None else tone_of_standing(state.standing)


def _place(line: CampaignLine) -> int:
    return len(_STANDINGS) if line.state is None else _STANDINGS.index(line.state.standing)


def _source() -> Source:
    return Source(
        "The same numbers as on each campaign's page: jobs by HTCondor's event logs and the blocks' outcomes, Mb/s by "
        "heartbeats, jobs/h by records."
    )
