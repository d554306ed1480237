"""One job: what it is, where it stands and since when, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.exits import EXITS, ExitClass
from jobs.planning.plan import read_summary
from jobs.states import JobState
from monitoring.errors import NoSuchPage
from monitoring.failures import first_line, meaning_of
from monitoring.live.heard import seen_until
from monitoring.live.links import FRESH_S
from monitoring.live.one_job import find_job, planned_job
from monitoring.live.rates import MBPS_PER_BYTE_S
from monitoring.panels.address_query import address_query
from monitoring.panels.jobs import TONES
from monitoring.panels.panel import Column, Fact, Facts, Panel, Source, Table
from monitoring.panels.wording import length, number_of, silence

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.one_job import JobNow
    from monitoring.panels.shown import Shown

__all__ = ["job", "job_files", "job_input", "the_job"]

_LEAST_S = 60.0


def the_job(connection: sqlite3.Connection, shown: Shown, number: int) -> JobNow:
    """Return a job.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    found = find_job(connection, number) if 0 <= number < 1 << 31 else None
    if found is None:
        last = connection.execute("SELECT max(job) FROM jobs").fetchone()[0]
        there = "it has no jobs yet" if last is None else f"its jobs are 0 to {last:,}"
        message = f"campaign {shown.name} has no job {number}; {there}"
        raise NoSuchPage(message)
    return found


