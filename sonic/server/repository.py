"""Write a Triton model repository: one folder that any Triton can serve EmTrackMichelId from.

    FOLDER/cnn_emtrkmichel_1/config.pbtxt
                             1/model.onnx    the network
                             1/model.py      `sonic.server.models.backend`, for the Python backend

The name, the tensors and the largest batch are those of the experiment's served model (LArSoft's wiki page "GPU as a
Service"); the platform is not, because the wheel's Triton has no TensorFlow or ONNX backend.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf import text_format  # type: ignore[import-untyped]  # published without type information
from tritonclient.grpc import model_config_pb2 as pb

from sonic.network import (
    EM_TRK_NONE_LABELS,
    EM_TRK_NONE_OUTPUT,
    INPUT,
    MICHEL_OUTPUT,
    MODEL_NAME,
    MODEL_VERSION,
    PATCH_PIXELS,
)
from sonic.server import models

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Serving", "config_text", "fingerprint", "write_repository"]

MAX_BATCH_PATCHES = 65536
"""As the experiment serves it; a request of this size is 604 MB."""


@dataclass(frozen=True)
class Serving:
    """How the model is run in one server.

    Attributes:
        intra_op_threads: cores for one run of the network; the servers of a machine share its cores.
        gpu: place one instance on every GPU that Triton sees, instead of one on the CPU.
        patches_per_run: most patches in one run of the network. 256 fit a core's cache best on the CPU; a GPU wants
            several thousand.
        max_queue_requests: a request that finds so many waiting is refused as UNAVAILABLE, which bounds the memory.

    """

    intra_op_threads: int = 1
    gpu: bool = False
    patches_per_run: int = 256
    max_queue_requests: int = 1024


def config_text(serving: Serving) -> str:
    """Return config.pbtxt."""
    kind = pb.ModelInstanceGroup.KIND_GPU if serving.gpu else pb.ModelInstanceGroup.KIND_CPU
    patch = [PATCH_PIXELS, PATCH_PIXELS, 1]
    config = pb.ModelConfig(
        name=MODEL_NAME,
        backend="python",
        max_batch_size=MAX_BATCH_PATCHES,
        input=[pb.ModelInput(name=INPUT, data_type=pb.TYPE_FP32, dims=patch)],
        output=[
            pb.ModelOutput(name=EM_TRK_NONE_OUTPUT, data_type=pb.TYPE_FP32, dims=[len(EM_TRK_NONE_LABELS)]),
            pb.ModelOutput(name=MICHEL_OUTPUT, data_type=pb.TYPE_FP32, dims=[1]),
        ],
        instance_group=[pb.ModelInstanceGroup(kind=kind, count=1)],
        dynamic_batching=pb.ModelDynamicBatching(
            default_queue_policy=pb.ModelQueuePolicy(max_queue_size=serving.max_queue_requests)
        ),
        parameters={
            "intra_op_threads": pb.ModelParameter(string_value=str(serving.intra_op_threads)),
            "patches_per_run": pb.ModelParameter(string_value=str(serving.patches_per_run)),
        },
    )
    return str(text_format.MessageToString(config))


def write_repository(folder: Path, model: Path, serving: Serving) -> None:
    """Write the repository into `folder`, replacing what was there.

    Args:
        folder: becomes the model repository.
        model: ONNX file with the tensors of `sonic.network`.
        serving: how it is run.

    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    version = partial / MODEL_NAME / MODEL_VERSION
    version.mkdir(parents=True)
    (partial / MODEL_NAME / "config.pbtxt").write_text(config_text(serving))
    shutil.copyfile(model, version / "model.onnx")
    shutil.copyfile(models.BACKEND, version / "model.py")
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)


def fingerprint(model: Path, serving: Serving) -> str:
    """Return a SHA-256 of all that `write_repository` would write, to tell whether running servers are up to date."""
    digest = hashlib.sha256(config_text(serving).encode())
    for file in (model, models.BACKEND):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
