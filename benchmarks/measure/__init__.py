"""What the benchmarks measure with, and the parts of those that have several."""

from __future__ import annotations
