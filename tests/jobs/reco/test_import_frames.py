"""Frames become files of our schema that keep what the frame says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.errors import UsageError
from jobs.reco.archive import read_archive
from jobs.reco.errors import FrameBad
from jobs.reco.event import Event
from jobs.reco.import_frames import import_archive, output_name
from jobs.reco.planes import Layout
from jobs.reco.read import open_events
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views

MakeArchive = Callable[..., Path]

LAYOUT = Layout("custom", (2, 2))
CHANNELS = np.array([40, 12, 11, 41])


def _frame(n_ticks: int = 50) -> NDArray[np.float32]:
    frame = np.zeros((4, n_ticks), np.float32)
    frame[0, 10:14] = [100, 900, 800, 100]
    frame[1, n_ticks - 3 :] = [600, 700, 100]
    frame[2, 0] = 501
    return frame


def _arrays(tag: str = "gauss", number: int = 7, n_ticks: int = 50) -> dict[str, NDArray[Any]]:
    return {
        f"frame_{tag}_{number}": _frame(n_ticks),
        f"channels_{tag}_{number}": CHANNELS,
        f"tickinfo_{tag}_{number}": np.array([0.0, 512.0, 0.0]),
    }


def _events(path: Path) -> list[Event]:
    with open_events(str(path)) as file:
        return list(file.events())


@pytest.mark.parametrize("n_ticks", [50, 49, 53])
def test_channels_ticks_and_samples_are_kept(n_ticks: int, make_archive: MakeArchive, tmp_path: Path) -> None:
    """Channel numbers in any order, the tick's length and any readout length come out as they went in."""
    import_archive(make_archive(**_arrays(n_ticks=n_ticks)), tmp_path / "a.root", layout=LAYOUT)

    (event,) = _events(tmp_path / "a.root")
    assert (event.id.event, event.n_ticks, event.tick_ns) == (7, n_ticks, 512.0)
    assert event.wires.channel.tolist() == [11, 12, 40]
    assert event.wires.start_tick.tolist() == [0, n_ticks - 3, 10]
    assert event.wires.samples.tolist() == [501, 600, 700, 100, 100, 900, 800, 100]
    assert event.hits.channel.tolist() == [11, 12, 40]
    assert event.hits.truth is None


def test_masks_are_kept_and_those_of_other_channels_counted(make_archive: MakeArchive, tmp_path: Path) -> None:
    """Masks of all names are taken, cut to the readout; those of channels that the frame lacks are only counted."""
    masks = {
        "chanmask_bad_7": np.array([[12, -5, 20], [41, 30, 900], [999, 0, 50]], np.int32),
        "chanmask_noisy_7": np.array([[12, -5, 20], [11, 60, 70]], np.int32),
        "chanmask_bad_8": np.array([[40, 0, 50]], np.int32),
        "chanmask_none_7": np.zeros((0, 3), np.int32),
    }

    imported = import_archive(make_archive(**_arrays(), **masks), tmp_path / "a.root", layout=LAYOUT)

    (event,) = _events(tmp_path / "a.root")
    rows = zip(event.bad.channel.tolist(), event.bad.start_tick.tolist(), event.bad.end_tick.tolist(), strict=True)
    assert list(rows) == [(12, 0, 20), (41, 30, 50)]
    assert (imported.bad_stretches, imported.foreign_masks) == (2, 1)


def test_ticks_of_masks_are_counted_from_the_frames_first(make_archive: MakeArchive, tmp_path: Path) -> None:
    """Where a frame begins at a later tick, masks are moved with it."""
    arrays = _arrays() | {"tickinfo_gauss_7": np.array([0.0, 500.0, 100.0])}
    mask = np.array([[12, 110, 120]], np.int32)

    import_archive(make_archive(**arrays, chanmask_bad_7=mask), tmp_path / "a.root", layout=LAYOUT)

    (event,) = _events(tmp_path / "a.root")
    assert (event.bad.start_tick.tolist(), event.bad.end_tick.tolist()) == ([10], [20])


def test_missing_channels_are_masked(make_archive: MakeArchive, tmp_path: Path) -> None:
    """A channel that the map needs and the frame lacks is bad for the whole readout."""
    arrays = {
        "frame_gauss_7": _frame()[:3],
        "channels_gauss_7": np.array([4, 5, 7]),
        "tickinfo_gauss_7": np.array([0.0, 500.0]),
    }

    import_archive(make_archive(**arrays), tmp_path / "a.root", layout=LAYOUT)

    (event,) = _events(tmp_path / "a.root")
    assert (event.bad.channel.tolist(), event.bad.end_tick.tolist()) == ([6], [50])


def test_every_number_of_an_archive_is_an_event(make_archive: MakeArchive, tmp_path: Path) -> None:
    """Several frames of one tag become several entries, in the order of their numbers."""
    path = make_archive(**_arrays(number=12), **_arrays(number=3))

    imported = import_archive(path, tmp_path / "a.root", layout=LAYOUT)

    assert [event.id.event for event in _events(tmp_path / "a.root")] == [3, 12]
    assert imported.written.events == 2


def test_the_frame_of_deconvolved_charge_is_preferred(make_archive: MakeArchive, tmp_path: Path) -> None:
    """Of several tags the one that begins with gauss is taken, unless another is asked for."""
    path = make_archive(**_arrays("gauss0"), **_arrays("wiener0", 7))

    assert import_archive(path, tmp_path / "a.root", layout=LAYOUT).tag == "gauss0"
    assert import_archive(path, tmp_path / "b.root", layout=LAYOUT, tag="wiener0").tag == "wiener0"
    with pytest.raises(UsageError, match="no frame with tag 'raw'; choose --tag from gauss0, wiener0"):
        import_archive(path, tmp_path / "c.root", layout=LAYOUT, tag="raw")


