"""What one job printed, and the commands that tell more of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from jobs.states import JobState
from monitoring.live.log_ends import log_ends
from monitoring.panels.job import the_job
from monitoring.panels.panel import Column, Panel, Source, Table, Text

if TYPE_CHECKING:
    import sqlite3

    from monitoring.panels.shown import Shown

__all__ = ["job_commands", "job_log"]


def job_log(connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel:
    """Return the first and the last lines of a job's log.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    row = the_job(connection, shown, number)
    ends = log_ends(shown.folder, row.block, number)
    gap = (f"… {ends.left_out_bytes:,} bytes are left out here …",) if ends.left_out_bytes else ()
    if ends.note:
        lead = f"{ends.note[0].upper()}{ends.note[1:]}."
    elif ends.left_out_bytes:
        lead = f"The first {len(ends.head)} and the last {len(ends.tail)} lines of {ends.log_bytes * 1e-6:,.1f} MB."
    else:
        lead = "All of it." if ends.head else "It is empty: the job has printed nothing."
    return Panel(
        key="job-log",
        title="Its log",
        lead=lead,
        source=Source("Standard output and error of the job's newest attempt.", (str(ends.path),)),
        content=Text((*ends.head, *gap, *ends.tail)),
    )


def job_commands(connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel:
    """Return the commands that tell more of a job, or let it go on.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    row = the_job(connection, shown, number)
    block = shown.folder.block(row.block)
    condor = f"{row.cluster}.{row.proc}"
    folder = shlex.quote(str(shown.folder.root))
    wanted = []
    if row.proc >= 0 and row.state == JobState.IDLE:
        wanted.append(("why no slot takes it", f"condor_q -better-analyze {condor}"))
    if row.proc >= 0 and row.state in (JobState.IDLE, JobState.RUNNING, JobState.HELD):
        wanted.append(("everything that HTCondor knows of it", f"condor_q -long {condor}"))
    if row.proc >= 0 and row.state == JobState.RUNNING:
        wanted.append(("what it prints now", f"condor_tail -follow {condor}"))
        wanted.append(("stop it here; HTCondor starts it again", f"condor_vacate_job {condor}"))
    if row.proc >= 0 and row.state == JobState.HELD:
        wanted.append(("let it go on", f"sonicgrid release {folder} --job {number}"))
    if row.state == JobState.FAILED:
        wanted.append(("run it again, once the cause is mended", f"sonicgrid retry {folder} --job {number}"))
    if row.proc >= 0 and row.state in (JobState.DONE, JobState.FAILED):
        wanted.append(("what HTCondor remembers of it", f"condor_history -limit 1 -long {condor}"))
    wanted += [
        ("where the whole campaign stands", f"sonicgrid status {folder}"),
        ("read its log", f"less {shlex.quote(str(block.logs / f'{number}.log'))}"),
        ("read its records", f"python -m json.tool {shlex.quote(str(block.record(number, row.cluster, 0)))}"),
    ]
    return Panel(
        key="job-commands",
        title="Look further",
        lead="To be typed on the submit machine.",
        source=Source("HTCondor's own commands and sonicgrid's, with the numbers and paths of this job."),
        content=Table((Column("what", "To see"), Column("command", "Command", "code")), tuple(wanted)),
    )
