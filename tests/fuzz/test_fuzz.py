"""Readers of bytes hold what they promise: on every input that was ever of interest, and on new ones for a minute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sonic import view_message
from tests.fuzz.mutate_json import mutate_json
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
CHECKOUT = Path(__file__).parents[2]
SECONDS = {"view-message": 14, "record": 12, "event-log": 14}
OTHERS_SECONDS = 5


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_input_of_the_corpus_is_taken_or_refused(name: str, tmp_path: Path) -> None:
    """What was once found, or is plainly right, stays handled."""
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    run = TARGETS[name].make(tmp_path)
    for path in inputs:
        run(path.read_bytes())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_new_inputs_find_nothing(name: str, tmp_path: Path) -> None:
    """The fuzzer runs for some seconds and ends without a finding."""
    seconds = SECONDS.get(name, OTHERS_SECONDS)
    command = [sys.executable, "-m", "tests.fuzz.fuzz", name, f"--seconds={seconds}", f"--corpus={tmp_path}"]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=seconds + 120)
    found = [path.read_bytes() for path in tmp_path.glob("found-*")]
    assert (ran.returncode, found) == (0, []), ran.stderr[-4000:]
    (units,) = (line for line in ran.stderr.splitlines() if line.startswith("stat::number_of_executed_units"))
    assert int(units.split()[-1]) > 100, "so few inputs are no fuzzing"


def test_a_reader_with_a_fault_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A reader that lets another error out, or takes what is not so, makes its target fail."""
    message = (CORPUS / "view-message" / "whole").read_bytes()
    right = view_message._positions
    monkeypatch.setattr(view_message, "_positions", lambda planes: right(planes) // 2)
    with pytest.raises(AssertionError):
        TARGETS["view-message"].make(tmp_path)(message)
    monkeypatch.setattr("jobs.running.clusters.read_clusters", lambda folder: [])
    with pytest.raises(AssertionError, match="spoils the next one"):
        TARGETS["clusters"].make(tmp_path)(b"")


def test_json_stays_json_and_changes() -> None:
    """The mutator's outputs are JSON, and hardly ever the document itself."""
    document = (CORPUS / "record" / "record-0").read_bytes()
    outputs = [mutate_json(document, seed) for seed in range(200)]
    assert all(output is not None and mutate_json(output, 1) is not None for output in outputs)
    assert len(set(outputs)) > 100
    assert mutate_json(b"{", 1) is None
