"""What every wire format has in common: an event goes in, messages that answer for its patches come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sonic.network import EM_TRK_NONE_LABELS, EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from numpy.typing import NDArray

    from sonic.hit_pixels import HitPixels, Span
    from sonic.wire_format import WireFormat

__all__ = ["OUTPUT_TENSORS", "Cutter", "Format", "Message", "Most", "Tensor"]


@dataclass(frozen=True)
class Most:
    """How large a message may be; one patch goes however large it is.

    Attributes:
        patches: that it answers for.
        payload_bytes: of its tensor; any number, also no whole one.

    """

    patches: int
    payload_bytes: float


@dataclass(frozen=True, eq=False)
class Message:
    """One request's content.

    Attributes:
        span: the patches that it answers for.
        tensor: the model's input, as it goes on the wire.

    """

    span: Span
    tensor: NDArray[Any]

    @property
    def payload_bytes(self) -> int:
        """Bytes of the tensor."""
        return int(self.tensor.nbytes)


@dataclass(frozen=True)
class Tensor:
    """One tensor of a model: its type in KServe's words, and its shape with -1 where it varies."""

    datatype: str
    shape: tuple[int, ...]


OUTPUT_TENSORS = {
    EM_TRK_NONE_OUTPUT: Tensor("FP32", (-1, len(EM_TRK_NONE_LABELS))),
    MICHEL_OUTPUT: Tensor("FP32", (-1, 1)),
}
"""The network's answer: a row for each patch."""


class Cutter(Protocol):
    """Cuts one event into messages."""

    def cut(self, span: Span, most: Most) -> Message:
        """Return a message for as many patches from the beginning of a span on as may go in one."""
        ...


@dataclass(frozen=True)
class Format:
    """One wire format: what it asks of a server, and how it makes messages.

    Attributes:
        name: as site configs have it.
        input_name: of the model's input tensor.
        tensors: the model's tensors, by name.
        model_suffix: what the model's name has behind the network's.
        patches_parameter: parameter of its configuration that says how many patches a message may ask for; empty
            where the largest batch says it.
        parameters: what other parameters the configuration must have, by name.
        cutter: opens one event.

    """

    name: WireFormat
    input_name: str
    tensors: Mapping[str, Tensor]
    model_suffix: str
    patches_parameter: str
    parameters: Mapping[str, str]
    cutter: Callable[[HitPixels], Cutter]

    def model_name(self, network: str) -> str:
        """Return the name of the model that takes this format of a network."""
        return network + self.model_suffix
