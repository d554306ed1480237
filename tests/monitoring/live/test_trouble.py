"""Failures, holds and notes say what, where and who must act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.trouble import failure_groups, hold_buckets, job_log, notes, retries_so_far
from tests.builders.campaign import START

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_failures_are_grouped_by_class_site_and_host(collected: Collected) -> None:
    """Attempts and jobs that failed alike are one line, with who must act and the newest error's first line."""
    for job in (0, 1):
        collected.run(job, START)
        collected.end(job, START + 200, exit_class="bad_input", error=f"file {job}\nmore", host="worker")
    collected.run(2, START)
    collected.log.killed(7, 2, signal=9)
    groups = {group.exit_class: group for group in failure_groups(collected.read())}
    assert (groups["bad_input"].attempts, groups["bad_input"].jobs_failed) == (2, 2)
    assert (groups["bad_input"].site, groups["bad_input"].host) == ("FNAL", "worker")
    assert groups["bad_input"].who == "owner of the data"
    assert groups["bad_input"].error in ("file 0", "file 1")
    assert (groups["killed"].attempts, groups["killed"].jobs_failed) == (0, 1)
    assert groups["killed"].error == "killed by signal 9"


def test_holds_are_counted_by_reason(collected: Collected) -> None:
    """Held jobs of the pool's policy are one bucket, with an example in HTCondor's words."""
    for job in (0, 1):
        collected.run(job, START)
        collected.log.held(7, job, f"job {job}: memory usage exceeded request_memory")
    (bucket,) = hold_buckets(collected.read())
    assert (bucket.code, bucket.jobs, bucket.sites) == (26, 2, ("FNAL",))
    assert "memory usage" in bucket.example


def test_retries_count_attempts_beyond_the_first(collected: Collected) -> None:
    """A job that succeeded the second time was retried once, and lost the first attempt's time."""
    collected.run(0, START)
    collected.end(0, START + 200, exit_class="worker")
    collected.log.submitted(8, 0, job=0)
    collected.campaign.attempt(0, cluster=8, started=START + 300)
    found = retries_so_far(collected.read())
    assert (found.jobs, found.attempts) == (1, 1)
    assert found.wall_hours_lost == 100 / 3600


def test_a_jobs_log_begins_with_what_matters(collected: Collected) -> None:
    """The first lines of a job's log are given; a job without one has none."""
    logs = collected.campaign.folder.block(0).logs
    logs.mkdir()
    (logs / "3.log").write_text("\nfirst\n\nsecond\nthird\n")
    assert job_log(collected.campaign.folder, 0, 3, most_lines=2) == ("first", "second")
    assert job_log(collected.campaign.folder, 0, 4) == ()


def test_notes_can_be_read(collected: Collected) -> None:
    """A record that does not parse is named; it stands until the file is whole, and the attempt is then counted."""
    record = collected.campaign.attempt(0)
    path = collected.campaign.folder.block(0).record(0, 7, 0)
    path.write_text(record.model_dump_json()[:100])
    (note,) = notes(collected.read())
    assert str(path) in note.text
    assert note.standing
    path.write_text(record.model_dump_json())
    connection = collected.read()
    assert not notes(connection)[0].standing
    assert connection.execute("SELECT count(*) FROM attempts").fetchone()[0] == 1
