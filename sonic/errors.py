"""What can go wrong between a job and the network's scores; each kind has an exit class of its own in `jobs`.

    SonicError
    ├── EndpointAway              nobody answers: waiting or another endpoint helps
    │   ├── EndpointNotReady          it answers, and says that it or its model is not ready
    │   ├── EndpointSilent            it accepts what is sent and does not answer in time
    │   ├── EndpointOverloaded        it answers that its queue is full
    │   └── EndpointUntrusted         TLS fails: a certificate has expired, or is not one that we trust
    ├── RequestRefused            the server understood and said no: asking again does not help
    │   ├── TokenRefused              no token, or one that it does not accept
    │   ├── ModelMissing              no such model or version there
    │   ├── ModelMismatch             the model there has other tensors than ours
    │   └── RequestTooLarge           more bytes or patches than it, or something before it, takes
    ├── BadAnswer                 an answer that cannot be this request's scores
    │   ├── AnswerIncomplete          fewer rows than were asked for, or a tensor missing
    │   └── AnswerNotFinite           NaN, or values that are no probabilities
    ├── CredentialsUnusable       our token, certificate, key or CA file cannot be read
    ├── MessageDamaged            what reached the server is not what was sent: sending it again helps
    ├── MessageInvalid            a `views` message that breaks the rules of the format
    ├── ModelUnusable             the model file for the cpu flavour is missing or not a network of ours
    └── SetupFailed               a program that a server needs cannot be fetched, unpacked or started

Errors of tritonclient and gRPC become these in `sonic.foreign_errors`, those of ONNX Runtime in `sonic.local`, always
chained with ``from``. This module travels to the servers, so it imports nothing of the project.
"""

from __future__ import annotations

__all__ = [
    "AnswerIncomplete",
    "AnswerNotFinite",
    "BadAnswer",
    "CredentialsUnusable",
    "EndpointAway",
    "EndpointNotReady",
    "EndpointOverloaded",
    "EndpointSilent",
    "EndpointUntrusted",
    "MessageDamaged",
    "MessageInvalid",
    "ModelMismatch",
    "ModelMissing",
    "ModelUnusable",
    "RequestRefused",
    "RequestTooLarge",
    "SetupFailed",
    "SonicError",
    "TokenRefused",
]


class SonicError(Exception):
    """Base of everything that this package raises."""


class EndpointAway(SonicError):
    """No answer from the endpoint; another endpoint or a later try may help."""


class EndpointNotReady(EndpointAway):
    """The endpoint answered that it, or the model, is not ready."""


class EndpointSilent(EndpointAway):
    """The endpoint took the request and did not answer in time."""


class EndpointOverloaded(EndpointAway):
    """The endpoint answered that its queue is full; a later try helps."""


class EndpointUntrusted(EndpointAway):
    """No TLS connection: a certificate has expired, or one of the two sides does not trust the other's."""


class RequestRefused(SonicError):
    """The server understood the request and refused it; the same request will be refused again."""


class TokenRefused(RequestRefused):
    """The endpoint wants a token, or another one than ours."""


class ModelMissing(RequestRefused):
    """The endpoint has no model of this name and version."""


class ModelMismatch(RequestRefused):
    """The model's tensors are not those of the network that the campaign asks for."""


class RequestTooLarge(RequestRefused):
    """The request has more bytes or patches than the endpoint takes."""


class BadAnswer(SonicError):
    """The server answered with something that cannot be this request's scores."""


class AnswerIncomplete(BadAnswer):
    """The answer has fewer rows than hits were asked about, or lacks a tensor."""


class AnswerNotFinite(BadAnswer):
    """The answer holds NaN or values that are no probabilities."""


class CredentialsUnusable(SonicError):
    """A token, certificate, key or CA file of ours is missing, not private, or not what it should be."""


class MessageDamaged(SonicError):
    """A message whose checksum is wrong: something between client and server changed it."""


class MessageInvalid(SonicError):
    """A message that breaks the rules of its format; the same message will be refused again."""


class ModelUnusable(SonicError):
    """The model file of the cpu flavour cannot be loaded."""


class SetupFailed(SonicError):
    """A program that the inference side of a pool needs cannot be fetched, unpacked or started."""
