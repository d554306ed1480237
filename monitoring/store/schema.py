"""The tables of a store, as data: docs/reference/dashboard-store.md says what they hold and where it is from."""

from __future__ import annotations

from sonic.scores import LATENCY_BOUNDS_S

__all__ = [
    "APPLICATION_ID",
    "BIN_S",
    "ENDED_COLUMNS",
    "FINE_BIN_S",
    "JOB_COLUMNS",
    "KEEP_FINE_S",
    "LATENCY_COLUMNS",
    "LIVE_COLUMNS",
    "SCHEMA",
    "TOTAL_BIN_S",
    "VERSION",
]

APPLICATION_ID = 0x534F4E47
"""Says in the file's header that it is ours."""

VERSION = 3
"""One more with every change of the tables: a store of another version is set aside, and made again."""

BIN_S = 60
"""Width of the bins that are kept for good, seconds."""

FINE_BIN_S = 10
"""Width of the bins that are kept for KEEP_FINE_S."""

KEEP_FINE_S = 86400

TOTAL_BIN_S = 0
"""Stands for the one bin that the whole campaign is in: sums that need no minute of it to be read."""

LATENCY_COLUMNS = tuple(f"latency_{number}" for number in range(len(LATENCY_BOUNDS_S) + 1))
"""Requests by latency, as `sonic.scores.LATENCY_COUNTS` says."""

LIVE_COLUMNS = (
    "window_s",
    "events",
    "hits",
    "hits_on_cpu",
    "bytes_sent",
    "requests",
    "retries",
    "paced_s",
    "latency_s",
    "prepare_s",
    "inference_s",
    "write_s",
    *LATENCY_COLUMNS,
)
"""Sums over heartbeats, each spread evenly over the stretch of time that it covers."""

ENDED_COLUMNS = (
    "attempts_done",
    "attempts_failed",
    "events_done",
    "hits_done",
    "bytes_sent_done",
    "bytes_received_done",
    "wall_s",
    "cpu_s",
)
"""Sums over records, each counted when its attempt ended. Those with `done` are of attempts that succeeded."""

_JOB_TYPES = {
    "job": "INTEGER PRIMARY KEY",
    "block": "INTEGER NOT NULL",
    "events": "INTEGER NOT NULL",
    "state": "TEXT NOT NULL",
    "flavour": "TEXT NOT NULL",
    "site": "TEXT NOT NULL",
    "worker": "TEXT NOT NULL",
    "since": "REAL NOT NULL",
    "log_state": "TEXT NOT NULL",
    "cluster": "INTEGER NOT NULL",
    "proc": "INTEGER NOT NULL",
    "starts": "INTEGER NOT NULL",
    "exit_code": "INTEGER NOT NULL",
    "host": "TEXT NOT NULL",
    "log_since": "REAL NOT NULL",
    "reason": "TEXT NOT NULL",
    "hold_code": "INTEGER NOT NULL",
    "hold_subcode": "INTEGER NOT NULL",
    "began": "REAL NOT NULL",
    "memory_mb": "REAL NOT NULL",
    "disk_mb": "REAL NOT NULL",
    "outcome": "TEXT NOT NULL",
    "outcome_at": "REAL NOT NULL",
    "attempts": "INTEGER NOT NULL",
    "record_class": "TEXT NOT NULL",
    "record_started": "REAL NOT NULL",
    "exit_class": "TEXT NOT NULL",
    "error": "TEXT NOT NULL",
    "beat_at": "REAL NOT NULL",
    "beat_attempt": "INTEGER NOT NULL",
    "beat_window_s": "REAL NOT NULL",
    "beat_bytes_sent": "INTEGER NOT NULL",
    "beat_paced_s": "REAL NOT NULL",
    "beat_inference_s": "REAL NOT NULL",
    "attempt_events": "INTEGER NOT NULL",
    "attempt_bytes_sent": "INTEGER NOT NULL",
    "share_mbps": "REAL",
}

JOB_COLUMNS = tuple(_JOB_TYPES)


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} REAL NOT NULL DEFAULT 0" for name in names)


