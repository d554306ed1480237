"""Inference as a service for one job: views in, scores out; knows no campaign and no HTCondor."""

from __future__ import annotations

from sonic.errors import SonicError
from sonic.scores import Scorer, Scores
from sonic.view import View

__all__ = ["Scorer", "Scores", "SonicError", "View"]
