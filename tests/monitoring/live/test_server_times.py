"""Times in the servers are the same however long a bin is."""

from __future__ import annotations

import sqlite3

import pytest

from monitoring.live.bins import Bins
from monitoring.live.server_times import server_times
from monitoring.store.schema import SCHEMA
from tests.builders.collected import MINUTE

METRICS = {
    "nv_inference_request_success": 2.0,
    "nv_inference_queue_duration_us": 6e4,
    "nv_inference_compute_input_duration_us": 1e3,
    "nv_inference_compute_infer_duration_us": 8e3,
    "nv_inference_compute_output_duration_us": 1e3,
}
"""By how much each grows in a second."""


@pytest.fixture
def store() -> sqlite3.Connection:
    """Two hours of samples once a minute, of two servers that do the same all the time."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for server in ("a", "b"):
        for metric, growth in METRICS.items():
            series = connection.execute(
                "INSERT INTO series (source, metric, labels, kind) VALUES (?, ?, '', 'counter')", (server, metric)
            ).lastrowid
            values = [(series, MINUTE + 60 * minute, growth * 60 * minute) for minute in range(120)]
            connection.executemany("INSERT INTO samples VALUES (?, ?, ?)", values)
    return connection


@pytest.mark.parametrize("bin_s", [60, 600, 3600])
def test_even_load_gives_even_bins(store: sqlite3.Connection, bin_s: int) -> None:
    """30 ms in the queue and 5 ms in the model, in every bin but what comes after the last sample."""
    bins = Bins(bin_s, tuple(range(int(MINUTE), int(MINUTE) + 7200, bin_s)), 60)
    found = server_times(store, bins)
    known = [one for one in found if one.queue_s is not None]
    assert len(known) >= len(found) - 1
    for one in known:
        assert one.queue_s == pytest.approx(0.03)
        assert one.compute_s == pytest.approx(0.005)


def test_nothing_was_sampled() -> None:
    """Without samples nothing is known of any bin."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    found = server_times(connection, Bins(60, (int(MINUTE), int(MINUTE) + 60), 60))
    assert [(one.queue_s, one.compute_s) for one in found] == [(None, None)] * 2
