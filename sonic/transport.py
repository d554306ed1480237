"""The wire to one endpoint: requests out, answers in.

The client's logic (windows, retries, endpoints) knows only the `Transport` protocol; `sonic.fake` is the other
implementation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from sonic.answers import Answer
from sonic.channel import open_channel
from sonic.credentials import Credentials, Token
from sonic.errors import (
    AnswerIncomplete,
    BadAnswer,
    CredentialsUnusable,
    EndpointAway,
    EndpointNotReady,
    ModelMismatch,
    RequestRefused,
    SonicError,
)
from sonic.foreign_errors import sonic_error
from sonic.infer_call import InferCalls, request_bytes, triton_error
from sonic.message import Tensor
from sonic.network import EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from tritonclient.grpc import InferResult

    from sonic.message import Format, Message

__all__ = ["Model", "Reply", "Transport", "TritonTransport"]


@dataclass(frozen=True)
class Model:
    """The model that a client asks.

    Attributes:
        format: the wire format that it takes.
        network: name of the network in it.
        version: of the model.

    """

    format: Format
    network: str
    version: str

    @property
    def name(self) -> str:
        """Name of the model in the server's repository."""
        return self.format.model_name(self.network)


@dataclass(frozen=True, eq=False)
class Reply:
    """How one request ended: with an answer or with an error, never both."""

    number: int
    """The number that the request was sent under."""
    answer: Answer | None = None
    error: SonicError | None = None
    bytes_received: int = 0


class Transport(Protocol):
    """One endpoint."""

    @property
    def endpoint(self) -> str:
        """host:port."""
        ...

    def check(self, timeout_s: float) -> int:
        """Return the most patches that the endpoint takes in a request, once it is ready and serves our network.

        Raises:
            EndpointAway: it does not answer, says that it is not ready, or is not trusted.
            TokenRefused: it wants a token, or another one.
            ModelMissing: it has no such model or version.
            ModelMismatch: the model's tensors are other ones.
            RequestRefused: it does not let us ask.
            CredentialsUnusable: the token file cannot be used.

        """
        ...

    def send(self, number: int, message: Message, timeout_s: float, done: Callable[[Reply], None]) -> int:
        """Send one request and return at once; `done` is called once, from any thread, when it ended.

        Returns:
            Bytes handed over.

        """
        ...

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        ...