def job(connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel:
    """Return where a job stands.

    Args:
        connection: of the store.
        shown: the campaign.
        now: seconds since the epoch.
        number: of the job.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    row = the_job(connection, shown, number)
    # A collector that is away hears of nobody.
    seen = seen_until(connection, now)
    tone = TONES.get(JobState(row.state), "") or ("warn" if _silent(row, seen) else "")
    return Panel(
        key="job",
        title=f"Job {number}",
        lead=_lead(row, now, seen),
        source=Source(
            "The job's row in the store: its state by the block's event log, or by the block's outcome where there is "
            "one; events, Mb/s and share of its last heartbeat; memory and disk as HTCondor says at an attempt's end.",
            job_files(shown, row),
        ),
        content=Facts(_facts(row, shown, seen)),
        tone=tone,
    )


def job_input(connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel:
    """Return what a job is to do, by the manifest.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    row = the_job(connection, shown, number)
    planned = planned_job(shown.folder, row.block, number)
    source = Source("The job's row of the manifest.", (str(shown.folder.manifest),))
    columns = (
        Column("input_file", "Input file", "code"),
        Column("entries", "Entries", note="the first and the last one, from 0"),
        Column("events", "Events", "count"),
        Column("flavour", "Flavour asked for"),
        Column("block", "Block", "count", link=f"{shown.path}/jobs?block={{block}}"),
        Column("output_file", "Output", "code"),
    )
    if planned is None:
        lead = "The manifest cannot be read here, so the job's input is not known."
        return Panel("job-input", "What it is to do", lead, source, Table(columns, (), empty=lead))
    entries = f"{planned.entry_start} to {planned.entry_stop - 1}"
    cells = (
        planned.input_file,
        entries,
        planned.events,
        planned.flavour,
        planned.block,
        _output(shown, planned.output_file),
    )
    lead = f"{number_of(planned.events, 'event')}, entries {entries} of {planned.input_file}."
    return Panel("job-input", "What it is to do", lead, source, Table(columns, (cells,)))


def _output(shown: Shown, output_file: str) -> str:
    """Return where an output is, or will be: in the campaign's folder where nothing says otherwise."""
    try:
        return read_summary(shown.folder).output(shown.folder, output_file)
    except CampaignError:
        return str(shown.folder.root / output_file)


def job_files(shown: Shown, row: JobNow) -> tuple[str, ...]:
    """Return the paths where a job can be looked at: its block's event log, its own log, its records."""
    block = shown.folder.block(row.block)
    return (str(block.events_log), str(block.logs / f"{row.job}.log"), f"{block.records}/{row.job:07d}.*.json")


def _silent(row: JobNow, seen: float) -> bool:
    """Return whether a job runs and has not been heard of for longer than heartbeats take."""
    return row.state == JobState.RUNNING and seen - max(row.beat_at, row.since) > FRESH_S


def _lead(row: JobNow, now: float, seen: float) -> str:
    # A minute is the least, so that a sentence stays as it is while it is read.
    for_s = f" for {length(now - row.since)}" if row.since and now - row.since >= _LEAST_S else ""
    where = f" at {row.site}" if row.site else ""
    on = f" on {row.worker}" if row.worker else ""
    cause = first_line(row.error or row.reason)
    because = f": {cause.rstrip('.')}" if cause else ""
    if row.state == JobState.RUNNING:
        silent = f", and not heard of for {silence(seen - max(row.beat_at, row.since))}; it may be dead"
        heard = silent if _silent(row, seen) else ""
        done = f"{row.attempt_events} of {number_of(row.events, 'event')} done"
        return f"It has been running{for_s}{where}{on}, with {done}{heard}."
    if row.state == JobState.HELD:
        return f"HTCondor has held it{for_s}{because}."
    if row.state == JobState.FAILED:
        meaning = meaning_of(row.exit_class)
        settled = row.exit_class in set(ExitClass) and not EXITS[ExitClass(row.exit_class)].retry
        again = f"`sonicgrid {'retry' if settled else 'submit'}` tries it again; before that, these must act"
        return f"It has failed as {row.exit_class or 'unknown'}{where}{because}. {again}: {meaning.who}."
    if row.state == JobState.IDLE:
        return f"It has been waiting for a slot{for_s}{f', sent back{because}' if because else ''}."
    if row.state == JobState.DONE:
        return f"It is done{where}{on}: all {number_of(row.events, 'event')} are in its output."
    return "It is not in HTCondor's queue yet: its cluster materializes it when there is room, or its block waits."


def _facts(row: JobNow, shown: Shown, seen: float) -> tuple[Fact, ...]:
    runs = row.state == JobState.RUNNING
    state = JobState(row.state)
    mbps = row.beat_bytes_sent * MBPS_PER_BYTE_S / row.beat_window_s if runs and row.beat_window_s else None
    done = row.events if row.state == JobState.DONE else row.attempt_events if runs else 0
    facts = [
        Fact(
            "state",
            "state",
            row.state,
            "state",
            tone=TONES.get(state, ""),
            link=f"{shown.path}/jobs{address_query(state=row.state)}",
        ),
        Fact("since", "since", row.since or None, "time", note="" if row.since else "nothing has happened to it yet"),
        Fact("events_done", "events done", done, note=f"of {row.events:,}"),
        Fact("attempts", "attempts", row.attempts, note="that left a record", tone="warn" if row.attempts > 1 else ""),
        Fact("starts", "starts", row.starts, note="in its newest cluster"),
        Fact("flavour", "flavour", row.flavour, "text"),
        _place(row, shown),
        Fact("worker", "worker", row.worker or None, "text", note="" if row.worker else "it never ran"),
        Fact("block", "block", row.block, link=f"{shown.path}/jobs{address_query(block=row.block)}"),
        Fact(
            "condor",
            "HTCondor's job",
            f"{row.cluster}.{row.proc}" if row.proc >= 0 else None,
            "code",
            note="cluster and proc" if row.proc >= 0 else "it has none yet",
        ),
    ]
    if row.exit_class:
        meaning = meaning_of(row.exit_class)
        link = f"{shown.path}/jobs{address_query(exit_class=row.exit_class)}"
        facts.append(Fact("exit_class", "exit class", row.exit_class, "text", note=meaning.meaning, link=link))
    if runs:
        facts += [
            Fact(
                "sent_mbps",
                "sends",
                mbps,
                "mbps",
                note="in its last minute" if mbps is not None else "not heard of yet",
            ),
            Fact(
                "share_mbps",
                "may send",
                row.share_mbps,
                "mbps",
                note="its share of the link" if row.share_mbps is not None else "it is not paced",
            ),
            Fact(
                "beat_at",
                "heard of",
                row.beat_at or None,
                "time",
                note="it may be dead" if _silent(row, seen) else "its last heartbeat",
                tone="warn" if _silent(row, seen) else "",
            ),
        ]
    # HTCondor says 0 of a job that ended before it looked.
    if row.memory_mb > 0:
        facts.append(Fact("memory_mb", "memory", row.memory_mb, "mb", note="used, as HTCondor says"))
    if row.disk_mb >= 0:
        facts.append(Fact("disk_mb", "disk", row.disk_mb, "mb", note="used, as HTCondor says"))
    return tuple(facts)


def _place(row: JobNow, shown: Shown) -> Fact:
    note = "" if row.site else "not known before it has run"
    link = f"{shown.path}/site/{row.site}" if row.site else ""
    return Fact("site", "site", row.site or None, "text", note=note, link=link)
