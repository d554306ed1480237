"""Patches with truth from generated events, as one .npz file: what `sonic.server.models.train` learns from.

The network's package knows nothing of events, so this file is all that passes between the generator and the training.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import Progress

from jobs.reco.event import EventId
from jobs.reco.generate import GeneratorParameters, generate_event
from jobs.reco.geometry import channel_map
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from sonic.network import EM_TRK_NONE_LABELS
from sonic.patches import cut_patches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["TrainingSet", "draw_training_set", "main", "write_training_set"]

MICHEL_STRATUM = len(EM_TRK_NONE_LABELS)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Patches and what made the hits in their middles.

    Attributes:
        patches: float32 (n, 48, 48, 1).
        label: int8 (n,), index into sonic.network.EM_TRK_NONE_LABELS.
        michel: bool (n,).
        seed: of the generator.
        n_events: that the patches come from.

    """

    patches: NDArray[np.float32]
    label: NDArray[np.int8]
    michel: NDArray[np.bool_]
    seed: int
    n_events: int


def draw_training_set(
    n_events: int,
    seed: int,
    *,
    hits_per_event: int = 240,
    balanced: bool = True,
    parameters: GeneratorParameters | None = None,
    on_event: Callable[[], None] = lambda: None,
) -> TrainingSet:
    """Generate events and cut the patches of some of their hits; the same arguments give the same set.

    Args:
        n_events: number of events.
        seed: of the generator and of the choice of hits, not negative.
        hits_per_event: at most so many hits of each event.
        balanced: the same number of track, em, none and michel hits, as far as there are; otherwise any hits, in the
            proportions in which they occur.
        parameters: what the events hold; one APA if left out.
        on_event: called after each event, for progress.

    """
    parameters = parameters or GeneratorParameters(n_apas=1)
    channels = channel_map(parameters.n_apas)
    rng = np.random.default_rng([seed, n_events])
    patches, label, michel = [], [], []
    for number in range(1, n_events + 1):
        event = generate_event(seed, EventId(1, 0, number), parameters)
        truth = event.hits.truth
        if truth is None:  # generated events always have it; the type allows for others
            raise ValueError("the generator made hits without truth")
        built = build_views(event, channels, DEFAULT_ADC_PER_ELECTRON)
        stratum = np.where(truth.michel, MICHEL_STRATUM, truth.label)[built.hit_index]
        chosen = _choose(stratum, hits_per_event, balanced, rng)
        starts = np.cumsum([0, *(view.n_hits for view in built.views)])
        views = []
        for view, start in zip(built.views, starts, strict=False):
            mine = chosen[(chosen >= start) & (chosen < start + view.n_hits)] - start
            views.append(dataclasses.replace(view, hit_wire=view.hit_wire[mine], hit_drift=view.hit_drift[mine]))
        patches += [cut_patches(view) for view in views]
        label.append(truth.label[built.hit_index[chosen]])
        michel.append(truth.michel[built.hit_index[chosen]])
        on_event()
    return TrainingSet(np.concatenate(patches), np.concatenate(label), np.concatenate(michel), seed, n_events)


def _choose(stratum: NDArray[np.int64], n: int, balanced: bool, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the sorted places of at most `n` hits."""
    if not balanced:
        return np.sort(rng.permutation(len(stratum))[:n])
    share = n // (MICHEL_STRATUM + 1)
    shuffled = rng.permutation(len(stratum))
    parts = [shuffled[stratum[shuffled] == kind][:share] for kind in range(MICHEL_STRATUM + 1)]
    return np.sort(np.concatenate(parts))


def write_training_set(path: Path, training_set: TrainingSet) -> None:
    """Write a set as a compressed .npz file, with the attributes' names as keys."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        np.savez_compressed(
            file,
            patches=training_set.patches,
            label=training_set.label,
            michel=training_set.michel,
            seed=training_set.seed,
            n_events=training_set.n_events,
        )
    partial.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a training set as the command line says, with a progress bar."""
    parser = argparse.ArgumentParser(prog="python -m jobs.reco.training_set", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the .npz file")
    parser.add_argument("--events", type=int, default=1000, help="number of events of one APA (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the generator (default: %(default)s)")
    parser.add_argument("--hits-per-event", type=int, default=240, help="at most (default: %(default)s)")
    parser.add_argument(
        "--natural", action="store_true", help="hits in the proportions in which they occur, instead of balanced"
    )
    options = parser.parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    try:
        with Progress(console=console) as progress:
            task = progress.add_task("events", total=options.events)
            training_set = draw_training_set(
                options.events,
                options.seed,
                hits_per_event=options.hits_per_event,
                balanced=not options.natural,
                on_event=lambda: progress.advance(task),
            )
        write_training_set(options.out, training_set)
    except OSError as exc:
        console.print(f"error: cannot write {options.out}: {exc.strerror}", style="red", markup=False, soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
