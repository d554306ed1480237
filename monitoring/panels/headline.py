"""Where a campaign stands, in the numbers that people ask for first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.states import JobState
from monitoring.live.campaign_now import SILENT_S, campaign_now
from monitoring.live.states import campaign_ended
from monitoring.panels.panel import Fact, Facts, Panel, Source
from monitoring.panels.wording import figure, length, number_of, percent, silence

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.campaign_now import CampaignNow, Standing
    from monitoring.panels.panel import Tone
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "STANDING_NOTES", "eta_at", "headline", "tone_of_standing"]

EVERY_S = 1.0

STANDING_NOTES: dict[Standing, str] = {
    "planned": "no job has come up yet",
    "waiting": "no job runs now",
    "running": "",
    "held": "every job that is left is held",
    "failed": "every job has ended, and not all are done",
    "done": "every job is done",
}


def headline(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Say where a campaign stands, how fast it goes, and when it will be through."""
    state = campaign_now(connection, now)
    jobs, remaining = state.jobs, state.remaining
    running = jobs[JobState.RUNNING]
    facts = (
        Fact(
            "state",
            "State",
            state.standing,
            "text",
            note=STANDING_NOTES[state.standing],
            tone=tone_of_standing(state.standing),
        ),
        Fact("done_share", "Done", state.done_share, "share", note="of the events"),
        Fact("events_done", "Events done", remaining.done, note=f"of {remaining.planned:,}"),
        Fact("jobs_done", "Jobs done", jobs[JobState.DONE], note=f"of {state.in_all:,}", link=_jobs(shown, "done")),
        Fact("jobs_running", "Running", running, note="jobs", link=_jobs(shown, "running")),
        Fact(
            "jobs_failed",
            "Failed",
            jobs[JobState.FAILED],
            note="jobs",
            tone="bad" if jobs[JobState.FAILED] else "",
            link=_jobs(shown, "failed"),
        ),
        Fact(
            "jobs_held",
            "Held",
            jobs[JobState.HELD],
            note="jobs",
            tone="warn" if jobs[JobState.HELD] else "",
            link=_jobs(shown, "held"),
        ),
        Fact(
            "jobs_per_h", "Jobs/h", state.jobs_per_h, "per_h", note=_of_past(state.jobs_per_h, "done in the last hour")
        ),
        Fact(
            "events_per_s",
            "Events/s",
            state.events_per_s,
            "per_s",
            note=_of_past(state.events_per_s, "in the last 5 minutes"),
        ),
        Fact("sent_mbps", "Mb/s sent", state.sent_mbps, "mbps", note="in the last minute of each job"),
        _ends(connection, state, now),
        _heard(state, now),
    )
    return Panel(
        "headline",
        "Where it stands",
        _lead(shown, state),
        Source(
            "Events and jobs: the manifest, and the state of each job by HTCondor's event logs and the blocks' "
            "outcomes. Jobs/h: records of attempts that ended in the last hour. Events/s and Mb/s: heartbeats in the "
            "event logs; Mb/s include 5 % for framing. The end: the events that are left at the rate of the last hour, "
            "with the 68 % interval of that rate; that slots or budgets may change is not in it.",
            (str(shown.folder.manifest), str(shown.folder.root / "blocks" / "*" / "events.log")),
        ),
        Facts(facts),
        tone=_tone(state),
    )


def eta_at(state: CampaignNow, now: float) -> tuple[float | None, float | None, float | None]:
    """Return when the last event is done, with its interval, seconds since the epoch; None where that is not known.

    They are whole minutes, or steps of ten where it is hours away: nothing is known better than that.
    """
    found = state.estimate
    if found.left_s is None or state.standing in ("done", "failed"):
        return None, None, None
    step = 60 if found.left_s < 3 * 3600 else 600
    ends = (None if left_s is None else now + left_s for left_s in (found.left_s, found.low_s, found.high_s))
    at, low, high = (None if end is None else round(end / step) * float(step) for end in ends)
    return at, low, high


def tone_of_standing(standing: Standing) -> Tone:
    """Return whether somebody has to look."""
    return {"failed": "bad", "held": "bad", "done": "good"}.get(standing, "")  # type: ignore[return-value] # tones


def _ends(connection: sqlite3.Connection, state: CampaignNow, now: float) -> Fact:
    if state.standing in ("done", "failed"):
        return Fact("ended", "Ended", campaign_ended(connection), "time")
    at, low, high = eta_at(state, now)
    left_s = state.estimate.left_s
    note = f"in {length(left_s)}; 68 % interval" if left_s is not None else state.estimate.why_not
    return Fact("eta", "Done by", at, "time", low, high, note=note)


def _heard(state: CampaignNow, now: float) -> Fact:
    silent_s = now - state.heard_at if state.heard_at is not None else 0.0
    worry = state.jobs[JobState.RUNNING] > 0 and silent_s > SILENT_S
    note = "" if state.heard_at is not None else "nothing yet"
    if worry:
        note = f"silent for {silence(silent_s)}; jobs that run report every minute"
    return Fact("heard_at", "Last heard of", state.heard_at, "time", note=note, tone="warn" if worry else "")


def _lead(shown: Shown, state: CampaignNow) -> str:
    jobs, remaining = state.jobs, state.remaining
    done = f"{percent(state.done_share)} of {number_of(remaining.planned, 'event')}"
    failed, held = jobs[JobState.FAILED], jobs[JobState.HELD]
    trouble = [
        *([f"{number_of(failed, 'job')} failed"] if failed else []),
        *([f"{number_of(held, 'job')} {'is' if held == 1 else 'are'} held"] if held else []),
    ]
    also = f"; {' and '.join(trouble)}" if trouble else ""
    match state.standing:
        case "done":
            return f"{shown.name} is done: {number_of(remaining.planned, 'event')} in {number_of(state.in_all, 'job')}."
        case "failed":
            return f"{shown.name} has ended with {done} done{also}. Failures, below, say who must act."
        case "planned":
            return f"{shown.name} is planned: {number_of(state.in_all, 'job')}, and none has come up yet."
        case "held":
            return f"{shown.name} stands still: {done} are done{also}, and nothing else is left to run."
    words = "runs" if state.standing == "running" else "waits"
    speed = f", {figure(state.events_per_s)} events/s now" if state.events_per_s else ""
    unkept = ""
    if state.unkept_s is not None:
        unkept = (
            f" No throttle has looked for {silence(state.unkept_s)}: limits stay as they are, and"
            f" `sonicgrid submit` with its spec goes on with it."
        )
    return f"{shown.name} {words}: {done} are done{speed}{also}.{unkept}"


def _tone(state: CampaignNow) -> Tone:
    if state.standing in ("failed", "held"):
        return "bad"
    trouble = state.jobs[JobState.FAILED] or state.jobs[JobState.HELD] or state.unkept_s is not None
    return "warn" if trouble else "good" if state.standing == "done" else ""


def _of_past(value: float | None, words: str) -> str:
    return words if value is not None else "not before jobs ran for 5 minutes"


def _jobs(shown: Shown, state: str) -> str:
    return f"{shown.path}/jobs?state={state}"
