"""EmTrackMichelId for Triton: the demo network, how it is built and trained, and what runs it in the server."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BACKEND", "DEMO_CARD", "DEMO_MODEL"]

DEMO_MODEL = Path(__file__).parent / "cnn_emtrkmichel_1" / "1" / "model.onnx"
"""The small network of the demo and the tests: same tensors as the experiment's, trained on generated events."""

DEMO_CARD = DEMO_MODEL.with_name("model_card.json")
"""How `DEMO_MODEL` was trained and how well it separates (`sonic.server.models.card`)."""

BACKEND = Path(__file__).with_name("backend.py")
"""Runs inside Triton, which has its own environment: a file to copy, not a module to import here."""
