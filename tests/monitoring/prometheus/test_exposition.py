"""The page of metrics is what Prometheus wants, says what the store says, and stands whatever a store is like."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from jobs.exits import ExitClass
from jobs.states import JobState
from monitoring.panels.shown import Shown
from monitoring.prometheus.exposition import ALL_METRICS, exposition, wants_openmetrics
from monitoring.prometheus.job_metrics import HOLD_REASONS
from tests.builders.watched_campaign import DONE, FAILED, HELD, IDLE, JOBS, RUNNING, WatchedCampaign

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.monitoring.prometheus.conftest import Promtool

ALLOWED_LABELS = {
    "kind",
    "campaign",
    "site",
    "flavour",
    "state",
    "exit_class",
    "link",
    "reason",
    "model",
    "version",
    "le",
}


def series(campaigns: Sequence[Shown], now: float) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the values of a page by name and labels, the campaign left out."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in parse(exposition(campaigns, now).decode()):
        for sample in family.samples:
            labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "campaign"))
            assert labels not in found.setdefault(sample.name, {}), "a series comes twice"
            found[sample.name][labels] = sample.value
    return found


def total(values: dict[tuple[tuple[str, str], ...], float], **labels: str) -> float:
    """Sum up the series that have these labels."""
    return sum(value for key, value in values.items() if labels.items() <= dict(key).items())


def test_promtool_finds_nothing_to_say(watched: WatchedCampaign, promtool: Promtool) -> None:
    """Names, types, units and help of a page with every metric pass Prometheus's own check."""
    page = exposition([watched.shown], watched.now)
    names = {family.name for family in parse(page.decode())}
    assert {metric.name.removesuffix("_total") for metric in ALL_METRICS} <= names
    assert promtool("check", "metrics", given=page) == ""


def test_openmetrics_holds_the_same(watched: WatchedCampaign) -> None:
    """The page in OpenMetrics is read by a strict parser, and has the series of the other one."""
    page = exposition([watched.shown], watched.now, openmetrics=True).decode()
    families = parse_openmetrics(page)  # type: ignore[no-untyped-call] # published without types
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }
    plain = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(exposition([watched.shown], watched.now).decode())
        for sample in family.samples
    }
    assert found == plain
    assert page.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        ("text/plain;version=0.0.4", False),
        ("", False),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept: str, wanted: bool) -> None:
    """OpenMetrics is for those who name it."""
    assert wants_openmetrics(accept) is wanted


def test_jobs_are_counted_by_state(watched: WatchedCampaign) -> None:
    """Each job of the manifest is counted once, and states that no job has are 0."""
    jobs = series([watched.shown], watched.now)["sonicgrid_jobs"]
    pending = JOBS - IDLE.stop
    expected = {
        "done": DONE,
        "failed": FAILED,
        "held": HELD,
        "running": RUNNING,
        "idle": IDLE,
        "pending": range(pending),
    }
    assert {state: total(jobs, state=state) for state in map(str, JobState)} == {
        state: len(numbers) for state, numbers in expected.items()
    }
    assert total(jobs) == JOBS
    assert jobs[("flavour", "gpu"), ("site", "CERN"), ("state", "pending")] == 0


def test_sums_are_those_of_heartbeats_and_records(watched: WatchedCampaign) -> None:
    """Counters are what all heartbeats and records say together, and each failure has its class."""
    found = series([watched.shown], watched.now)
    beats = len(DONE) + len(FAILED) + len(HELD) + len(RUNNING)
    assert total(found["sonicgrid_events_processed_total"]) == 2 * beats
    assert total(found["sonicgrid_sent_bytes_total"]) == 1_000_000 * beats
    assert total(found["sonicgrid_paced_seconds_total"]) == 2 * beats
    assert total(found["sonicgrid_wall_seconds_total"]) == 100 * (len(DONE) + len(FAILED))
    ended = found["sonicgrid_attempts_ended_total"]
    assert total(ended, exit_class="done") == len(DONE)
    assert total(ended, exit_class="bad_input") == len(FAILED)
    assert {dict(key)["exit_class"] for key in ended} == set(map(str, ExitClass))


def test_the_histogram_of_latency_is_cumulative(watched: WatchedCampaign) -> None:
    """Buckets grow to the number of requests, with the ends of the jobs' own classes."""
    found = series([watched.shown], watched.now)
    beats = len(DONE) + len(FAILED) + len(HELD) + len(RUNNING)
    buckets = found["sonicgrid_request_latency_seconds_bucket"]
    assert total(buckets, le="0.05") == 0
    assert total(buckets, le="0.1") == 2 * beats
    assert total(buckets, le="0.2") == total(buckets, le="+Inf") == 4 * beats
    assert total(found["sonicgrid_request_latency_seconds_count"]) == 4 * beats
    assert total(found["sonicgrid_request_latency_seconds_sum"]) == beats


