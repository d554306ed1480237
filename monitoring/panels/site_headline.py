"""Where one site of a campaign stands: its jobs, its link, how well its workers are used."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from jobs.states import DISPLAY_ORDER, JobState
from monitoring.live.budgets import edits_about
from monitoring.live.site_now import site_now
from monitoring.live.waiting import why_jobs_wait
from monitoring.panels.link_use import link_lead, link_tone, queue_of
from monitoring.panels.panel import Fact, Facts, Panel, Source
from monitoring.panels.wording import figure, number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.links import LinkNow
    from monitoring.live.site_now import SiteNow
    from monitoring.panels.panel import Tone
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "site_headline"]

EVERY_S = 2.0

_TONES: dict[str, Tone] = {JobState.HELD: "warn", JobState.FAILED: "bad"}


def site_headline(connection: sqlite3.Connection, shown: Shown, now: float, site: str) -> Panel:
    """Say where a site stands, how much of its budget is used, and what keeps it from more."""
    state = site_now(connection, now, site)
    link = state.link
    queue = queue_of(link, why_jobs_wait(connection)) if link else 0
    changed = edits_about(connection, site)
    tone: Tone = link_tone(link, changed, now) if link else ""
    trouble = state.jobs[JobState.FAILED] or state.jobs[JobState.HELD]
    lead = link_lead(link, queue, changed, now) if link else f"No job is at {site} now, and it has no limit in force."
    return Panel(
        "headline",
        "Where it stands",
        lead,
        Source(
            "Jobs: by HTCondor's event logs, at the site of their newest attempt. Mb/s: the last heartbeat of each job "
            "that runs, with 5 % for framing. Budget, share, room and what binds: site configs in force and the "
            "throttle's last look. CPU efficiency: records of attempts that ended in the last hour. Latency: what jobs "
            "say of their requests of the last five minutes.",
            (
                str(shown.folder.root / "blocks" / "*" / "events.log"),
                str(shown.folder.sites),
                str(shown.folder.throttle),
            ),
        ),
        Facts((*_job_facts(state, shown, site), *_link_facts(link, queue, tone), *_work_facts(state))),
        tone=tone or ("warn" if trouble else ""),
    )


def _job_facts(state: SiteNow, shown: Shown, site: str) -> list[Fact]:
    return [
        Fact(
            f"jobs_{name}",
            str(name).capitalize(),
            state.jobs[name],
            note="jobs",
            tone=_TONES.get(name, "") if state.jobs[name] else "",
            link=f"{shown.path}/jobs?site={quote(site, safe='')}&state={name}",
        )
        for name in DISPLAY_ORDER
        # A job has no site before it has started, so those that wait are few here: they ran before.
        if name != JobState.PENDING
    ]


def _link_facts(link: LinkNow | None, queue: int, tone: Tone) -> list[Fact]:
    if link is None:
        return []
    budget = f"of {figure(link.budget_mbps)} Mb/s" if link.limited else "no budget is in force"
    facts = [
        Fact("sent_mbps", "Mb/s sent", link.sent_mbps, "mbps", note=budget, tone=tone),
        Fact("used", "Of the budget", link.used, "share", note="" if link.used is not None else "there is none"),
    ]
    if link.admitted is None:
        return facts
    return [
        *facts,
        Fact("binds", "What binds", link.binds, "text", note="keeps it from more jobs"),
        Fact("queue", "Waiting", queue, note="jobs, for its own link"),
        Fact("admitted", "May run", link.admitted, note=f"{number_of(link.room or 0, 'job')} now"),
        Fact("share_mbps", "Share", link.share_mbps, "mbps", note="what one job may send"),
    ]


def _work_facts(state: SiteNow) -> list[Fact]:
    told, ended, latency = state.told, state.ended, state.latency
    return [
        Fact("events_per_s", "Events/s", told.events_per_s if told else None, "per_s", note="in the last 5 minutes"),
        Fact("jobs_per_h", "Jobs/h", ended.jobs_per_h if ended else None, "per_h", note="done in the last hour"),
        Fact(
            "cpu_efficiency",
            "CPU efficiency",
            ended.cpu_efficiency if ended else None,
            "share",
            note="of attempts that ended in the last hour",
        ),
        Fact("latency_p50_s", "Latency", latency.p50_s, "s", note="median of the last 5 minutes"),
        Fact("latency_p95_s", "Latency, p95", latency.p95_s, "s", note="95 % of the requests are faster"),
    ]
