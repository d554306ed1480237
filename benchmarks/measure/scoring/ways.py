"""The four ways to get patches scored that are compared, each in a closed loop that a meter watches and ends."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal

import onnxruntime
from tritonclient.grpc import InferenceServerClient, InferInput

from measure.errors import BenchmarkFailed
from measure.scoring.meter import TimeUp
from sonic.client import Client
from sonic.credentials import Credentials
from sonic.formats import format_named
from sonic.network import INPUT, MODEL_NAME, MODEL_VERSION
from sonic.transport import Model, TritonTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Self

    import numpy as np
    from numpy.typing import NDArray

    from measure.scoring.meter import Meter
    from sonic import View
    from sonic.message import Message
    from sonic.transport import Reply, Transport
    from sonic.wire_format import WireFormat

__all__ = ["WAYS", "BareLoop", "ClientLoop", "LocalLoop", "WayName"]

WayName = Literal["onnx", "bare", "patches", "views"]

WAYS: dict[WayName, str] = {
    "onnx": "ONNX Runtime alone",
    "bare": "bare tritonclient",
    "patches": "Client, patches",
    "views": "Client, views",
}
"""What each is called in tables, in the order of the letters that the docs give them."""

_WINDOW_REQUESTS = 4
_PATIENCE_S = 120.0


class LocalLoop:
    """ONNX Runtime in this process, on patches that are there: what the same cores do when they do nothing else."""

    def __init__(self, model: Path, threads: int, batches: Sequence[NDArray[np.float32]]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._batches = batches
        self._session.run(None, {INPUT: batches[0]})

    def run(self, meter: Meter) -> int:
        """Score until the time is up; return how many requests were sent again."""
        with suppress(TimeUp):
            for patches in itertools.cycle(self._batches):
                meter.sending()
                self._session.run(None, {INPUT: patches})
                meter.answered(len(patches))
        return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""


class BareLoop:
    """The fastest simple thing: tritonclient, four requests in flight, patches cut beforehand, nothing checked."""

    def __init__(self, endpoint: str, batches: Sequence[NDArray[np.float32]]) -> None:
        self._client = InferenceServerClient(endpoint)
        self._batches = batches
        self._client.is_server_ready()

    def run(self, meter: Meter) -> int:
        """Score until the time is up; return how many requests were sent again."""
        room = threading.Semaphore(_WINDOW_REQUESTS)
        errors: list[Exception] = []

        def done(n_patches: int, result: Any, error: Exception | None) -> None:  # noqa: ANN401  # tritonclient's own
            if error is None:
                meter.answered(n_patches)
            else:
                errors.append(error)
            room.release()

        with suppress(TimeUp):
            for patches in itertools.cycle(self._batches):
                if not room.acquire(timeout=_PATIENCE_S):
                    raise BenchmarkFailed(f"the bare loop got no answer within {_PATIENCE_S:.0f} s")
                if errors:
                    raise BenchmarkFailed(f"the bare loop got an error: {errors[0]}")
                meter.sending()
                tensor = InferInput(INPUT, list(patches.shape), "FP32")
                tensor.set_data_from_numpy(patches)
                self._client.async_infer(MODEL_NAME, [tensor], partial(done, len(patches)))
                meter.sent(len(patches), patches.nbytes)
        return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel what is in flight."""
        self._client.close()


class ClientLoop:
    """The client that jobs use, from views to scores of hits, with all that it cuts, packs, checks and sorts."""

    def __init__(self, endpoint: str, wire_format: WireFormat, events: Sequence[Sequence[View]]) -> None:
        self._meter: Meter | None = None
        model = Model(format_named(wire_format), MODEL_NAME, MODEL_VERSION)
        self._client = Client([endpoint], wire_format=wire_format, open_transport=partial(self._open, model))
        self._events = events
        if not self._client.reachable():
            raise BenchmarkFailed(f"{endpoint} does not answer")

    def _open(self, model: Model, endpoint: str) -> Transport:
        return _MeteredTransport(TritonTransport(endpoint, model, Credentials()), lambda: self._meter)

    def run(self, meter: Meter) -> int:
        """Score until the time is up; return how many requests were sent again."""
        self._meter = meter
        with suppress(TimeUp):
            for views in itertools.cycle(self._events):
                self._client.score(views)
        return self._client.traffic().retries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel what is in flight."""
        self._client.close()


class _MeteredTransport:
    """A transport whose requests and answers are counted."""

    def __init__(self, inner: TritonTransport, meter: Callable[[], Meter | None]) -> None:
        self._inner = inner
        self._meter = meter

    @property
    def endpoint(self) -> str:
        return self._inner.endpoint

    def check(self, timeout_s: float) -> int:
        return self._inner.check(timeout_s)

    def send(self, number: int, message: Message, timeout_s: float, done: Callable[[Reply], None]) -> int:
        meter = self._meter()
        if meter is None:
            return self._inner.send(number, message, timeout_s, done)
        meter.sending()
        n_patches = message.span.size

        def counted(reply: Reply) -> None:
            if reply.answer is not None:
                meter.answered(n_patches)
            done(reply)

        n_bytes = self._inner.send(number, message, timeout_s, counted)
        meter.sent(n_patches, n_bytes)
        return n_bytes

    def close(self) -> None:
        self._inner.close()
