"""EmTrackMichelId for Triton: the demo network, how it is built and trained, and what runs it in the server."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DEMO_CARD", "DEMO_MODEL", "PACKAGE", "PATCHES_MODEL", "TRAVELLING", "VIEWS_MODEL"]

DEMO_MODEL = Path(__file__).parent / "cnn_emtrkmichel_1" / "1" / "model.onnx"
"""The small network of the demo and the tests: same tensors as the experiment's, trained on generated events."""

DEMO_CARD = DEMO_MODEL.with_name("model_card.json")
"""How `DEMO_MODEL` was trained and how well it separates (`sonic.server.models.card`)."""

PACKAGE = Path(__file__).parents[2]
"""Folder of the package `sonic`."""

PATCHES_MODEL = Path(__file__).with_name("patches_model.py")
VIEWS_MODEL = Path(__file__).with_name("views_model.py")
"""Run inside Triton, which has its own environment: files to copy, not modules to import here."""

TRAVELLING = tuple(
    PACKAGE / name
    for name in (
        "errors.py",
        "network.py",
        "server/models/network_session.py",
        "strip_patches.py",
        "view_message.py",
    )
)
"""What the models import of this package; copied beside them, where Triton's Python finds it."""
