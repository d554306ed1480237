"""How well a network separates, and the card that says so beside its file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pydantic
from scipy.stats import rankdata

from sonic.network import EM_TRK_NONE_LABELS, EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, MODEL_NAME, MODEL_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ModelCard", "Separation", "file_sha256", "measure_separation", "roc_auc", "run_model"]

TRACK, EM = EM_TRK_NONE_LABELS.index("track"), EM_TRK_NONE_LABELS.index("em")

PATCHES_PER_RUN = 256


class Separation(pydantic.BaseModel):
    """Areas under the ROC curve on labelled patches.

    Attributes:
        auc_track_em: track hits against EM hits, by track / (track + em) as LArSoft's users do.
        auc_none: noise and radioactivity against all others, by none.
        auc_michel: hits of Michel electrons against all others, by michel.

    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    auc_track_em: float
    auc_none: float
    auc_michel: float


class ModelCard(pydantic.BaseModel):
    """How a network was trained and how well it does; has no date, so that it changes with the network only.

    Attributes:
        model, version: as Triton serves it.
        architecture: name in `sonic.server.models.graph`.
        parameters: number of weights.
        sha256: of the model file.
        training_seed: of weights, dropout and order of the patches.
        generator_seed: of the training events.
        training_events, training_patches: what it learnt from.
        epochs: times that every patch was seen.
        evaluation_generator_seed: of the events that `separation` was measured on, none of which it learnt from.
        evaluation_events, evaluation_patches: how many.
        separation: on the evaluation events.

    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    model: str = MODEL_NAME
    version: str = MODEL_VERSION
    architecture: str
    parameters: int
    sha256: str
    training_seed: int
    generator_seed: int
    training_events: int
    training_patches: int
    epochs: int
    evaluation_generator_seed: int
    evaluation_events: int
    evaluation_patches: int
    separation: Separation


def roc_auc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """Return the probability that a positive scores above a negative; ties count one half (Mann-Whitney)."""
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    return float((ranks.sum() - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative)))


def run_model(model: Path, patches: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return em_trk_none (n, 3) and michel (n,) for patches (n, 48, 48, 1), by ONNX Runtime on the CPU."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    outputs = [EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT]
    runs = [
        session.run(outputs, {INPUT: patches[start : start + PATCHES_PER_RUN]})
        for start in range(0, len(patches), PATCHES_PER_RUN)
    ]
    return np.concatenate([run[0] for run in runs]), np.concatenate([run[1][:, 0] for run in runs])


def measure_separation(
    model: Path, patches: NDArray[np.float32], label: NDArray[np.int8], michel: NDArray[np.bool_]
) -> Separation:
    """Measure a network on labelled patches.

    Args:
        model: ONNX file.
        patches: float32 (n, 48, 48, 1).
        label: int8 (n,), index into EM_TRK_NONE_LABELS.
        michel: bool (n,).

    """
    scores, michel_score = run_model(model, patches)
    track_like = scores[:, TRACK] / np.maximum(scores[:, TRACK] + scores[:, EM], np.float32(1e-12))
    none = EM_TRK_NONE_LABELS.index("none")
    return Separation(
        auc_track_em=roc_auc(track_like[label == TRACK], track_like[label == EM]),
        auc_none=roc_auc(scores[label == none, none], scores[label != none, none]),
        auc_michel=roc_auc(michel_score[michel], michel_score[~michel]),
    )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
