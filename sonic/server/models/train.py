"""Train the demo network on labelled patches and write it with its card; needs torch, which nothing else does.

Losses are the experiment's (larrecodnn ``train_cnn.py``): categorical cross-entropy with weight 0.1, and mean squared
error of michel with weight 1. The optimiser is Adam instead of its SGD, which reaches the same in a tenth of the
epochs. `jobs.reco.training_set` makes the input files.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from rich.console import Console
from torch import nn

from sonic.network import EM_TRK_NONE_LABELS
from sonic.server.models import DEMO_MODEL
from sonic.server.models.graph import DEMO, Architecture, build_graph, count_parameters, random_weights
from sonic.server.models.quality import ModelCard, file_sha256, measure_separation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["LabelledPatches", "main", "read_patches", "train"]

CROSS_ENTROPY_WEIGHT = 0.1
DROPOUT = 0.2
BATCH_PATCHES = 256
LEARNING_RATE = 2e-3


@dataclass(frozen=True, eq=False)
class LabelledPatches:
    """What a file of `jobs.reco.training_set` holds; see there."""

    patches: NDArray[np.float32]
    label: NDArray[np.int8]
    michel: NDArray[np.bool_]
    seed: int
    n_events: int


def read_patches(path: Path) -> LabelledPatches:
    """Read a .npz file of labelled patches."""
    with np.load(path, allow_pickle=False) as file:
        return LabelledPatches(file["patches"], file["label"], file["michel"], int(file["seed"]), int(file["n_events"]))


class _Network(nn.Module):  # type: ignore[misc]  # torch is there only for training, so it has no types here
    """An architecture with weights to learn, laid out as in the ONNX graph."""

    def __init__(self, architecture: Architecture, seed: int) -> None:
        super().__init__()
        self._architecture = architecture
        self.weights = nn.ParameterDict(
            {name: nn.Parameter(torch.from_numpy(value)) for name, value in random_weights(architecture, seed).items()}
        )
        self._dropout = nn.Dropout(DROPOUT)

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits (n, 3) and the michel score (n,) of patches (n, 48, 48, 1)."""
        w, x = self.weights, patches.permute(0, 3, 1, 2)
        for number, layer in enumerate(self._architecture.convolutions, start=1):
            x = nn.functional.conv2d(
                x, w[f"conv{number}_weight"], w[f"conv{number}_bias"], stride=layer.stride_pixels
            ).relu()
        x = self._dropout(x.flatten(1))
        for number in range(1, len(self._architecture.dense) + 1):
            x = self._dropout((x @ w[f"dense{number}_weight"] + w[f"dense{number}_bias"]).relu())
        logits = x @ w["em_trk_none_weight"] + w["em_trk_none_bias"]
        return logits, (x @ w["michel_weight"] + w["michel_bias"]).sigmoid()[:, 0]

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights by name, for `build_graph`."""
        return {name: value.detach().numpy() for name, value in self.weights.items()}


def train(
    data: LabelledPatches, architecture: Architecture, *, seed: int, epochs: int, report: Callable[[str], None]
) -> dict[str, NDArray[np.float32]]:
    """Return the trained weights by name.

    Args:
        data: to learn from.
        architecture: what to train.
        seed: of weights, dropout and order.
        epochs: times that every patch is seen.
        report: is told the loss after every epoch.

    """
    torch.manual_seed(seed)
    network = _Network(architecture, seed)
    patches = torch.from_numpy(data.patches)
    label, michel = torch.from_numpy(data.label.astype(np.int64)), torch.from_numpy(data.michel.astype(np.float32))
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    steps = epochs * -(-len(patches) // BATCH_PATCHES)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    network.train()
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(patches)).split(BATCH_PATCHES):
            logits, michel_score = network(patches[batch])
            loss = CROSS_ENTROPY_WEIGHT * nn.functional.cross_entropy(logits, label[batch])
            loss = loss + nn.functional.mse_loss(michel_score, michel[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
        report(f"epoch {epoch}/{epochs}: loss {total / len(patches):.4f}")
    return network.arrays()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, write model and card, and tell how well it separates."""
    parser = argparse.ArgumentParser(prog="python -m sonic.server.models.train", description=__doc__)
    parser.add_argument("--training", type=Path, required=True, help=".npz file to learn from")
    parser.add_argument("--evaluation", type=Path, required=True, help=".npz file of other events to measure on")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=DEMO_MODEL, help="ONNX file (default: the demo network's)")
    options = parser.parse_args(arguments)
    console = Console(stderr=True, highlight=False)

    data, unseen = read_patches(options.training), read_patches(options.evaluation)
    if data.seed == unseen.seed:
        parser.error("--training and --evaluation come from the same generator seed: they share events")
    counts = ", ".join(f"{(data.label == i).sum()} {name}" for i, name in enumerate(EM_TRK_NONE_LABELS))
    console.print(f"{len(data.label)} patches: {counts}, of them {data.michel.sum()} michel")
    weights = train(data, DEMO, seed=options.seed, epochs=options.epochs, report=console.print)

    model = build_graph(DEMO, weights)
    partial = options.out.with_suffix(".partial")
    onnx.save(model, str(partial))
    card = ModelCard(
        architecture=DEMO.name,
        parameters=count_parameters(model),
        sha256=file_sha256(partial),
        training_seed=options.seed,
        generator_seed=data.seed,
        training_events=data.n_events,
        training_patches=len(data.label),
        epochs=options.epochs,
        evaluation_generator_seed=unseen.seed,
        evaluation_events=unseen.n_events,
        evaluation_patches=len(unseen.label),
        separation=measure_separation(partial, unseen.patches, unseen.label, unseen.michel),
    )
    partial.replace(options.out)
    options.out.with_name("model_card.json").write_text(card.model_dump_json(indent=2) + "\n")
    console.print(card.separation)
    return 0


if __name__ == "__main__":
    sys.exit(main())
