"""Write a Triton model repository: one folder that any Triton can serve EmTrackMichelId from, in both wire formats.

    FOLDER/cnn_emtrkmichel_1/config.pbtxt          takes patches
                             1/model.onnx          the network
                             1/model.py            `sonic.server.models.patches_model`, for the Python backend
                             1/sonic/...           what model.py imports of this package
    FOLDER/cnn_emtrkmichel_1_views/config.pbtxt    takes messages of `sonic.view_message`
                             1/...                 as above, with `sonic.server.models.views_model`

The name, the tensors and the largest batch of the first are those of the experiment's served model (LArSoft's wiki page
"GPU as a Service"); the platform is not, because the wheel's Triton has no TensorFlow or ONNX backend.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf import text_format  # type: ignore[import-untyped]  # published without type information
from tritonclient.grpc import model_config_pb2 as pb

from sonic.network import MODEL_NAME, MODEL_VERSION
from sonic.patches import PATCHES
from sonic.server import models
from sonic.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

    from sonic.message import Format, Tensor

__all__ = ["Serving", "config_text", "fingerprint", "write_repository"]

MAX_BATCH_PATCHES = 65536
"""As the experiment serves it; a request of this size is 604 MB."""

MOST_MESSAGE_PATCHES = 65536
"""For one message of a view; as many as a batch of the plain model."""

_MODELS = ((PATCHES, models.PATCHES_MODEL), (VIEWS, models.VIEWS_MODEL))
_TYPES = {"FP32": pb.TYPE_FP32, "UINT8": pb.TYPE_UINT8}


@dataclass(frozen=True)
class Serving:
    """How the models are run in one server.

    Attributes:
        intra_op_threads: cores for one run of the network; the servers of a machine share its cores.
        gpu: place one instance on every GPU that Triton sees, instead of one on the CPU.
        patches_per_run: most patches in one run of the network. 256 fit a core's cache best on the CPU; a GPU wants
            several thousand.
        max_queue_requests: a request that finds so many waiting is refused as UNAVAILABLE, which bounds the memory.
        messages_per_run: most messages of views that are answered together, and so wait for each other.

    """

    intra_op_threads: int = 1
    gpu: bool = False
    patches_per_run: int = 256
    max_queue_requests: int = 1024
    messages_per_run: int = 8


def config_text(format_: Format, serving: Serving) -> str:
    """Return config.pbtxt of the model that takes a wire format."""
    kind = pb.ModelInstanceGroup.KIND_GPU if serving.gpu else pb.ModelInstanceGroup.KIND_CPU
    parameters = {
        "intra_op_threads": str(serving.intra_op_threads),
        "patches_per_run": str(serving.patches_per_run),
        **format_.parameters,
    }
    if format_.patches_parameter:
        parameters[format_.patches_parameter] = str(MOST_MESSAGE_PATCHES)
    config = pb.ModelConfig(
        name=format_.model_name(MODEL_NAME),
        backend="python",
        max_batch_size=serving.messages_per_run if format_ is VIEWS else MAX_BATCH_PATCHES,
        input=[
            pb.ModelInput(
                name=format_.input_name,
                **_shape(format_.tensors[format_.input_name]),
                # Messages of different lengths may be answered together.
                allow_ragged_batch=format_ is VIEWS,
            )
        ],
        output=[
            pb.ModelOutput(name=name, **_shape(tensor))
            for name, tensor in format_.tensors.items()
            if name != format_.input_name
        ],
        instance_group=[pb.ModelInstanceGroup(kind=kind, count=1)],
        dynamic_batching=pb.ModelDynamicBatching(
            default_queue_policy=pb.ModelQueuePolicy(max_queue_size=serving.max_queue_requests)
        ),
        parameters={key: pb.ModelParameter(string_value=value) for key, value in parameters.items()},
    )
    return str(text_format.MessageToString(config))


def _shape(tensor: Tensor) -> dict[str, object]:
    """Return type and shape of a tensor as a configuration has them, which leaves the batch out."""
    return {"data_type": _TYPES[tensor.datatype], "dims": tensor.shape[1:]}


def write_repository(folder: Path, model: Path, serving: Serving) -> None:
    """Write the repository into `folder`, replacing what was there.

    Args:
        folder: becomes the model repository.
        model: ONNX file with the tensors of `sonic.network`.
        serving: how it is run.

    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for format_, program in _MODELS:
        home = partial / format_.model_name(MODEL_NAME)
        version = home / MODEL_VERSION
        version.mkdir(parents=True)
        (home / "config.pbtxt").write_text(config_text(format_, serving))
        shutil.copyfile(model, version / "model.onnx")
        shutil.copyfile(program, version / "model.py")
        for file in models.TRAVELLING:
            copy = version / "sonic" / file.relative_to(models.PACKAGE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        for folder_of_modules in (version / "sonic").glob("**/"):
            # A package of its own, so that no other `sonic` of the server's machine is taken for it.
            (folder_of_modules / "__init__.py").touch()
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)


def fingerprint(model: Path, serving: Serving) -> str:
    """Return a SHA-256 of all that `write_repository` would write, to tell whether running servers are up to date."""
    digest = hashlib.sha256()
    for format_, program in _MODELS:
        digest.update(config_text(format_, serving).encode())
        digest.update(hashlib.sha256(program.read_bytes()).digest())
    for file in (model, *models.TRAVELLING):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
