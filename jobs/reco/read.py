"""Reading events from ROOT, a few at a time and checked, so that what comes later never meets a bad event."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import awkward as ak
import numpy as np

# Awkward would import it with the first array, and a job reads in one thread while another imports what adds types to
# NumPy: numpy.ma walks through NumPy's types meanwhile, and fails ("dictionary changed size during iteration").
import numpy.ma

from jobs.reco.check import check_channels, check_event
from jobs.reco.errors import EntriesOutOfRange, NotRoot
from jobs.reco.event import BadChannels, ChannelMap, Event, EventId, Hits, Truth, Wires
from jobs.reco.root import events_tree, foreign_errors, open_root, peek_entries
from jobs.reco.schema import CHANNELS_BRANCHES, EVENTS_BRANCHES, PROVENANCE_KEY, Provenance, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["EventFile", "count_entries", "open_events"]

_CHUNK_BYTES = 32_000_000
"""Baskets are read together up to this many uncompressed bytes; one event of six APAs has about 10 MB."""


@contextlib.contextmanager
def open_events(path_or_url: str) -> Iterator[EventFile]:
    """Open a file of events.

    Args:
        path_or_url: a path, or a ``root://`` URL where fsspec-xrootd is installed.

    Raises:
        InputError: one of the tree in `jobs.reco.errors`; InputAway if trying again can help.

    """
    with open_root(path_or_url) as directory:
        events, channel_tree = events_tree(directory, path_or_url)
        with foreign_errors(path_or_url):
            arrays = channel_tree.arrays([branch.name for branch in CHANNELS_BRANCHES], library="np")
            uuid = str(directory.file.uuid)
        channels = ChannelMap(**{branch.name: _as(arrays[branch.name], branch.dtype) for branch in CHANNELS_BRANCHES})
        check_channels(channels, path_or_url)
        yield EventFile(path_or_url, uuid, int(events.num_entries), channels, events, directory)


def count_entries(path_or_url: str) -> tuple[str, int]:
    """Return the UUID and the number of events of a file; reads no event and no channel map.

    Raises:
        InputError: as `open_events`, except for what only shows in the arrays.

    """
    with open_root(path_or_url) as directory:
        entries = peek_entries(directory, path_or_url)
        with foreign_errors(path_or_url):
            return str(directory.file.uuid), entries


@dataclass(frozen=True, eq=False)
class EventFile:
    """An open file of events; made by `open_events`."""

    path_or_url: str
    uuid: str
    """UUID that ROOT gave the file."""
    n_events: int
    channels: ChannelMap
    _tree: Any
    _directory: Any

    def provenance(self) -> Provenance | None:
        """Return where the file came from, or None if it does not say."""
        with foreign_errors(f"{self.path_or_url}: {PROVENANCE_KEY}"):
            if PROVENANCE_KEY not in self._directory.keys(recursive=False, cycle=False):
                return None
            return Provenance.model_validate_json(str(self._directory[PROVENANCE_KEY]))

    def events(self, start: int = 0, stop: int | None = None) -> Iterator[Event]:
        """Yield the events of entries [start, stop), in order; by default all.

        Memory holds one group of baskets (32 MB, or one basket if that is larger) whatever the file's length.

        Raises:
            EntriesOutOfRange: the file has no such entries.
            EventBad: an entry contradicts itself or the channel map.
            InputAway, NotRoot: reading failed.

        """
        stop = self.n_events if stop is None else stop
        if not 0 <= start < stop <= self.n_events:
            message = (
                f"{self.path_or_url}: entries {start} to {stop} were asked for, but it has entries 0 to {self.n_events}"
                " (end exclusive); plan the campaign again if the file has changed"
            )
            raise EntriesOutOfRange(message)
        return self._read(start, stop)

    def _read(self, start: int, stop: int) -> Iterator[Event]:
        present = set(self._tree.keys(recursive=False))
        names = [branch.name for branch in EVENTS_BRANCHES if branch.name in present]
        for first, last in self._chunks(start, stop):
            where = f"{self.path_or_url}: entries {first} to {last}"
            with foreign_errors(where):
                arrays = self._tree.arrays(names, entry_start=first, entry_stop=last, library="ak")
                columns = {name: _Column(arrays[name], name) for name in names}
                lengths = {len(column) for column in columns.values()}
            if lengths != {last - first}:
                message = f"{where}: the branches have different lengths; make the file again"
                raise NotRoot(message)
            del arrays
            for row in range(last - first):
                event = _event(columns, row)
                check_event(event, self.channels, f"{self.path_or_url}: entry {first + row}")
                yield event

    def _chunks(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Cut [start, stop) at the bounds of the samples' baskets, several small baskets together."""
        with foreign_errors(self.path_or_url):
            branch = self._tree["roi_samples"]
            edges = [int(edge) for edge in branch.entry_offsets]
            # Estimated from what the tree says already: asking each basket would cost a request each on a server.
            expansion = branch.uncompressed_bytes / max(branch.compressed_bytes, 1)
            sizes = [float(size) * expansion for size in branch.member("fBasketBytes")[: len(edges) - 1]]
        first, held = start, 0.0
        for low, high, size in zip(edges, edges[1:], sizes, strict=False):
            if high <= start or low >= stop:
                continue
            if held and held + size > _CHUNK_BYTES:
                yield first, low
                first, held = low, 0.0
            held += size
        yield first, stop


