"""Build the paper's network with random weights, for benchmarks: its time and size do not depend on the weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
from rich.console import Console

from sonic.server.models.graph import PAPER, build_graph, count_parameters, random_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PAPER_PARAMETERS", "build_paper", "main"]

PAPER_PARAMETERS = 11_900_420
"""Convolution 1,248, dense layers 11,894,912 and 4,128, heads 132."""


def build_paper(folder: Path, seed: int = 1) -> Path:
    """Write the paper's network into a folder and return the file's path.

    Args:
        folder: is made if it is not there.
        seed: of the weights.

    Raises:
        ValueError: the graph does not have the paper's number of weights.

    """
    model = build_graph(PAPER, random_weights(PAPER, seed))
    if (found := count_parameters(model)) != PAPER_PARAMETERS:
        raise ValueError(f"{PAPER.name} has {found:,} weights instead of {PAPER_PARAMETERS:,}")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    partial = file.with_suffix(".partial")
    onnx.save(model, str(partial))
    partial.replace(file)
    return file


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the network into the folder given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m sonic.server.models.build_paper", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder that gets model.onnx (48 MB)")
    parser.add_argument("--seed", type=int, default=1, help="of the weights (default: %(default)s)")
    options = parser.parse_args(arguments)
    file = build_paper(options.out, options.seed)
    message = f"{file}: {PAPER_PARAMETERS:,} weights, {file.stat().st_size / 1e6:.1f} MB"
    Console(stderr=True, highlight=False).print(message, markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