SCHEMA = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE logs (
    name TEXT PRIMARY KEY, inode INTEGER NOT NULL, offset INTEGER NOT NULL, head BLOB NOT NULL, tail BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE blocks (
    block INTEGER PRIMARY KEY, jobs INTEGER NOT NULL, events INTEGER NOT NULL,
    records_seen INTEGER NOT NULL DEFAULT 0, outcome_seen INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE jobs ({", ".join(f"{name} {kind}" for name, kind in _JOB_TYPES.items())});
CREATE INDEX jobs_listed ON jobs (
    state, site, flavour, block, events, exit_class, worker, since, starts, beat_at, beat_window_s, beat_bytes_sent
);
CREATE INDEX jobs_by_since ON jobs (state, since);
CREATE INDEX jobs_by_block ON jobs (block, state);
CREATE INDEX jobs_by_proc ON jobs (cluster, proc);

CREATE TABLE attempts (
    job INTEGER NOT NULL, cluster INTEGER NOT NULL, attempt INTEGER NOT NULL, block INTEGER NOT NULL,
    flavour TEXT NOT NULL, site TEXT NOT NULL, host TEXT NOT NULL, cpu_model TEXT NOT NULL, endpoint TEXT NOT NULL,
    model TEXT NOT NULL, software_version TEXT NOT NULL, exit_class TEXT NOT NULL, error TEXT NOT NULL,
    input_file TEXT NOT NULL, entry_start INTEGER NOT NULL, entry_stop INTEGER NOT NULL,
    started REAL NOT NULL, ended REAL NOT NULL, ended_at REAL NOT NULL, cpu_s REAL NOT NULL, max_rss_mb REAL NOT NULL,
    startup_s REAL NOT NULL, read_s REAL NOT NULL, prepare_s REAL NOT NULL, inference_s REAL NOT NULL,
    write_s REAL NOT NULL, events INTEGER NOT NULL, hits INTEGER NOT NULL, hits_on_cpu INTEGER NOT NULL,
    events_resumed INTEGER NOT NULL, hits_resumed INTEGER NOT NULL,
    bytes_sent INTEGER NOT NULL, bytes_received INTEGER NOT NULL, requests INTEGER NOT NULL, retries INTEGER NOT NULL,
    paced_s REAL NOT NULL, latency_s REAL NOT NULL, share_mbps REAL NOT NULL, output_bytes INTEGER NOT NULL,
    latency_counts TEXT NOT NULL,
    PRIMARY KEY (job, cluster, attempt)
) WITHOUT ROWID;
CREATE INDEX attempts_by_block ON attempts (block);
CREATE INDEX attempts_by_end ON attempts (exit_class, ended_at);
CREATE INDEX attempts_failed ON attempts (exit_class, site, host) WHERE exit_class != 'done';

CREATE TABLE rollups (
    bin_s INTEGER NOT NULL, at INTEGER NOT NULL, site TEXT NOT NULL, flavour TEXT NOT NULL,
    {_columns(LIVE_COLUMNS)}, {_columns(ENDED_COLUMNS)},
    PRIMARY KEY (bin_s, at, site, flavour)
) WITHOUT ROWID;

CREATE TABLE changes (
    bin_s INTEGER NOT NULL, at INTEGER NOT NULL, site TEXT NOT NULL, flavour TEXT NOT NULL, state TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (bin_s, at, site, flavour, state)
) WITHOUT ROWID;

CREATE TABLE block_changes (
    block INTEGER NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, jobs INTEGER NOT NULL,
    PRIMARY KEY (block, at, state)
) WITHOUT ROWID;

CREATE TABLE decisions (
    at REAL NOT NULL, site TEXT NOT NULL, budget_mbps REAL NOT NULL, mbps_per_job REAL NOT NULL, origin TEXT NOT NULL,
    admitted INTEGER NOT NULL, binds TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE INDEX decisions_by_site ON decisions (site, at);

CREATE TABLE edits (
    at REAL NOT NULL, who TEXT NOT NULL, file TEXT NOT NULL, key TEXT NOT NULL, before TEXT NOT NULL,
    after TEXT NOT NULL
);

CREATE TABLE latest (name TEXT PRIMARY KEY, at REAL NOT NULL, json TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE series (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, metric TEXT NOT NULL, labels TEXT NOT NULL, kind TEXT NOT NULL,
    UNIQUE (source, metric, labels)
);
CREATE TABLE samples (
    series INTEGER NOT NULL, at REAL NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, at)
) WITHOUT ROWID;

CREATE TABLE clocks (host TEXT PRIMARY KEY, ahead_s REAL NOT NULL, at REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE notes (
    source TEXT NOT NULL, text TEXT NOT NULL, first_at REAL NOT NULL, last_at REAL NOT NULL, times INTEGER NOT NULL,
    standing INTEGER NOT NULL,
    PRIMARY KEY (source, text)
) WITHOUT ROWID;
"""
