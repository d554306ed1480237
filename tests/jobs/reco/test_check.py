"""Whatever is wrong with an event or a channel map gets one clear error that names the place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from jobs.reco.errors import EventBad, EventsMissing, HitsMissing, InputAway, InputError, NotRoot, WiresMissing
from jobs.reco.read import count_entries, open_events
from jobs.reco.schema import CHANNELS_BRANCHES, EVENTS_BRANCHES

Columns = dict[str, Any]
Change = Callable[[Columns, Columns], None]


def _raw_file(path: Path, change: Change) -> Path:
    """A file with one event, whose branches are changed before it is written: what `write_events` would not write."""
    ints = {"roi_channel": [0, 1], "roi_start_tick": [10, 20], "roi_n_ticks": [3, 2]}
    ints |= {"hit_channel": [0], "hit_start_tick": [10], "hit_end_tick": [13]}
    ints |= {"bad_channel": [1], "bad_start_tick": [0], "bad_end_tick": [5]}
    reals = {"roi_samples": [1, 2, 3, 4, 5], "hit_peak_tick": [11], "hit_rms_ticks": [1]}
    reals |= {"hit_peak_amplitude": [3], "hit_integral": [6]}
    events: Columns = {name: np.array([1], np.int32) for name in ("run", "subrun", "event")}
    events |= {"n_ticks": np.array([600], np.int32), "tick_ns": np.array([500.0])}
    events |= {name: np.array([value], np.int32) for name, value in ints.items()}
    events |= {name: np.array([value], np.float32) for name, value in reals.items()}
    channels: Columns = {"channel": np.arange(2, dtype=np.int32), "apa": np.zeros(2, np.int16)}
    channels |= {"plane": np.zeros(2, np.int8), "wire": np.arange(2, dtype=np.int32)}
    change(events, channels)
    with uproot.recreate(path) as file:
        for name, columns in (("events", events), ("channels", channels)):
            if columns:
                jagged = {key: _jagged(array) if array.ndim == 2 else array for key, array in columns.items()}
                file.mktree(name, jagged)
    return path


def _jagged(array: Any) -> Any:  # noqa: ANN401 - awkward has no types
    return ak.from_regular(ak.Array(array))


def _set(name: str, value: object, *, place: int = 0) -> Change:
    def change(events: Columns, channels: Columns) -> None:
        holder = channels if name in channels else events
        array = holder[name].reshape(-1)
        array[place] = value

    return change


def _both(*changes: Change) -> Change:
    def change(events: Columns, channels: Columns) -> None:
        for one in changes:
            one(events, channels)

    return change


def _drop(*names: str) -> Change:
    def change(events: Columns, channels: Columns) -> None:
        for name in names:
            (channels if name in channels else events).pop(name)

    return change


def _shorten(name: str) -> Change:
    def change(events: Columns, _: Columns) -> None:
        events[name] = events[name][:, :-1]

    return change


def _clear(which: int) -> Change:
    return lambda events, channels: (events, channels)[which].clear()


def _retype(name: str, dtype: str) -> Change:
    def change(events: Columns, _: Columns) -> None:
        events[name] = events[name].astype(dtype) + np.array(0.5, dtype)

    return change


BAD_CONTENT: dict[str, tuple[Change, type[InputError], str]] = {
    "no events tree": (_clear(0), EventsMissing, "no tree 'events'.*found instead: channels"),
    "no channels tree": (_clear(1), EventsMissing, "no tree 'channels'"),
    "no wires": (_drop("roi_channel", "roi_samples"), WiresMissing, "no roi_channel, roi_samples"),
    "no hits": (_drop("hit_peak_tick"), HitsMissing, "no hit_peak_tick"),
    "no tick length": (_drop("tick_ns"), EventsMissing, "no tick_ns"),
    "NaN": (
        _set("roi_samples", np.nan, place=3),
        EventBad,
        "entry 0: channel 1: sample nan in the region from tick 2",
    ),
    "infinity": (_set("roi_samples", np.inf), EventBad, "entry 0: channel 0: sample inf"),
    "region before the readout": (_set("roi_start_tick", -1), EventBad, "channel 0: region of interest outside"),
    "region after the readout": (_set("roi_start_tick", 599, place=1), EventBad, "channel 1: .*readout of 600 ticks"),
    "region of no tick": (_set("roi_n_ticks", 0), EventBad, "channel 0: region"),
    "region on an unknown channel": (_set("roi_channel", 9, place=1), EventBad, "channel 9: not in the file's channel"),
    "regions not sorted": (
        _both(_set("roi_channel", 1), _set("roi_channel", 0, place=1)),
        EventBad,
        "channel 0: regions of interest are not sorted by channel",
    ),
    "regions overlap": (
        _both(_set("roi_channel", 1), _set("roi_start_tick", 19)),
        EventBad,
        "channel 1: regions of interest overlap",
    ),
    "too few samples": (_shorten("roi_samples"), EventBad, "regions have 5 ticks, but there are 4 samples"),
    "fields of other lengths": (_shorten("roi_start_tick"), EventBad, "regions of interest have different lengths"),
    "hit on an unknown channel": (_set("hit_channel", 5), EventBad, "channel 5: hit on a channel that is not"),
    "hit after the readout": (_set("hit_peak_tick", 600), EventBad, "channel 0: hit outside of the readout"),
    "hit of no length": (_set("hit_end_tick", 10), EventBad, "channel 0: hit outside"),
    "hit that is no number": (_set("hit_integral", np.nan), EventBad, "channel 0: hit with a value"),
    "mask of an unknown channel": (_set("bad_channel", 7), EventBad, "channel 7: masked, but not in"),
    "mask outside": (_set("bad_end_tick", 601), EventBad, "channel 1: masked outside"),
    "no ticks": (_set("n_ticks", 0), EventBad, "a readout of 0 ticks"),
    "too many ticks": (_set("n_ticks", 2_000_000_000), EventBad, "a readout of 2000000000 ticks"),
    "no length of a tick": (_set("tick_ns", np.nan), EventBad, "ticks of nan ns"),
    "a channel twice": (_set("channel", 0, place=1), EventBad, "channel 0 is in the channel map twice"),
    "wires not counted": (_set("wire", 3, place=1), EventBad, "channel map is not ordered"),
    "fractions for whole numbers": (
        _retype("roi_channel", "float64"),
        NotRoot,
        "float64 whose values do not fit int32",
    ),
}


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_bad_content_gets_one_clear_error(case: str, tmp_path: Path) -> None:
    """Whatever is wrong with the trees, the error names the file, the place and the trouble."""
    change, kind, text = BAD_CONTENT[case]
    path = _raw_file(tmp_path / "bad.root", change)

    with pytest.raises(InputError, match=text) as caught, open_events(str(path)) as file:
        list(file.events())

    assert type(caught.value) is kind
    assert not isinstance(caught.value, InputAway)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("case", ["no events tree", "no channels tree", "no wires", "no hits", "no tick length"])
def test_counting_sees_what_is_missing(case: str, tmp_path: Path) -> None:
    """The quick count gives the same errors for trees and branches that are not there."""
    change, kind, text = BAD_CONTENT[case]

    with pytest.raises(kind, match=text):
        count_entries(str(_raw_file(tmp_path / "bad.root", change)))


def test_an_unchanged_raw_file_is_good(tmp_path: Path) -> None:
    """The file that the bad ones are made from can be read: it is the change that is found."""
    path = _raw_file(tmp_path / "good.root", lambda _events, _channels: None)

    with open_events(str(path)) as file:
        assert len(list(file.events())) == 1


def test_every_branch_of_the_schema_is_needed_or_optional() -> None:
    """Only truth may be missing, so that a file of other wires and hits cannot pass for one of ours."""
    assert {branch.name for branch in (*EVENTS_BRANCHES, *CHANNELS_BRANCHES) if branch.optional} == {
        "hit_true_label",
        "hit_true_michel",
    }