class TritonTransport:
    """An endpoint that speaks KServe v2 over gRPC: Triton, or Envoy before several of them.

    The channel is made here: construct it after any fork.

    Args:
        endpoint: host:port.
        model: What to ask there.
        credentials: Certificates and token.

    Raises:
        CredentialsUnusable: one of them cannot be used, or no longer.

    """

    def __init__(self, endpoint: str, model: Model, credentials: Credentials = Credentials()) -> None:  # noqa: B008  # frozen
        credentials.check(endpoint)
        self._endpoint = endpoint
        self._model = model
        self._token = Token(credentials.token_file) if credentials.token_file else None
        self._channel = open_channel(endpoint, credentials)
        self._questions = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        self._calls = InferCalls(self._channel)

    @property
    def endpoint(self) -> str:
        """host:port."""
        return self._endpoint

    def check(self, timeout_s: float) -> int:
        """Return the most patches that the endpoint takes in a request; see `Transport.check`."""
        asked = {"timeout": timeout_s, "metadata": self._metadata()}
        model = {"name": self._model.name, "version": self._model.version}
        try:
            if not self._questions.ServerReady(service_pb2.ServerReadyRequest(), **asked).ready:
                raise EndpointNotReady(f"{self._endpoint}: the server is up, but not ready")
            metadata = self._questions.ModelMetadata(service_pb2.ModelMetadataRequest(**model), **asked)
            config = self._questions.ModelConfig(service_pb2.ModelConfigRequest(**model), **asked).config
            ready = self._questions.ModelReady(service_pb2.ModelReadyRequest(**model), **asked).ready
        except grpc.RpcError as error:
            raise sonic_error(triton_error(error), self._endpoint) from error
        if not ready:
            raise EndpointNotReady(
                f"{self._endpoint}: model {self._model.name} version {self._model.version} is not ready"
            )
        self._check_tensors(metadata)
        return self._most_patches(config)

    def _check_tensors(self, metadata: Any) -> None:  # noqa: ANN401  # a protobuf message, generated without types
        found = {t.name: Tensor(t.datatype, tuple(t.shape)) for t in [*metadata.inputs, *metadata.outputs]}
        wanted = self._model.format.tensors
        if found != wanted:
            message = (
                f"{self._endpoint}: the tensors of {self._model.name} are {found}, those of EmTrackMichelId in the "
                f"format {self._model.format.name} are {wanted}; check the campaign's network, the site's wire_format "
                "and the server's model repository"
            )
            raise ModelMismatch(message)

    def _most_patches(self, config: Any) -> int:  # noqa: ANN401  # as above
        """Return what a model's configuration says of the size of a request."""
        parameters = {name: parameter.string_value for name, parameter in config.parameters.items()}
        for name, wanted in self._model.format.parameters.items():
            if parameters.get(name) != wanted:
                message = f"{self._endpoint}: {name} of {self._model.name} is {parameters.get(name)}, ours is {wanted}"
                raise ModelMismatch(f"{message}; use the model repository of this version, or wire_format: patches")
        if not self._model.format.patches_parameter:
            return max(1, int(config.max_batch_size))
        text = parameters.get(self._model.format.patches_parameter, "")
        if not text.isdecimal() or not int(text):
            message = f"{self._endpoint}: {self._model.format.patches_parameter} of {self._model.name} is '{text}'"
            raise ModelMismatch(f"{message}, not a number of patches; check the server's model repository")
        return int(text)

    def send(self, number: int, message: Message, timeout_s: float, done: Callable[[Reply], None]) -> int:
        """Send one request and return at once; see `Transport.send`."""

        def finish(result: InferResult | None, error: InferenceServerException | None) -> None:
            done(self._reply(number, result, error))

        model, name = self._model, self._model.format.input_name
        datatype, request = model.format.tensors[name].datatype, b""
        try:
            request = request_bytes(model.name, model.version, number, name, datatype, message.tensor)
            self._calls.start(request, timeout_s, self._metadata(), finish)
        except (CredentialsUnusable, RequestRefused) as error:
            done(Reply(number, error=error))
        except ValueError as error:
            done(Reply(number, error=EndpointAway(f"{self._endpoint}: the connection was closed here: {error}")))
        return len(request)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return () if self._token is None else tuple(self._token.headers().items())

    def _reply(self, number: int, result: InferResult | None, error: InferenceServerException | None) -> Reply:
        if error is not None:
            ours = sonic_error(error, self._endpoint)
            ours.__cause__ = error
            return Reply(number, error=ours)
        try:
            answer = Answer(self._output(result, EM_TRK_NONE_OUTPUT), self._output(result, MICHEL_OUTPUT))
        except BadAnswer as bad:
            return Reply(number, error=bad)
        return Reply(number, answer, bytes_received=int(result.get_response().ByteSize()) if result is not None else 0)

    def _output(self, result: InferResult | None, name: str) -> NDArray[np.float32]:
        """Return a tensor of an answer, which may be anything: an error here would leave the sender waiting."""
        wanted = self._model.format.tensors[name]
        output = None if result is None else result.get_output(name)
        if result is None or output is None:
            raise AnswerIncomplete(f"{self._endpoint}: the answer holds no {name}")
        if output.datatype != wanted.datatype:
            raise BadAnswer(f"{self._endpoint}: {name} came as {output.datatype}, not as {wanted.datatype}")
        try:
            tensor: NDArray[np.float32] = result.as_numpy(name)
        except ValueError as error:  # its shape says another number of bytes
            raise AnswerIncomplete(f"{self._endpoint}: the answer holds no whole {name}") from error
        # The model of `views` answers with a batch of one message.
        return tensor[0] if len(wanted.shape) == tensor.ndim == 3 and len(tensor) == 1 else tensor

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        self._channel.close()
