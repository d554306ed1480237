"""Inference as a service for one job: views in, scores out; knows no campaign and no HTCondor."""

from __future__ import annotations

import os

from sonic.errors import SonicError
from sonic.scores import Scorer, Scores
from sonic.view import View

__all__ = ["Scorer", "Scores", "SonicError", "View"]

# ONNX Runtime reports its use to its maker unless this is set before it is loaded, and `sonic.local` loads it: a worker
# of somebody else's site must not talk to third parties.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
