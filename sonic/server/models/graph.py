"""The ONNX graphs of EmTrackMichelId: the demo network and the paper's, from their weights.

Both have the experiment's tensors (`sonic.network`), a dynamic batch axis, and the same order of layers: convolution,
flatten, dense, two heads. The graphs are put together node by node, so that names and operators do not depend on the
version of a training framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sonic.network import EM_TRK_NONE_LABELS, EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, PATCH_PIXELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["DEMO", "PAPER", "Architecture", "Convolution", "build_graph", "count_parameters", "random_weights"]

OPSET = 17
IR_VERSION = 8
"""Read by every ONNX Runtime since 1.13 and by Triton's own ONNX backend."""


@dataclass(frozen=True)
class Convolution:
    """A square 'valid' convolution with ReLU.

    Attributes:
        filters: number of output channels.
        kernel_pixels: side of the kernel.
        stride_pixels: step along both axes.

    """

    filters: int
    kernel_pixels: int
    stride_pixels: int


@dataclass(frozen=True)
class Architecture:
    """Layers between the patch and the two heads.

    Attributes:
        name: goes into the graph's name.
        convolutions: in order.
        dense: widths of the fully connected ReLU layers, in order.

    """

    name: str
    convolutions: tuple[Convolution, ...]
    dense: tuple[int, ...]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by name, in the layers' order.

        Convolutions are (out, in, kernel, kernel), dense layers and heads (in, out), biases (out,).
        """
        shapes: dict[str, tuple[int, ...]] = {}
        channels, side = 1, PATCH_PIXELS
        for number, layer in enumerate(self.convolutions, start=1):
            shapes[f"conv{number}_weight"] = (layer.filters, channels, layer.kernel_pixels, layer.kernel_pixels)
            shapes[f"conv{number}_bias"] = (layer.filters,)
            channels, side = layer.filters, (side - layer.kernel_pixels) // layer.stride_pixels + 1
        widths = (channels * side * side, *self.dense)
        for number, (n_in, n_out) in enumerate(pairwise(widths), start=1):
            shapes[f"dense{number}_weight"] = (n_in, n_out)
            shapes[f"dense{number}_bias"] = (n_out,)
        for head, n_out in (("em_trk_none", len(EM_TRK_NONE_LABELS)), ("michel", 1)):
            shapes[f"{head}_weight"] = (widths[-1], n_out)
            shapes[f"{head}_bias"] = (n_out,)
        return shapes


DEMO = Architecture("emtrkmichel_demo", (Convolution(24, 5, 2), Convolution(48, 3, 2), Convolution(64, 3, 2)), (128,))
"""Strided convolutions instead of the paper's one wide layer: 70 times fewer weights, some 15 times faster on a CPU."""

PAPER = Architecture("emtrkmichel_paper", (Convolution(48, 5, 1),), (128, 32))
"""larrecodnn ``ImagePatternAlgs/scripts/train_cnn.py``; 11,900,420 parameters on 48x48 patches."""


def random_weights(architecture: Architecture, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return He-initialised weights and zero biases by name."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in architecture.shapes().items():
        if name.endswith("bias"):
            weights[name] = np.zeros(shape, np.float32)
        else:
            fan_in = np.prod(shape[1:] if len(shape) == 4 else shape[:1])
            weights[name] = (rng.standard_normal(shape, np.float32) * np.sqrt(2 / fan_in)).astype(np.float32)
    return weights


def build_graph(architecture: Architecture, weights: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """Return the checked ONNX model of an architecture with the given weights (`Architecture.shapes`).

    Raises:
        ValueError: a weight is missing, superfluous, or of another shape.

    """
    shapes = architecture.shapes()
    if {name: np.shape(weight) for name, weight in weights.items()} != shapes:
        raise ValueError(f"weights do not fit {architecture.name}: expected {shapes}")

    # One channel: NHWC and NCHW are the same bytes, so this costs no transpose.
    nodes = [helper.make_node("Reshape", [INPUT, "nchw"], ["image"])]
    last = "image"
    for number, layer in enumerate(architecture.convolutions, start=1):
        inputs = [last, f"conv{number}_weight", f"conv{number}_bias"]
        strides = [layer.stride_pixels, layer.stride_pixels]
        nodes.append(helper.make_node("Conv", inputs, [f"conv{number}"], strides=strides))
        last = f"conv{number}_relu"
        nodes.append(helper.make_node("Relu", [f"conv{number}"], [last]))
    nodes.append(helper.make_node("Flatten", [last], ["flat"]))
    last = "flat"
    for number in range(1, len(architecture.dense) + 1):
        inputs = [last, f"dense{number}_weight", f"dense{number}_bias"]
        nodes.append(helper.make_node("Gemm", inputs, [f"dense{number}"]))
        last = f"dense{number}_relu"
        nodes.append(helper.make_node("Relu", [f"dense{number}"], [last]))
    for head, operator, output in (
        ("em_trk_none", "Softmax", EM_TRK_NONE_OUTPUT),
        ("michel", "Sigmoid", MICHEL_OUTPUT),
    ):
        nodes.append(helper.make_node("Gemm", [last, f"{head}_weight", f"{head}_bias"], [f"{head}_logit"]))
        attributes = {"axis": 1} if operator == "Softmax" else {}
        nodes.append(helper.make_node(operator, [f"{head}_logit"], [output], **attributes))

    initializers = [numpy_helper.from_array(np.ascontiguousarray(weights[name]), name) for name in shapes]
    initializers.append(numpy_helper.from_array(np.array([-1, 1, PATCH_PIXELS, PATCH_PIXELS], np.int64), "nchw"))
    graph = helper.make_graph(
        nodes,
        architecture.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", PATCH_PIXELS, PATCH_PIXELS, 1])],
        [
            helper.make_tensor_value_info(EM_TRK_NONE_OUTPUT, TensorProto.FLOAT, ["n", len(EM_TRK_NONE_LABELS)]),
            helper.make_tensor_value_info(MICHEL_OUTPUT, TensorProto.FLOAT, ["n", 1]),
        ],
        initializer=initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="sonicgrid"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def count_parameters(model: onnx.ModelProto) -> int:
    """Return the number of float32 weights in a graph."""
    return sum(int(np.prod(t.dims)) for t in model.graph.initializer if t.data_type == TensorProto.FLOAT)