def test_links_are_in_bytes_per_second(watched: WatchedCampaign) -> None:
    """A budget of 100 Mb/s is 12.5 MB/s, and a shared link is told from a site's own."""
    found = series([watched.shown], watched.now)
    budget, sent = found["sonicgrid_link_budget_bytes_per_second"], found["sonicgrid_link_sent_bytes_per_second"]
    assert budget[("link", "FNAL"), ("site", "FNAL")] == 12.5e6
    assert budget[("link", "esnet"), ("site", "")] == 18.75e6
    assert sent[("link", "esnet"), ("site", "")] == pytest.approx(1.05 * len(RUNNING) * 1e6 / 60)
    assert found["sonicgrid_site_room_jobs"][(("site", "CERN"),)] == 8
    assert found["sonicgrid_set_aside"] == {(("kind", "host"),): 1, (("kind", "site"),): 0}


def test_what_jobs_wait_for_is_said_in_few_words(watched: WatchedCampaign) -> None:
    """Holds and waits are by class, never in the words of a job, and add up to the jobs that wait."""
    found = series([watched.shown], watched.now)
    assert total(found["sonicgrid_held_jobs"], reason="pool policy") == len(HELD)
    assert {dict(key)["reason"] for key in found["sonicgrid_held_jobs"]} == {*HOLD_REASONS.values(), "other"}
    assert total(found["sonicgrid_waiting_jobs"]) == JOBS - IDLE.start


def test_labels_are_few(watched: WatchedCampaign) -> None:
    """No label can hold a job's number, a host or free text, and each metric has the labels that it says."""
    labels: dict[str, set[str]] = {}
    for family in parse(exposition([watched.shown], watched.now).decode()):
        for sample in family.samples:
            labels.setdefault(family.name, set()).update(sample.labels)
    for metric in ALL_METRICS:
        assert set(metric.labels) <= ALLOWED_LABELS
        assert labels[metric.name.removesuffix("_total")] - {"le"} == set(metric.labels), metric.name


def test_counters_only_grow(watched: WatchedCampaign) -> None:
    """As the campaign goes on, no counter and no bucket becomes smaller."""
    before = series([watched.shown], watched.now)
    for job in RUNNING:
        watched.beat(job, watched.now + job, window_s=7.0)
    watched.fail(RUNNING.start, watched.now + 100)
    watched.collect()
    after = series([watched.shown], watched.now + 100)
    growing = [name for name in before if name.endswith(("_total", "_bucket", "_count", "_sum"))]
    assert growing
    for name in growing:
        assert all(after[name][labels] >= value for labels, value in before[name].items()), name
    ended = "sonicgrid_attempts_ended_total"
    assert total(after[ended], exit_class="worker") == total(before[ended], exit_class="worker") + 1


def test_a_store_that_is_no_store_is_said_and_the_rest_goes_on(watched: WatchedCampaign, tmp_path: Path) -> None:
    """Of campaigns without a store, with a damaged one or with JSON in it that is none, only that is said."""
    damaged, odd = tmp_path / "damaged.sqlite", tmp_path / "odd.sqlite"
    damaged.write_bytes(b"no database" * 1000)
    with contextlib.closing(sqlite3.connect(watched.store)) as connection:
        connection.execute("VACUUM INTO ?", (str(odd),))
    with contextlib.closing(sqlite3.connect(odd)) as connection, connection:
        connection.execute("UPDATE latest SET json = '[1' WHERE name = 'grid'")
    others = [
        Shown(name, watched.campaign.folder, tmp_path / f"{name}.sqlite") for name in ("missing", "damaged", "odd")
    ]
    page = exposition([*others, watched.shown], watched.now).decode()
    for other in others:
        lines = [line for line in page.splitlines() if f'campaign="{other.name}"' in line]
        assert lines == [f'sonicgrid_campaign_readable{{campaign="{other.name}"}} 0.0']
    alone = exposition([watched.shown], watched.now).decode()
    assert set(alone.splitlines()) < set(page.splitlines())


def test_a_collector_that_does_not_write_is_down(watched: WatchedCampaign) -> None:
    """Up is who wrote within a minute; when that was is said all the same."""
    watched.collect(at=watched.now - 90)
    found = series([watched.shown], watched.now)
    assert found["sonicgrid_collector_up"][()] == 0
    assert found["sonicgrid_last_heard_timestamp_seconds"][()] == pytest.approx(watched.now - 90)
    with contextlib.closing(sqlite3.connect(watched.store)) as connection, connection:
        connection.execute("DELETE FROM latest WHERE name = 'collector'")
    assert series([watched.shown], watched.now)["sonicgrid_collector_up"][()] == 0


def test_names_are_escaped(watched: WatchedCampaign, promtool: Promtool) -> None:
    """A campaign may have any name that a folder can have."""
    name = 'odd "name"\\ with\nlines'
    page = exposition([Shown(name, watched.campaign.folder, watched.store)], watched.now)
    assert promtool("check", "metrics", given=page) == ""
    assert {s.labels["campaign"] for f in parse(page.decode()) for s in f.samples if "campaign" in s.labels} == {name}


def test_a_dashboard_without_campaigns_has_a_page(promtool: Promtool) -> None:
    """It says which SonicGrid answers."""
    page = exposition([], 0.0)
    assert page.count(b"\n") == 3
    assert promtool("check", "metrics", given=page) == ""
