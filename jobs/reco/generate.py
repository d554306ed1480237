"""Seeded, ProtoDUNE-like events: cosmic muons, showers, Michel electrons, interactions and noise.

Not a simulation of the detector, but near enough to it in density, charge, widths and shapes that a network trained on
it learns what it has to, and that files, views and rates have their true size. Compared with the simulated ProtoDUNE-SP
frame of one APA (2.3 % of samples not zero, 13,660 peaks above 500 electrons/tick with a median of 3,400): see
`tests/jobs/reco/test_generate.py`, which holds the generator to it.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.deposits import Deposits
from jobs.reco.event import BadChannels, Event, EventId
from jobs.reco.find_hits import HIT_THRESHOLD, find_hits
from jobs.reco.geometry import CHANNELS_PER_APA, N_TICKS, TICK_NS, box_of, channel_map, project
from jobs.reco.schema import Provenance
from jobs.reco.showers import directions_around, shower
from jobs.reco.tracks import chords, downward, isotropic, track
from jobs.reco.waveforms import Charge, label_hits, make_waveforms
from jobs.reco.write import Written, software_version, write_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["GeneratorParameters", "generate_event", "generate_file"]

_NONE_LABEL = 2


@dataclass(frozen=True)
class GeneratorParameters:
    """What an event holds; every `..._per_apa` is a mean number per APA and event at density 1."""

    n_apas: int = 6
    density: float = 1.0
    """Factor on every mean number."""
    n_ticks: int = N_TICKS
    muons_per_apa: float = 6.5
    stopping_fraction: float = 0.2
    """Muons that end inside."""
    michel_fraction: float = 0.7
    """Stopping muons that decay into an electron that is seen."""
    delta_rays_per_m: float = 0.8
    """Electrons above 5 MeV knocked out per metre of muon."""
    showers_per_apa: float = 6.0
    interactions_per_apa: float = 2.0
    """Vertices with a few short, heavily ionising tracks."""
    blips_per_apa: float = 150.0
    """Radioactive decays: a point of charge that every plane sees."""
    noise_pulses_per_apa: float = 400.0
    """Regions of interest on one channel with noise in them only."""
    noise: float = 60.0
    """Standard deviation of the noise in a region, electrons per tick."""
    hit_threshold: float = HIT_THRESHOLD
    """Electrons per tick."""


def generate_event(seed: int, event_id: EventId, parameters: GeneratorParameters) -> Event:
    """Generate one event; the same arguments give the same arrays, whatever was generated before.

    Args:
        seed: not negative.
        event_id: identity of the event, a part of the seed.
        parameters: what the event holds.

    """
    rng = np.random.default_rng([seed, event_id.run, event_id.subrun, event_id.event])
    deposits = _particles(parameters, rng)
    charge = _arriving(deposits, parameters, rng)
    wires = make_waveforms(charge, parameters.n_ticks, parameters.noise, rng)
    hits = find_hits(wires, parameters.hit_threshold)
    nothing = np.zeros(0, np.int32)
    return Event(
        id=event_id,
        n_ticks=parameters.n_ticks,
        tick_ns=TICK_NS,
        wires=wires,
        hits=dataclasses.replace(hits, truth=label_hits(hits, charge, parameters.n_ticks)),
        bad=BadChannels(nothing, nothing, nothing),
    )


def generate_file(
    path: Path,
    n_events: int,
    seed: int,
    parameters: GeneratorParameters,
    *,
    run: int = 1,
    subrun: int = 0,
    force: bool = False,
    on_event: Callable[[], None] = lambda: None,
) -> Written:
    """Generate a file of events numbered 1, 2, 3 ...

    Args:
        path: the file; it appears when it is complete.
        n_events: number of events.
        seed: not negative.
        parameters: what the events hold.
        run: run number of the events, a part of the seed.
        subrun: subrun number of the events, a part of the seed.
        force: overwrite an existing file.
        on_event: called after each event, for progress.

    Raises:
        UsageError: the file exists and `force` is not given.
        OutputFailed: it cannot be written.

    """

    def events() -> Iterator[Event]:
        for number in range(1, n_events + 1):
            yield generate_event(seed, EventId(run, subrun, number), parameters)
            on_event()

    provenance = Provenance(
        origin="generated",
        detector="protodune-sp-like",
        seed=seed,
        parameters=json.dumps(dataclasses.asdict(parameters)),
        software_version=software_version(),
    )
    return write_events(path, events(), channel_map(parameters.n_apas), provenance, force=force)


def _particles(parameters: GeneratorParameters, rng: np.random.Generator) -> Deposits:
    scale = parameters.density * parameters.n_apas
    box = box_of(parameters.n_apas)

    def places(n: int) -> NDArray[np.float64]:
        return rng.uniform(box.low, box.high, (n, 3))

    def times(n: int) -> NDArray[np.float64]:
        # From a drift time before the trigger to the end of the readout.
        return rng.uniform(-5000, parameters.n_ticks - 500, n)

    n = rng.poisson(parameters.muons_per_apa * scale)
    direction = downward(n, rng)
    start, length = chords(places(n), direction, box)
    stops = rng.random(n) < parameters.stopping_fraction
    length = np.where(stops, length * rng.random(n), length)
    muon_time = times(n)
    muons = track(start, direction, length, np.where(stops, 0.0, rng.exponential(8000, n)), muon_time, rng)
    decays = np.flatnonzero(stops & (rng.random(n) < parameters.michel_fraction))
    michels = shower(
        _michel_mev(len(decays), rng),
        muons.end[decays],
        isotropic(len(decays), rng),
        muon_time[decays],
        np.ones(len(decays), np.bool_),
        rng,
    )

    knocked = rng.random(len(muons.deposits.charge)) < parameters.delta_rays_per_m * 0.0015
    origin = muons.deposits.position[knocked]
    n = len(origin)
    # One over energy squared, from 5 to 500 MeV.
    energy = 5.0 / (1 - 0.99 * rng.random(n))
    along = np.diff(muons.deposits.position, axis=0, append=muons.deposits.position[-1:])[knocked]
    along /= np.maximum(np.sqrt(np.einsum("ij,ij->i", along, along)), 1e-9)[:, None]
    deltas = shower(
        energy,
        origin,
        directions_around(along, np.full(n, 0.4), rng),
        muons.deposits.t0_tick[knocked],
        np.zeros(n, np.bool_),
        rng,
    )

    n = rng.poisson(parameters.showers_per_apa * scale)
    energy = 30.0 * (2000.0 / 30.0) ** rng.random(n)
    showers = shower(energy, places(n), downward(n, rng), times(n), np.zeros(n, np.bool_), rng)

    n = rng.poisson(parameters.interactions_per_apa * scale)
    prongs = np.repeat(np.arange(n), rng.integers(1, 5, n))
    vertex, when = places(n)[prongs], times(n)[prongs]
    length = rng.exponential(250.0, len(prongs)) + 30
    protons = track(vertex, isotropic(len(prongs), rng), length, np.zeros(len(prongs)), when, rng, heavy=True)

    n = rng.poisson(parameters.blips_per_apa * scale)
    blips = Deposits(
        places(n), times(n), rng.exponential(8000.0, n), np.full(n, _NONE_LABEL, np.int8), np.zeros(n, np.bool_)
    )
    return Deposits.joined([muons.deposits, michels, deltas, showers, protons.deposits, blips])


def _michel_mev(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw from the Michel spectrum, x**2 (3 - 2x) with x the part of 52.8 MeV, through its inverted integral."""
    x = np.linspace(0, 1, 200)
    return 52.8 * np.interp(rng.random(n), 2 * x**3 - x**4, x)


def _arriving(deposits: Deposits, parameters: GeneratorParameters, rng: np.random.Generator) -> Charge:
    """Project deposits on the wires and add the pulses of noise."""
    seen = project(deposits.position, deposits.t0_tick, parameters.n_apas, rng)
    tick = np.floor(seen.tick).astype(np.int64)
    inside = (tick >= -8) & (tick < parameters.n_ticks + 8)
    n = rng.poisson(parameters.noise_pulses_per_apa * parameters.density * parameters.n_apas)
    point = seen.point[inside]
    return Charge(
        channel=np.concatenate([seen.channel[inside], rng.integers(0, parameters.n_apas * CHANNELS_PER_APA, n)]),
        tick=np.concatenate([tick[inside], rng.integers(0, parameters.n_ticks, n)]),
        charge=np.concatenate([deposits.charge[point], rng.exponential(4000.0, n)]),
        drift_mm=np.concatenate([seen.drift_mm[inside], np.zeros(n)]),
        label=np.concatenate([deposits.label[point], np.full(n, _NONE_LABEL, np.int8)]),
        michel=np.concatenate([deposits.michel[point], np.zeros(n, np.bool_)]),
    )
