"""Generated events are repeatable, sound, and like the real thing where it matters."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from jobs.reco.archive import read_archive
from jobs.reco.check import check_channels, check_event
from jobs.reco.event import Event, EventId, Wires
from jobs.reco.find_hits import find_hits
from jobs.reco.generate import GeneratorParameters, generate_event, generate_file
from jobs.reco.geometry import channel_map
from jobs.reco.read import open_events

ONE_APA = GeneratorParameters(n_apas=1)
NOTHING = GeneratorParameters(
    muons_per_apa=0, showers_per_apa=0, interactions_per_apa=0, blips_per_apa=0, noise_pulses_per_apa=0
)


@pytest.fixture(scope="module")
def full_events() -> list[Event]:
    """Some events of six APAs at the default density."""
    return [generate_event(21, EventId(1, 0, number), GeneratorParameters()) for number in range(8)]


def _arrays(event: Event) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    assert event.hits.truth is not None
    return [
        getattr(holder, field.name)
        for holder in (event.wires, event.hits, event.hits.truth)
        for field in dataclasses.fields(holder)
        if field.name != "truth"
    ]


def test_the_same_seed_gives_the_same_arrays() -> None:
    """An event depends on seed and identity alone, not on what was generated before."""
    first = generate_event(5, EventId(1, 2, 3), ONE_APA)
    generate_event(5, EventId(1, 2, 4), ONE_APA)
    second = generate_event(5, EventId(1, 2, 3), ONE_APA)

    for one, other in zip(_arrays(first), _arrays(second), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("other", [(6, EventId(1, 2, 3)), (5, EventId(1, 2, 4)), (5, EventId(1, 3, 3))])
def test_another_seed_or_identity_gives_another_event(other: tuple[int, EventId]) -> None:
    """Seed, subrun and event number all matter."""
    first, second = generate_event(5, EventId(1, 2, 3), ONE_APA), generate_event(*other, ONE_APA)

    assert not np.array_equal(first.wires.samples, second.wires.samples)


@pytest.mark.parametrize(
    "parameters",
    [
        ONE_APA,
        GeneratorParameters(n_apas=3),
        GeneratorParameters(n_apas=1, n_ticks=5999),
        GeneratorParameters(n_apas=2, density=0.02),
        GeneratorParameters(
            n_apas=1,
            muons_per_apa=0,
            showers_per_apa=0,
            interactions_per_apa=0,
            blips_per_apa=0,
            noise_pulses_per_apa=0,
        ),
        GeneratorParameters(n_apas=1, density=4, stopping_fraction=1.0),
    ],
)
def test_events_pass_the_readers_checks(parameters: GeneratorParameters) -> None:
    """Any number of APAs, readout length and density, the empty event included, gives a sound event."""
    channels = channel_map(parameters.n_apas)
    check_channels(channels, "test")
    for number in range(3):
        event = generate_event(1, EventId(1, 0, number), parameters)
        check_event(event, channels, "test")
        assert event.n_ticks == parameters.n_ticks


def test_density_scales_the_number_of_hits() -> None:
    """Twice the density makes about twice the hits."""
    hits = [0, 0]
    for place, density in enumerate((0.5, 1.0)):
        parameters = GeneratorParameters(n_apas=1, density=density)
        for number in range(12):
            hits[place] += len(generate_event(2, EventId(1, 0, number), parameters).hits.channel)

    assert 1.4 < hits[1] / hits[0] < 2.8


def test_a_full_event_has_the_papers_number_of_hits(full_events: list[Event]) -> None:
    """Six APAs make about 55,000 hits on average, as the reprocessed ProtoDUNE events."""
    mean = np.mean([len(event.hits.channel) for event in full_events])

    assert 45_000 < mean < 66_000


def test_every_kind_of_hit_occurs(full_events: list[Event]) -> None:
    """Tracks lead, showers are a good part, none and Michel electrons are rare but there."""
    labels = np.concatenate([event.hits.truth.label for event in full_events if event.hits.truth])
    michel = np.concatenate([event.hits.truth.michel for event in full_events if event.hits.truth])
    track, em, none = np.bincount(labels, minlength=3) / len(labels)

    assert track > em > 0.15
    assert 0.01 < none < 0.1
    assert 0.001 < michel.mean() < 0.05
    assert np.all(labels[michel] == 1)


def test_generated_events_are_like_the_simulated_frame(full_events: list[Event], real_data: Path) -> None:
    """Samples that are not zero per peak, and the heights on W, are the ProtoDUNE-SP frame's within a quarter."""
    frame = read_archive(real_data / "pdsp_sim_apa0_evt100.tar.bz2").frames["orig", 100]
    real = Wires(frame.row, frame.start, frame.length, frame.samples)
    real_hits = find_hits(real)
    samples = sum(np.count_nonzero(event.wires.samples) for event in full_events)
    hits = sum(len(event.hits.channel) for event in full_events)
    heights = np.concatenate([event.hits.peak_amplitude[event.hits.channel % 2560 >= 1600] for event in full_events])

    assert samples / hits == pytest.approx(len(real.samples) / len(real_hits.channel), rel=0.25)
    assert np.median(heights) == pytest.approx(np.median(real_hits.peak_amplitude[real_hits.channel >= 1600]), rel=0.25)


def test_a_file_holds_the_events_and_how_they_were_made(tmp_path: Path) -> None:
    """A generated file has events 1 to n of the subrun, truth, and the seed and parameters in its provenance."""
    seen = []
    parameters = GeneratorParameters(n_apas=1, density=0.1)
    generate_file(tmp_path / "a.root", 3, 8, parameters, subrun=4, on_event=lambda: seen.append(1))

    with open_events(str(tmp_path / "a.root")) as file:
        events, provenance = list(file.events()), file.provenance()

    assert [event.id for event in events] == [EventId(1, 4, number) for number in (1, 2, 3)]
    assert len(seen) == 3
    assert provenance is not None
    assert (provenance.origin, provenance.seed) == ("generated", 8)
    assert '"density": 0.1' in provenance.parameters
    expected = generate_event(8, EventId(1, 4, 2), parameters)
    for one, other in zip(_arrays(events[1]), _arrays(expected), strict=True):
        np.testing.assert_array_equal(one, other)
