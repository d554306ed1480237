"""How a benchmark fails: with one line that says what did not come out, never with a number that means nothing."""

from __future__ import annotations

__all__ = ["BenchmarkFailed"]


class BenchmarkFailed(Exception):
    """What was to be measured did not happen."""
