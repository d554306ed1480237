"""Benchmarks are run as scripts, which find their parts beside themselves; so must their tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
