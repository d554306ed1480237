"""Events that are ready to be scored, written once: jobs map them into memory, and the clock sees none of the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.event import EventId
from jobs.reco.generate import generate_event
from jobs.reco.geometry import channel_map
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from measure.scoring.stored import BATCH_PATCHES, event_folder, patches_file, write_scores, write_views
from sonic.hit_pixels import HitPixels
from sonic.local import LocalScorer
from sonic.patches import PatchCutter, spans_of

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.reco.generate import GeneratorParameters

__all__ = ["Inputs", "make_inputs"]


@dataclass(frozen=True)
class Inputs:
    """What was written.

    Attributes:
        events: how many.
        apas: of each event.
        density: factor on their particles.
        seed: of the generator.
        patches_per_event: that the network sees, one for each distinct pixel with a hit; mean.
        hits_per_event: mean.

    """

    events: int
    apas: int
    density: float
    seed: int
    patches_per_event: float
    hits_per_event: float


def make_inputs(
    folder: Path, events: int, seed: int, parameters: GeneratorParameters, model: Path, threads: int
) -> Inputs:
    """Write events as views, their scores as ONNX Runtime gives them here, and the patches of the first one.

    The patches of one event of six APAs are about 600 MB, so there is one set of them, which jobs share.
    """
    channels = channel_map(parameters.n_apas)
    n_patches = n_hits = 0
    with LocalScorer(model, threads=threads) as scorer:
        for number in range(events):
            event = generate_event(seed, EventId(1, 0, number + 1), parameters)
            views = build_views(event, channels, DEFAULT_ADC_PER_ELECTRON).views
            event_folder(folder, number).mkdir(parents=True)
            write_views(folder, number, views)
            write_scores(folder, number, scorer.score(views))
            pixels = HitPixels(views)
            if number == 0:
                _write_patches(patches_file(folder), pixels)
            n_patches += pixels.n_patches
            n_hits += len(event.hits.channel)
    return Inputs(events, parameters.n_apas, parameters.density, seed, n_patches / events, n_hits / events)


def _write_patches(path: Path, pixels: HitPixels) -> None:
    cutter = PatchCutter(pixels)
    shape = (pixels.n_patches, *cutter.patches(spans_of(pixels.n_patches, 1)[0]).shape[1:])
    # Batch by batch: all of them at once would not fit into a small machine's memory.
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for span in spans_of(pixels.n_patches, BATCH_PATCHES):
        file[span.start : span.stop] = cutter.patches(span)
    file.flush()
