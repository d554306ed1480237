"""Texts of a site config that other programs must understand: ClassAd expressions and endpoints."""

from __future__ import annotations

import re
from typing import Annotated

import classad2
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

__all__ = ["EMBEDDED", "Endpoint", "SlotExpression", "mistake", "plain_expression"]

EMBEDDED = "embedded"
"""The word for the load balancer of the embedded pool, whose port is known only while it runs."""

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_OF_THE_JOB = re.compile(r"(?<![\w.])MY\s*\.\s*(\w+)", re.IGNORECASE)


def mistake(what: str, remedy: str, key: str = "") -> PydanticCustomError:
    """Return the error that a validator raises; it becomes a `Problem` with file, line and key.

    Args:
        what: what is wrong, with the value.
        remedy: what to do.
        key: for a validator of the whole model, the key that is to blame.

    """
    return PydanticCustomError("site", "{what}", {"what": what, "remedy": remedy, "key": key})


def plain_expression(expression: str) -> str:
    """Return a ClassAd expression as HTCondor prints it, so that two that differ only in white space are equal."""
    return str(classad2.ExprTree(expression)).strip()


def _check_expression(text: str) -> str:
    expression = " ".join(text.split())
    try:
        classad2.ExprTree(f"({expression})")  # in parentheses, as requirements hold it: `a; b` is then no expression
    except classad2.ClassAdException as error:
        remedy = 'write it like GLIDEIN_Site == "FNAL" && HasCVMFS; text is in double quotes, equality is =='
        raise mistake(f"{text!r} is not a ClassAd expression", remedy) from error
    of_the_job = _OF_THE_JOB.search(_TEXT.sub('""', expression))
    if of_the_job:
        remedy = f"write {of_the_job[1]}; the expression is about the slot"
        raise mistake(f"{text!r} asks for {of_the_job[0]}, which is the job's", remedy)
    return expression


def _check_endpoint(text: str) -> str:
    if text == EMBEDDED:
        return text
    host, colon, port = text.rpartition(":")
    host_ok = bool(host) and not any(character.isspace() or character == "/" for character in host)
    bracketed = host.startswith("[") and host.endswith("]")
    if not (colon and host_ok and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        remedy = f"write host:port of the gRPC service, like triton.example.org:8001, or the word {EMBEDDED}"
        raise mistake(f"{text!r} is not an endpoint", remedy)
    if ":" in host and not bracketed:
        raise mistake(f"{text!r} is not an endpoint", "write an IPv6 address in brackets, like [2001:db8::1]:8001")
    return text


SlotExpression = Annotated[str, AfterValidator(_check_expression)]
"""On one line, because a submit description has no room for line breaks."""

Endpoint = Annotated[str, AfterValidator(_check_endpoint)]