class _Column:
    """One branch of a chunk, cut into entries without a copy."""

    _dtypes: ClassVar = {branch.name: np.dtype(branch.dtype) for branch in EVENTS_BRANCHES}
    _shapes: ClassVar = {branch.name: branch.shape for branch in EVENTS_BRANCHES}

    def __init__(self, array: Any, name: str) -> None:  # noqa: ANN401 - awkward has no types
        if self._shapes[name] is Shape.SCALAR:
            self._content = _as(ak.to_numpy(array), self._dtypes[name])
            self._offsets = np.arange(len(self._content) + 1)
        else:
            counts = ak.to_numpy(ak.num(array))
            self._offsets = np.concatenate([[0], np.cumsum(counts)])
            self._content = _as(ak.to_numpy(ak.flatten(array)), self._dtypes[name])

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        return self._content[self._offsets[row] : self._offsets[row + 1]]


def _as(array: NDArray[Any], dtype: np.dtype[Any] | str) -> NDArray[Any]:
    """Return the array in native byte order and in the schema's type; raises ValueError where it would not fit."""
    dtype = np.dtype(dtype)
    if array.dtype.kind not in "biuf":
        message = f"a branch holds {array.dtype} where {dtype} is expected"
        raise ValueError(message)
    with np.errstate(invalid="ignore", over="ignore"):
        changed = np.ascontiguousarray(array, dtype=dtype)
    if array.dtype.kind != dtype.kind and not np.array_equal(changed, array, equal_nan=array.dtype.kind == "f"):
        message = f"a branch holds {array.dtype} whose values do not fit {dtype}"
        raise ValueError(message)
    return changed


def _event(columns: dict[str, _Column], row: int) -> Event:
    def of(prefix: str, *fields: str) -> dict[str, NDArray[Any]]:
        return {field: columns[f"{prefix}_{field}"][row] for field in fields}

    truth = None
    if "hit_true_label" in columns and "hit_true_michel" in columns:
        truth = Truth(label=columns["hit_true_label"][row], michel=columns["hit_true_michel"][row])
    return Event(
        id=EventId(*(int(columns[name][row][0]) for name in ("run", "subrun", "event"))),
        n_ticks=int(columns["n_ticks"][row][0]),
        tick_ns=float(columns["tick_ns"][row][0]),
        wires=Wires(**of("roi", "channel", "start_tick", "n_ticks", "samples")),
        hits=Hits(
            **of("hit", "channel", "start_tick", "end_tick", "peak_tick", "rms_ticks", "peak_amplitude", "integral"),
            truth=truth,
        ),
        bad=BadChannels(**of("bad", "channel", "start_tick", "end_tick")),
    )
