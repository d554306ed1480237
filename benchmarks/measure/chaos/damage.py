"""Damages files as disks and copies do: cut short, or some bytes of the compressed data changed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import uproot

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["damage_input", "tear_log"]

_CHANGED = 64
_KEY = 100
"""Bytes at the start of a basket that are its header."""


def damage_input(path: Path, variant: float) -> str:
    """Damage a ROOT file in place and return in words how.

    Args:
        path: of the file.
        variant: below 0.5 the file is cut short, else bytes of its largest branch are changed.

    """
    size = path.stat().st_size
    if variant < 0.5:
        with path.open("r+b") as file:
            file.truncate(size * 2 // 3)
        return f"cut to {size * 2 // 3} of {size} bytes"
    with uproot.open(path) as file:
        branch = max(file["events"].branches, key=lambda one: int(one.compressed_bytes))
        name, seek = str(branch.name), int(branch.member("fBasketSeek")[0])
        length = int(branch.member("fBasketBytes")[0])
    at = seek + _KEY + (length - _KEY) // 2
    noise = random.Random(variant).randbytes(_CHANGED)  # noqa: S311  # no secret
    with path.open("r+b") as file:
        file.seek(at)
        file.write(noise)
    return f"{_CHANGED} bytes changed at byte {at}, in branch {name}"


def tear_log(path: Path, variant: float) -> str:
    """Append the beginning of an event to an event log, as a writer does that is killed in the middle."""
    head = (
        b"006 (001.000.000) 2026-01-01 00:00:00 Image size of job updated: 123456\n\t12  -  MemoryUsage of job (MB)\n"
    )
    piece = head[: 1 + int(variant * (len(head) - 1))]
    with path.open("ab") as file:
        file.write(piece)
    return f"{len(piece)} bytes of an event"
