"""What holds for every test."""

from __future__ import annotations

import os

# Tests load ONNX Runtime by themselves too; it must not report to its maker from here either.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
