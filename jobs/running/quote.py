"""Puts text into a submit description so that it comes out again as it was: HTCondor has two ways of quoting."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["quote_classad", "quote_words"]


def quote_classad(text: str) -> str:
    """Return a ClassAd string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quote_words(words: Sequence[str]) -> str:
    """Quote arguments or variables in HTCondor's new syntax: the whole in double quotes, each word in single ones."""
    quoted = ("'" + word.replace("'", "''").replace('"', '""') + "'" for word in words)
    return '"' + " ".join(quoted) + '"'
