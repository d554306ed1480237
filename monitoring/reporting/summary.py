"""Puts a report's numbers together."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from jobs.exits import ExitClass
from monitoring.failures import Fate, failed_jobs, failure_kinds, meaning_of, retries
from monitoring.numbers import Headline, Provenance, ReportNumbers
from monitoring.reporting.drawn_plots import drawn_plots
from monitoring.reporting.paper_table import paper_table
from monitoring.reporting.timeline import timeline
from monitoring.throughput import group_rows, speed_ups, stage_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.attempts import Attempts
    from monitoring.panels.shown import Shown
    from monitoring.reporting.campaign_state import CampaignState
    from monitoring.reporting.collect_records import Collected

__all__ = ["summarize"]


def summarize(state: CampaignState, collected: Collected, shown: Shown) -> ReportNumbers:
    """Return every number of the report.

    Throughput is of the last successful attempt of each job; hours and bytes are of all attempts.

    Args:
        state: what the campaign's files say beside the records.
        collected: the records.
        shown: the campaign with its store, out of which come plots over time and the use of links.

    """
    attempts = collected.attempts
    counted = attempts.where(attempts.done).one_per_job()
    fates = _fates(state, attempts)
    if state.validated:
        failed_numbers = np.array([fate.job for fate in fates], dtype=np.int64)
        counted = counted.where(~np.isin(counted.job, failed_numbers))
    failed = failed_jobs(attempts, fates, state.inputs)
    with shown.reading() as connection:
        paper = paper_table(connection, attempts, counted, failed)
    return ReportNumbers(
        generated=time.time(),
        software_version=version("sonicgrid"),
        headline=_headline(state, attempts, counted, len(failed)),
        groups=group_rows(counted),
        speed_up=speed_ups(counted),
        stages=stage_rows(counted),
        timeline=timeline(attempts, counted),
        failure_kinds=failure_kinds(attempts, failed),
        failed_jobs=failed,
        rejected=state.rejected,
        contradictions=state.contradictions,
        retries=retries(attempts),
        paper=paper,
        plots=drawn_plots(shown),
        provenance=_provenance(state, collected),
    )


def _fates(state: CampaignState, attempts: Attempts) -> Sequence[Fate]:
    """Return the jobs that failed for good; without a verdict on them, those whose last error no retry can help."""
    if state.validated:
        return state.fates
    done = np.unique(attempts.job[attempts.done])
    fates = {fate.job: fate for fate in state.fates if fate.job not in done}
    hopeless = [name for name in attempts.exit_class.labels if name != ExitClass.DONE and not meaning_of(name).retry]
    others = attempts.where(~np.isin(attempts.job, done)).one_per_job()
    for name in hopeless:
        last = others.where(others.exit_class.equals(name))
        for job, block in zip(last.job.tolist(), last.block.tolist(), strict=True):
            fates.setdefault(job, Fate(job, block, name, ""))
    return tuple(fates.values())


def _headline(state: CampaignState, attempts: Attempts, counted: Attempts, failed: int) -> Headline:
    some = len(attempts) > 0
    left = max(state.jobs_planned - len(counted) - failed, 0)
    started = float(attempts.started.min()) if some else None
    ended = float(attempts.ended.max()) if some else None
    return Headline(
        campaign=state.campaign,
        state="running" if left else "incomplete" if failed or state.rejected or state.contradictions else "complete",
        sentence=_sentence(state, len(counted), failed, left),
        validated=state.validated,
        jobs_planned=state.jobs_planned,
        jobs_done=len(counted),
        jobs_failed=failed,
        jobs_open=left,
        events_planned=state.events_planned,
        events_done=int(counted.events.sum()),
        hits_done=int(counted.hits.sum()),
        started=started,
        ended=ended,
        elapsed_s=ended - started if started is not None and ended is not None else 0.0,
        wall_hours=float(attempts.wall_s.sum()) / 3600,
        cpu_hours=float(attempts.cpu_s.sum()) / 3600,
        sent_mb=float(attempts.bytes_sent.sum()) * 1e-6,
        received_mb=float(attempts.bytes_received.sum()) * 1e-6,
        output_mb=float(counted.output_bytes.sum()) * 1e-6,
    )


def _sentence(state: CampaignState, done: int, failed: int, left: int) -> str:
    if left:
        share = 100 * done / state.jobs_planned
        parts = [f"{done:,} of {state.jobs_planned:,} jobs are done ({share:.0f} %), {left:,} are still open"]
        parts += [f"{failed:,} failed"] if failed else []
        text = ", ".join(parts) + "."
        return text if state.driven else f"{text} No driver is at work now; `sonicgrid submit` resumes."
    if failed:
        text = f"Complete but for {failed:,} of {state.jobs_planned:,} {_jobs(state.jobs_planned)}."
    elif state.validated:
        text = f"Every event of {state.jobs_planned:,} {_jobs(state.jobs_planned)} is there exactly once."
    else:
        text = f"All {state.jobs_planned:,} {_jobs(state.jobs_planned)} are done; the outputs are not validated yet."
    if state.rejected:
        count = len(state.rejected)
        text += f" {count:,} input {'file was' if count == 1 else 'files were'} rejected when it was planned."
    if state.contradictions:
        text += " Some files contradict each other."
    return text


def _jobs(count: int) -> str:
    return "job" if count == 1 else "jobs"


def _provenance(state: CampaignState, collected: Collected) -> Provenance:
    attempts = collected.attempts
    return Provenance(
        manifest_digest=state.manifest_digest,
        models=attempts.model.present(),
        software_versions=attempts.software_version.present(),
        endpoints=tuple(name for name in attempts.endpoint.present() if name),
        sites=tuple(name for name in attempts.site.present() if name),
        hosts=len(attempts.host.present()),
        max_rss_mb=float(attempts.max_rss_mb.max()) if len(attempts) else 0.0,
        records=len(attempts),
        records_unreadable=len(collected.unreadable),
        records_foreign=collected.foreign,
        spec=state.spec,
    )
