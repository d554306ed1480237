"""Writes to the job's log. A disk that is full takes no line of it: that costs the line, and never the job."""

from __future__ import annotations

import sys
from contextlib import suppress

__all__ = ["say"]


def say(text: str) -> None:
    """Write text, which ends its own lines, to stderr, where HTCondor puts the job's log; it may get lost."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
