"""What the tests of events share: small events, archives and the folder of real data."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.reco.event import BadChannels, ChannelMap, Event, EventId, Hits, Wires
from jobs.reco.find_hits import find_hits
from jobs.reco.schema import Provenance

PROVENANCE = Provenance(origin="generated", detector="test", seed=1, software_version="0")

MakeArchive = Callable[..., Path]


@pytest.fixture
def provenance() -> Provenance:
    """Provenance of a test's file."""
    return PROVENANCE


@pytest.fixture
def channels() -> ChannelMap:
    """Two APAs of three planes with 4, 4 and 5 wires; numbers begin at 100 and have a gap between the APAs."""
    per_plane = (4, 4, 5)
    one = np.concatenate([np.arange(count) for count in per_plane])
    return ChannelMap(
        channel=np.concatenate([100 + np.arange(13), 200 + np.arange(13)]).astype(np.int32),
        apa=np.repeat([0, 1], 13).astype(np.int16),
        plane=np.tile(np.repeat([0, 1, 2], per_plane), 2).astype(np.int8),
        wire=np.tile(one, 2).astype(np.int32),
    )


@pytest.fixture
def event() -> Event:
    """An event on `channels` with three regions, a hit in each, and a masked stretch."""
    rng = np.random.default_rng(5)
    wires = Wires(
        channel=np.array([101, 101, 204], np.int32),
        start_tick=np.array([0, 40, 590], np.int32),
        n_ticks=np.array([20, 25, 10], np.int32),
        samples=rng.integers(1, 400, 55).astype(np.float32),
    )
    wires.samples[[10, 30, 50]] = 5000
    return Event(
        id=EventId(7, 2, 9),
        n_ticks=600,
        tick_ns=500.0,
        wires=wires,
        hits=find_hits(wires),
        bad=BadChannels(np.array([102], np.int32), np.array([3], np.int32), np.array([77], np.int32)),
    )


@pytest.fixture
def no_hits() -> Hits:
    """An event's hits where there are none."""
    whole, real = np.zeros(0, np.int32), np.zeros(0, np.float32)
    return Hits(whole, whole, whole, real, real, real, real)


@pytest.fixture
def make_archive(tmp_path: Path) -> MakeArchive:
    """Writes arrays by name as a Wire-Cell archive: a tar, or an .npz where the name ends so."""

    def make(name: str = "frames.tar.bz2", /, **arrays: NDArray[Any]) -> Path:
        path = tmp_path / name
        if name.endswith(".npz"):
            np.savez_compressed(path, **arrays)  # type: ignore[arg-type] # numpy's stub takes the names for its options
            return path
        with tarfile.open(path, "w:bz2" if name.endswith("bz2") else "w") as tar:
            for member, array in arrays.items():
                stream = io.BytesIO()
                np.save(stream, array)
                info = tarfile.TarInfo(f"{member}.npy")
                info.size = stream.tell()
                stream.seek(0)
                tar.addfile(info, stream)
        return path

    return make


@pytest.fixture
def real_data() -> Path:
    """The folder with real detector data; skips where there is none."""
    named = os.environ.get("SONICGRID_REAL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data: set SONICGRID_REAL_DATA, or put it in {folder}")
    return folder
