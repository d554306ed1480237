"""Parts of benchmarks/inference.py: jobs that score events as fast as they can, in slices that take turns."""

from __future__ import annotations
