"""Files that are not what they should be, or not there, are told apart by who can help."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jobs.reco.errors import EventsMissing, InputAway, InputError, NotRoot
from jobs.reco.event import ChannelMap, Event
from jobs.reco.read import count_entries, open_events
from jobs.reco.schema import Provenance
from jobs.reco.write import write_events
from tests.builders.xrootd_server import hurry


def _content(folder: Path, event: Event, channels: ChannelMap, provenance: Provenance) -> bytes:
    return write_events(folder / "a.root", [event], channels, provenance).path.read_bytes()


def test_a_file_cut_short_anywhere_is_refused(
    tmp_path: Path, event: Event, channels: ChannelMap, provenance: Provenance
) -> None:
    """Whatever was lost at the end, opening and counting say that the file is not whole."""
    content = _content(tmp_path, event, channels, provenance)
    cut = tmp_path / "cut.root"
    text = r"cut\.root: (truncated|an empty file|not a ROOT file)"

    for size in (0, 3, 4, 80, 350, 500, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:size])
        with (
            pytest.raises(NotRoot, match=text),
            open_events(str(cut)),
        ):
            pass
        with pytest.raises(NotRoot, match=text):
            count_entries(str(cut))


def test_damaged_bytes_never_give_a_foreign_error(
    tmp_path: Path, event: Event, channels: ChannelMap, provenance: Provenance
) -> None:
    """Random damage is noticed as an InputError, or does no harm; nothing else comes out."""
    content = _content(tmp_path, event, channels, provenance)
    rng = np.random.default_rng(3)
    path = tmp_path / "damaged.root"
    errors = []
    for place in rng.integers(4, len(content), 60):
        damaged = bytearray(content)
        damaged[place : place + 8] = rng.bytes(8)
        path.write_bytes(bytes(damaged[: len(content)]))
        try:
            with open_events(str(path)) as file:
                list(file.events())
        except InputError as error:
            errors.append(str(error))

    assert len(errors) > 5
    assert all(str(path) in error for error in errors)


def test_what_is_no_root_file_is_said_to_be_none(tmp_path: Path) -> None:
    """A text file and a folder are bad input, not input that may come back."""
    text = tmp_path / "notes.root"
    text.write_text("no ROOT in here")

    with pytest.raises(NotRoot, match=r"notes\.root: not a ROOT file"):
        count_entries(str(text))
    with pytest.raises(NotRoot, match="a folder"):
        count_entries(str(tmp_path))


def test_a_missing_file_may_come_back(tmp_path: Path) -> None:
    """A file that is not there is told apart from one that is bad: trying again may help."""
    with pytest.raises(InputAway, match=r"gone\.root: cannot be opened"), open_events(str(tmp_path / "gone.root")):
        pass


def test_a_server_that_cannot_be_reached_may_come_back() -> None:
    """A URL that cannot be opened is input that is away."""
    hurry()
    with pytest.raises(InputAway, match=r"root://127\.0\.0\.1:9//x\.root"):
        count_entries("root://127.0.0.1:9//x.root")


def test_a_genuine_art_file_is_refused_with_what_is_in_it(real_data: Path) -> None:
    """A ROOT file of LArSoft's generator stage has other trees; they are named."""
    path = str(real_data / "dune10kt_art_gen_only_1evt.root")

    with pytest.raises(EventsMissing, match=r"found instead: .*Events \(TTree\)"), open_events(path):
        pass
    with pytest.raises(EventsMissing, match=r"found instead: .*Events \(TTree\)"):
        count_entries(path)
