"""Writing appears complete or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import uproot

from jobs.errors import UsageError
from jobs.reco.event import ChannelMap, Event, Truth
from jobs.reco.read import open_events
from jobs.reco.schema import CHANNELS_BRANCHES, EVENTS_BRANCHES, Provenance, Shape
from jobs.reco.write import OutputFailed, write_events


def test_the_file_holds_the_schemas_branches_and_types(
    tmp_path: Path, event: Event, channels: ChannelMap, provenance: Provenance
) -> None:
    """Plain uproot finds every branch of the schema with its type, and the counters."""
    n = len(event.hits.channel)
    truth = Truth(np.zeros(n, np.int8), np.zeros(n, np.bool_))
    with_truth = dataclasses.replace(event, hits=dataclasses.replace(event.hits, truth=truth))

    write_events(tmp_path / "a.root", [with_truth], channels, provenance)

    with uproot.open(tmp_path / "a.root") as file:
        for tree, branches in (("events", EVENTS_BRANCHES), ("channels", CHANNELS_BRANCHES)):
            arrays = file[tree].arrays(library="ak")
            for branch in branches:
                array = arrays[branch.name] if branch.shape is Shape.SCALAR else arrays[branch.name][0]
                assert array.to_numpy().dtype == np.dtype(branch.dtype), branch.name
        assert {str(shape) for shape in Shape if shape} <= set(file["events"].keys())


def test_it_counts_what_it_wrote(tmp_path: Path, event: Event, channels: ChannelMap, provenance: Provenance) -> None:
    """The answer's events, hits and bytes are those of the file."""
    written = write_events(tmp_path / "new" / "a.root", [event] * 3, channels, provenance)

    assert (written.events, written.hits) == (3, 9)
    assert written.bytes == written.path.stat().st_size
    assert list(written.path.parent.iterdir()) == [written.path]


def test_an_existing_file_stays_without_force(
    tmp_path: Path, event: Event, channels: ChannelMap, provenance: Provenance
) -> None:
    """Without force a file is not touched, with force it is replaced."""
    path = tmp_path / "a.root"
    path.write_text("old")

    with pytest.raises(UsageError, match=r"a\.root: exists already; use --force"):
        write_events(path, [event], channels, provenance)
    assert path.read_text() == "old"

    write_events(path, [event], channels, provenance, force=True)
    with open_events(str(path)) as file:
        assert file.n_events == 1


def test_nothing_stays_behind_when_the_events_fail(
    tmp_path: Path, event: Event, channels: ChannelMap, provenance: Provenance
) -> None:
    """An error or an interruption among the events leaves the old file and no other."""
    path = tmp_path / "a.root"
    path.write_text("old")

    def events() -> Iterator[Event]:
        yield event
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_events(path, events(), channels, provenance, force=True)

    assert [found.name for found in tmp_path.iterdir()] == ["a.root"]
    assert path.read_text() == "old"


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, event: Event, channels: ChannelMap, provenance: Provenance
) -> None:
    """A path under a file, where no folder can be, gives the output's error."""
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputFailed, match=r"b\.root: cannot be written"):
        write_events(tmp_path / "file" / "b.root", [event], channels, provenance)


def test_events_with_and_without_truth_do_not_mix(
    tmp_path: Path, event: Event, channels: ChannelMap, provenance: Provenance
) -> None:
    """A file has truth for all of its events or for none."""
    n = len(event.hits.channel)
    truth = Truth(np.zeros(n, np.int8), np.zeros(n, np.bool_))
    with_truth = dataclasses.replace(event, hits=dataclasses.replace(event.hits, truth=truth))

    with pytest.raises(UsageError, match="have truth and others do not"):
        write_events(tmp_path / "a.root", [with_truth, event], channels, provenance)

    assert not list(tmp_path.iterdir())
