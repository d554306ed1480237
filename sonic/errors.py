"""What can go wrong between a job and the network's scores.

    SonicError
    ├── EndpointAway          nobody answers, or not in time: waiting or another endpoint helps
    │   └── EndpointOverloaded    it answers that it is full
    ├── RequestRefused        the server understood and said no: asking again does not help
    │   ├── ModelMissing          no such model or version there
    │   └── ModelMismatch         the model there has other tensors than ours
    ├── BadAnswer             an answer that cannot be scores: wrong length, NaN
    ├── ModelUnusable         the model file for the cpu flavour is missing or not a network of ours
    └── SetupFailed           a program that a server needs cannot be fetched, unpacked or started

Errors of tritonclient and gRPC become these in `sonic.transport`, those of ONNX Runtime in `sonic.local`, always
chained with ``from``.
"""

from __future__ import annotations

__all__ = [
    "BadAnswer",
    "EndpointAway",
    "EndpointOverloaded",
    "ModelMismatch",
    "ModelMissing",
    "ModelUnusable",
    "RequestRefused",
    "SetupFailed",
    "SonicError",
]


class SonicError(Exception):
    """Base of everything that this package raises."""


class EndpointAway(SonicError):
    """No answer from the endpoint in time; another endpoint or a later try may help."""


class EndpointOverloaded(EndpointAway):
    """The endpoint answered that its queue is full; a later try helps."""


class RequestRefused(SonicError):
    """The server understood the request and refused it; the same request will be refused again."""


class ModelMissing(RequestRefused):
    """The endpoint has no model of this name and version."""


class ModelMismatch(RequestRefused):
    """The model's tensors are not those of the network that the campaign asks for."""


class BadAnswer(SonicError):
    """The server answered with something that cannot be this request's scores."""


class ModelUnusable(SonicError):
    """The model file of the cpu flavour cannot be loaded."""


class SetupFailed(SonicError):
    """A program that the inference side of a pool needs cannot be fetched, unpacked or started."""