def test_an_unclear_tag_is_asked_for(make_archive: MakeArchive, tmp_path: Path) -> None:
    """Where no tag is the obvious one, the choice is the user's."""
    path = make_archive(**_arrays("decon"), **_arrays("wiener"))

    with pytest.raises(UsageError, match="several tags; choose --tag from decon, wiener"):
        import_archive(path, tmp_path / "a.root", layout=LAYOUT)


def test_planes_that_cannot_be_told_are_asked_for(make_archive: MakeArchive, tmp_path: Path) -> None:
    """A frame of no known detector needs its planes."""
    with pytest.raises(UsageError, match="cannot tell the planes of 4 channels; give --detector"):
        import_archive(make_archive(**_arrays()), tmp_path / "a.root")


BAD_ARCHIVES: dict[str, tuple[dict[str, Any], str]] = {
    "no channels": ({"channels_gauss_7": None}, "channels_gauss_7: is missing"),
    "too few channels": (
        {"channels_gauss_7": np.arange(3)},
        r"has shape \(3,\), but the frame has 4",
    ),
    "a channel twice": ({"channels_gauss_7": np.array([1, 2, 2, 3])}, "channel 2 is there twice"),
    "channels below zero": ({"channels_gauss_7": np.array([-1, 2, 5, 3])}, "no channel numbers"),
    "fractions of channels": ({"channels_gauss_7": np.array([0.5, 2, 5, 3])}, "no channel numbers"),
    "no tick length": ({"tickinfo_gauss_7": None}, "tickinfo_gauss_7: missing"),
    "a tick of no length": ({"tickinfo_gauss_7": np.zeros(3)}, "tickinfo_gauss_7: .*without a tick length"),
    "raw waveforms": ({"frame_gauss_7": np.ones((4, 50))}, "this looks like raw waveforms"),
    "a mask of another shape": ({"chanmask_bad_7": np.ones((4, 2))}, r"chanmask_bad_7: has shape \(4, 2\)"),
    "a number too large": ({"frame_gauss_7": None, **_arrays(number=9_999_999_999)}, "too large for an event number"),
    "other channels in another event": (
        _arrays(number=8) | {"channels_gauss_8": np.arange(4)},
        "have different channels",
    ),
}


@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_bad_archives_get_one_clear_error_and_no_file(case: str, make_archive: MakeArchive, tmp_path: Path) -> None:
    """What contradicts itself is refused with its name, and nothing is written."""
    changes, text = BAD_ARCHIVES[case]
    arrays = {name: array for name, array in {**_arrays(), **changes}.items() if array is not None}
    path = make_archive(**arrays)

    with pytest.raises(FrameBad, match=text) as caught:
        import_archive(path, tmp_path / "out" / "a.root", layout=LAYOUT)

    assert str(path) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_existing_file_is_kept(make_archive: MakeArchive, tmp_path: Path) -> None:
    """Without force an existing output is refused before any work."""
    (tmp_path / "a.root").write_text("old")

    with pytest.raises(UsageError, match=r"a\.root: exists already; use --force"):
        import_archive(tmp_path / "not even there.tar", tmp_path / "a.root")


@pytest.mark.parametrize(("archive", "name"), [("x.tar.bz2", "x.root"), ("a.b.NPZ", "a.b.root"), ("c", "c.root")])
def test_outputs_are_named_after_the_archive(archive: str, name: str) -> None:
    """The archive's suffix gives way to .root."""
    assert output_name(Path("folder") / archive) == name


def test_the_simulated_protodune_sp_frame(real_data: Path, tmp_path: Path) -> None:
    """One APA: every region, every sample, and the 13,660 peaks above 500 electrons per tick."""
    path = real_data / "pdsp_sim_apa0_evt100.tar.bz2"

    imported = import_archive(path, tmp_path / "a.root")

    frame = read_archive(path).frames["orig", 100]
    (event,) = _events(tmp_path / "a.root")
    assert (imported.detector, imported.rois, imported.written.hits) == ("protodune-sp", 18_267, 13_660)
    assert (event.n_ticks, event.tick_ns, event.id.event) == (6000, 500.0, 100)
    np.testing.assert_array_equal(event.wires.samples, frame.samples)
    assert event.wires.samples.max() == 47_861
    with open_events(str(tmp_path / "a.root")) as file:
        views = build_views(event, file.channels, DEFAULT_ADC_PER_ELECTRON).views
    assert [view.pixels.shape for view in views] == [(800, 1000), (800, 1000), (960, 1000)]


def test_the_real_protodune_vd_frame(real_data: Path, tmp_path: Path) -> None:
    """One anode of real data: 6,400 ticks, planes apart in numbers, its bad channels and not those of other anodes."""
    imported = import_archive(real_data / "pdvd_data_anode0.tar.bz2", tmp_path / "a.root")

    (event,) = _events(tmp_path / "a.root")
    assert (imported.detector, imported.tag, imported.channels) == ("protodune-vd", "gauss0", 1536)
    assert (event.n_ticks, event.id.event) == (6400, 339_850)
    assert imported.bad_stretches + imported.foreign_masks == 250
    assert imported.bad_stretches == len(event.bad.channel) > 0
    with open_events(str(tmp_path / "a.root")) as file:
        channels = file.channels
        views = build_views(event, channels, DEFAULT_ADC_PER_ELECTRON).views
    assert channels.channel[channels.plane == 2][0] == 1904
    assert [view.pixels.shape for view in views] == [(476, 1067), (476, 1067), (584, 1067)]
