"""The test vector of the wire formats, for those who write a client in another language.

`python -m tests.builders.wire_vector`, in the checkout, writes it into docs/reference/vectors; a test holds it against
the code. Whoever changes it changes what other people's tests compare with, so it changes with the format's version
only.

    strip.json     size of the strip, and its hit pixels
    strip.f32      its pixels, float32 little-endian, row by row
    message.bin    the message of the `views` format for it
    patches.f32    the first two of its patches, as the `patches` format sends them
    scores.json    the demo network's outputs for all its patches, row by row in the order of the hit pixels
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sonic.network import EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT, MODEL_NAME
from sonic.server.models import DEMO_MODEL
from sonic.server.models.quality import file_sha256, run_model
from sonic.strip_patches import StripPatches
from sonic.view_message import Strip, pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FOLDER", "N_PATCHES_SHOWN", "make_strip", "patches_of", "write"]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference" / "vectors"

N_PATCHES_SHOWN = 2

_N_WIRES, _N_DRIFT = 60, 70
_PULSE = (0.375, 1.5, 3.25, 1.75, 0.5)
"""Pixels of a hit along the drift; its third one is the hit's."""


def make_strip() -> Strip:
    """Return two tracks that cross, one of which comes back in drift, with a hit on every third wire of each.

    One pixel is a negative zero and one is negative, so that a client that takes either for nothing shows.
    """
    pixels = np.zeros((_N_WIRES, _N_DRIFT), np.float32)
    hits = set()
    for wire in range(_N_WIRES):
        for drift, charge in ((5 + wire, 1.0), (64 - wire // 2, 2.0 + wire % 7 / 8)):
            pixels[wire, drift - 2 : drift + 3] += np.float32(charge) * np.array(_PULSE, np.float32)
            if wire % 3 == 1:
                hits.add((wire, drift))
    np.minimum(pixels, 15, out=pixels)
    pixels[0, 1], pixels[30, 2] = -0.0, -0.625
    wire, drift = np.array(sorted(hits), np.int64).T
    return Strip(pixels, wire, drift)


def patches_of(message: bytes, n_patches: int) -> NDArray[np.float32]:
    """Return the patches that a server cuts from a message."""
    return StripPatches(np.frombuffer(message, np.uint8), most_patches=n_patches).cut(0, n_patches)


def write(folder: Path) -> None:
    """Write the vector into a folder."""
    strip = make_strip()
    message = pack(strip)
    patches = patches_of(message, len(strip.wire))
    em_trk_none, michel = run_model(DEMO_MODEL, patches)
    hits = [list(hit) for hit in zip(strip.wire.tolist(), strip.drift.tolist(), strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "strip.json", {"n_wires": _N_WIRES, "n_drift": _N_DRIFT, "hits": hits})
    (folder / "strip.f32").write_bytes(strip.pixels.astype("<f4").tobytes())
    (folder / "message.bin").write_bytes(message)
    (folder / "patches.f32").write_bytes(patches[:N_PATCHES_SHOWN].astype("<f4").tobytes())
    scores = {EM_TRK_NONE_OUTPUT: em_trk_none.tolist(), MICHEL_OUTPUT: michel[:, np.newaxis].tolist()}
    _write_json(folder / "scores.json", {"model": MODEL_NAME, "sha256": file_sha256(DEMO_MODEL), **scores})


def _write_json(file: Path, document: dict[str, object]) -> None:
    """Write one value of each list to a line."""
    lines = []
    for name, value in document.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"    {json.dumps(one)}" for one in value) + "\n  ]"
        lines.append(f"  {json.dumps(name)}: {text}")
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
