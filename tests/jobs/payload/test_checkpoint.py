"""A checkpoint that is damaged or of other work is not taken; one that is whole can be read by anybody."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from jobs.exits import ExitClass
from tests.builders.checkpoints import HITS, CountingPool, content_of, record_of, run_attempt
from tests.builders.payload import an_event, write_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.builders.payload import PayloadCampaign


def replace_by_folder(path: Path) -> None:
    """Put a folder there."""
    path.unlink()
    path.mkdir()


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "first line": lambda path: flip(path, 30),
    "header": lambda path: flip(path, 120),
    "events": lambda path: flip(path, -2000),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "folder": replace_by_folder,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_costs_its_events_and_no_more(
    long: PayloadCampaign,
    pool: CountingPool,
    undisturbed: tuple[list[Any], ...],
    damage: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The events before it are taken over, the others scored again, and the output holds what it must."""
    pool.trouble_after = 3
    run_attempt(long, 0)
    bad = long.root / "checkpoints" / "0000003.2-4.checkpoint"
    DAMAGES[damage](bad)
    pool.trouble_after = None
    assert run_attempt(long, 1).exit_class is ExitClass.DONE
    assert content_of(long.output) == undisturbed
    assert record_of(long, 1).events_resumed == 2
    if damage != "gone":
        assert f"note: {bad}" in capfd.readouterr().err


@pytest.mark.parametrize("other", ["input", "campaign", "plan", "model", "version", "flavour", "software"])
def test_a_checkpoint_of_other_work_is_not_taken(
    long: PayloadCampaign,
    pool: CountingPool,
    monkeypatch: pytest.MonkeyPatch,
    other: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Whatever the scores depend on must be the same; the note says what is not."""
    pool.trouble_after = 3
    run_attempt(long, 0)
    pool.trouble_after = None
    network = long.block.network
    changes: dict[str, dict[str, Any]] = {
        "campaign": {"campaign": "another"},
        "plan": {"manifest_digest": "def"},
        "model": {"network": network.model_copy(update={"name": "another"})},
        "version": {"network": network.model_copy(update={"version": "2"})},
    }
    long.change(**changes.get(other, {}))
    if other == "input":
        write_file(Path(long.block.jobs[0].input_file), (an_event(10 + number, n) for number, n in enumerate(HITS)))
    if other == "software":
        monkeypatch.setattr("jobs.payload.checkpoints.software_version", lambda: "9.9.9")
    if other == "flavour":
        long.change_job(flavour="cpu")
    assert run_attempt(long, 1).exit_class is ExitClass.DONE
    assert record_of(long, 1).events_resumed == 0
    names = {
        "input": "input_uuid",
        "plan": "manifest_digest",
        "version": "model_version",
        "software": "software_version",
    }
    assert f"is of another {names.get(other, other)}" in capfd.readouterr().err


def test_a_checkpoint_can_be_read_without_this_program(long: PayloadCampaign, pool: CountingPool) -> None:
    """A line, a line of JSON, and an npz of NumPy."""
    pool.trouble_after = 1
    run_attempt(long, 0)
    first, header, arrays = (long.root / "checkpoints" / "0000003.0-1.checkpoint").read_bytes().split(b"\n", 2)
    events = np.load(io.BytesIO(arrays))
    assert first.startswith(b"sonicgrid-checkpoint 1 ")
    assert json.loads(header)["job"] == 3
    assert events["n_hit"].tolist() == [5]
    assert events["em_trk_none"].shape == (5, 3)
