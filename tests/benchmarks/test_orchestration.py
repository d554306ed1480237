"""What the orchestration benchmark computes without a pool; speed itself is never asserted."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from measure.errors import BenchmarkFailed
from measure.inputs import EVENTS_PER_FILE, make_inputs
from measure.machine import describe_machine
from measure.memory import TreeMemory
from measure.plugin import span_of
from measure.rate import Rate
from orchestration import Results, parse_counts

from jobs.reco.read import count_entries
from tests.builders.event_log import EventLog

if TYPE_CHECKING:
    from pathlib import Path

HOLDS_MB = 120
SCRIPT = f"""
import subprocess, sys
child = "import sys; held = b'x' * {HOLDS_MB * 1_000_000}; print('held', flush=True); sys.stdin.read()"
subprocess.run([sys.executable, "-c", child])
"""


def test_counts_are_whole_files() -> None:
    """A list of counts is read as written; one that is not a whole number of input files is refused."""
    assert parse_counts("1000, 200") == [1000, 200]
    for wrong in ("150", "0", "-100"):
        with pytest.raises(argparse.ArgumentTypeError, match="multiple"):
            parse_counts(wrong)


def test_inputs_are_files_with_events(tmp_path: Path) -> None:
    """The planner can open every input, finds its events, and takes no two for copies of each other."""
    counted = [count_entries(str(path)) for path in make_inputs(tmp_path / "inputs", 2, lambda _line: None)]
    assert [entries for _, entries in counted] == [EVENTS_PER_FILE] * 2
    assert len({uuid for uuid, _ in counted}) == 2


def test_memory_of_descendants_counts(tmp_path: Path) -> None:
    """The peak is that of the whole tree, and a peak that was taken is not told again once the tree is gone."""
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=out, text=True)
    with TreeMemory(process.pid) as memory:
        while not (tmp_path / "out").read_text():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        peak = memory.take_peak()
        process.communicate()
        memory.take_peak()
        time.sleep(0.3)
        after = memory.take_peak()
    assert peak.mb > HOLDS_MB
    assert peak.processes >= 2
    assert after.mb < HOLDS_MB
    assert memory.cpu_s > 0


def test_span_is_from_first_submission_to_last_end(tmp_path: Path) -> None:
    """The plugin's time is read from its event log, and a job without an end is no result."""
    log = EventLog(tmp_path / "rules.log")
    log.submitted(1, 0, 0)
    log.submitted(2, 0, 1)
    log.terminated(1, 0, 0)
    with pytest.raises(BenchmarkFailed, match="1 of 2 jobs have an end"):
        span_of(log.path, 2)
    late = EventLog(tmp_path / "late.log")
    late.terminated(2, 0, 0)
    log.path.write_text(log.path.read_text() + late.path.read_text().replace("12:41:33", "12:43:03"))
    assert span_of(log.path, 2) == 90


def test_ratio_compares_the_same_number_of_jobs() -> None:
    """The ratio is of rates at the same count; the one at many jobs of ours is told apart from it."""
    ours = Rate("true", jobs=100, seconds=6, command_seconds=6, cpu_seconds=5, load_before=0)
    peer = Rate("plugin", jobs=100, seconds=120, command_seconds=130, cpu_seconds=200, load_before=0)
    many = replace(ours, jobs=2000, seconds=60)
    results = Results(describe_machine(), "23.9.6", 40, "PSS", None, (), (many,), ours, peer)
    assert ours.jobs_per_min == 1000
    assert results.ratio == 20
    assert results.ratio_many == 40
    assert results.cpu_ratio == 40
    assert replace(results, peer=None).ratio is None
