"""Lets a file say whether it is as it was written: JSON and YAML that hold the SHA-256 of their own content.

A bit that changes on a disk can leave a document well-formed and its numbers wrong. A document without a seal is taken
as it is: earlier versions wrote none.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ["Damaged", "seal_json", "seal_yaml", "unseal_json", "unseal_yaml"]

_JSON_SEAL = re.compile(rb',?\n "checksum": "([0-9a-f]{64})"\n\}\n\Z')
_YAML_FIRST = b"# The last line holds the SHA-256 of the lines above it.\n"
_YAML_LAST = re.compile(rb"# sha256: ([0-9a-f]{64})\n\Z")


class Damaged(ValueError):
    """A document is not as it was written; a ValueError, as what its parser raises."""

    def __init__(self) -> None:
        super().__init__("it is damaged: its content has another SHA-256 than it says itself")


def seal_json(document: bytes) -> bytes:
    """Return a JSON object with `checksum` as its last key: the SHA-256 of what is before the comma in front of it."""
    head = document.rstrip().removesuffix(b"}").rstrip()
    digest = hashlib.sha256(head).hexdigest().encode()
    return head + (b"" if head == b"{" else b",") + b'\n "checksum": "' + digest + b'"\n}\n'


def unseal_json(document: bytes) -> bytes:
    """Return the JSON object without its checksum.

    Raises:
        Damaged: the checksum is wrong.

    """
    seal = _JSON_SEAL.search(document)
    if seal is None:
        return document
    head = document[: seal.start()]
    if hashlib.sha256(head).hexdigest().encode() != seal[1]:
        raise Damaged
    return head + b"}"


def seal_yaml(document: bytes) -> bytes:
    """Return a YAML document with two comments that tell its SHA-256."""
    text = _YAML_FIRST + document
    return text + b"# sha256: " + hashlib.sha256(text).hexdigest().encode() + b"\n"


def unseal_yaml(document: bytes) -> bytes:
    """Return the YAML document, comments and all.

    Raises:
        Damaged: it was changed, or cut off.

    """
    if document.startswith(_YAML_FIRST):
        seal = _YAML_LAST.search(document)
        if seal is None or hashlib.sha256(document[: seal.start()]).hexdigest().encode() != seal[1]:
            raise Damaged
    return document
