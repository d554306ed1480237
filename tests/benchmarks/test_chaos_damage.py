"""Damage is damage: what was done to a file cannot be overlooked by who reads it, and is what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from measure.chaos.damage import damage_input, tear_log
from measure.chaos.evidence import can_be_read

from jobs.errors import InputError
from jobs.reco.generate import GeneratorParameters, generate_file
from jobs.reco.read import open_events
from jobs.running.event_text import EVENT_END, read_events

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("variant", [0.2, 0.8])
def test_a_damaged_input_cannot_be_read(tmp_path: Path, variant: float) -> None:
    """Cut short or changed in the middle, the file is refused by uproot and by the payload's own reader."""
    path = tmp_path / "input.root"
    generate_file(path, 2, 1, GeneratorParameters(n_apas=1, density=0.02))
    assert can_be_read(str(path), 0, 2)
    assert damage_input(path, variant)
    assert not can_be_read(str(path), 0, 2)
    with pytest.raises(InputError), open_events(str(path)) as file:
        list(file.events(0, 2))


@pytest.mark.parametrize("variant", [0.0, 0.3, 1.0])
def test_a_torn_log_ends_in_a_piece_of_an_event(tmp_path: Path, variant: float) -> None:
    """The piece is no event, and what was there stays."""
    path = tmp_path / "events.log"
    whole = b"001 (007.000.000) 2026-11-27 04:37:47 Job executing on host: <10.0.0.7:9618>" + EVENT_END
    path.write_bytes(whole)
    tear_log(path, variant)
    torn = path.read_bytes()
    assert torn.startswith(whole)
    assert EVENT_END not in torn[len(whole) :]
    events = list(read_events(torn + whole))
    assert events[0] == events[-1] is not None
    assert events[1:-1] == [None]
