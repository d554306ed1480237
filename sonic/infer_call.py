"""One inference request on its way out, with its tensor copied once.

tritonclient copies a tensor three times: into bytes, into a protobuf message, and into what that is serialised to. For
the patches of an event, 500 MB and more, that is a third of the client's CPU time. Here protobuf serialises all but the
tensor's content, which follows behind it: the fields of a message may come in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information
import numpy as np
from tritonclient.grpc import InferResult, service_pb2
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from sonic.errors import RequestRefused
from sonic.message import OUTPUT_TENSORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["InferCalls", "request_bytes", "triton_error"]

_METHOD = "/inference.GRPCInferenceService/ModelInfer"
_LENGTH_DELIMITED = 2
_CONTENT = service_pb2.ModelInferRequest.RAW_INPUT_CONTENTS_FIELD_NUMBER << 3 | _LENGTH_DELIMITED


class InferCalls:
    """Sends requests on a channel.

    Args:
        channel: gRPC's; whoever made it closes it.

    """

    def __init__(self, channel: Any) -> None:  # noqa: ANN401  # gRPC's own type
        # Without a serialiser: requests are bytes already.
        self._call = channel.unary_unary(_METHOD, response_deserializer=service_pb2.ModelInferResponse.FromString)

    def start(
        self,
        request: bytes,
        timeout_s: float,
        metadata: tuple[tuple[str, str], ...],
        finish: Callable[[InferResult | None, InferenceServerException | None], None],
    ) -> None:
        """Send a request and return at once; `finish` is called once, from any thread, when it ended.

        Raises:
            ValueError: the channel is closed.

        """

        def ended(call: Any) -> None:  # noqa: ANN401  # gRPC's own type
            try:
                result, error = InferResult(call.result()), None
            except grpc.RpcError as failed:
                result, error = None, triton_error(failed)
            except grpc.FutureCancelledError:
                status = str(grpc.StatusCode.CANCELLED)
                result, error = None, InferenceServerException("cancelled here", status=status)
            finish(result, error)

        call = self._call.future(request, timeout=timeout_s, metadata=metadata)
        call.add_done_callback(ended)


def triton_error(failed: Any) -> InferenceServerException:  # noqa: ANN401  # gRPC's own type
    """Return tritonclient's error for one of gRPC's."""
    return InferenceServerException(failed.details(), status=str(failed.code()))


def request_bytes(
    model_name: str, version: str, number: int, input_name: str, datatype: str, tensor: NDArray[Any]
) -> bytes:
    """Return a request for both outputs as it goes to gRPC.

    Args:
        model_name: of the model.
        version: of it.
        number: that the request goes under.
        input_name: of the tensor.
        datatype: of the tensor, in KServe's words.
        tensor: of little-endian numbers.

    Raises:
        RequestRefused: the tensor is of another type.

    """
    if np_to_triton_dtype(tensor.dtype) != datatype:
        raise RequestRefused(f"a tensor of unexpected datatype {tensor.dtype} for {input_name}, which is {datatype}")
    head = service_pb2.ModelInferRequest(model_name=model_name, model_version=version, id=str(number))
    head.inputs.add(name=input_name, datatype=datatype, shape=tensor.shape)
    for name in OUTPUT_TENSORS:
        head.outputs.add(name=name)
    content = np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data
    return b"".join([head.SerializeToString(), _varint(_CONTENT), _varint(len(content)), content])


def _varint(number: int) -> bytes:
    """Return a number as protobuf writes it: seven bits a byte, the lowest first, all but the last marked."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])
