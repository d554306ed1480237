"""The facts of EmTrackMichelId, in one place for client, server and training.

Names, shapes and scaling are the experiment's: larrecodnn ``ImagePatternAlgs/scripts/train_cnn.py`` (architecture),
dunesw ``fcl/common/featurelabelingmodules.fcl`` (patch and clipping), LArSoft's wiki page "GPU as a Service" (the
served model and its tensors).
"""

from __future__ import annotations

__all__ = [
    "ADC_MAX",
    "ADC_MIN",
    "DRIFT_WINDOW_TICKS",
    "EM_TRK_NONE_LABELS",
    "EM_TRK_NONE_OUTPUT",
    "INPUT",
    "MICHEL_OUTPUT",
    "MODEL_NAME",
    "MODEL_VERSION",
    "OUT_MAX",
    "OUT_MIN",
    "PATCH_BYTES",
    "PATCH_PIXELS",
]

MODEL_NAME = "cnn_emtrkmichel_1"
MODEL_VERSION = "1"

INPUT = "main_input"
"""float32 [n, 48, 48, 1]: wire, drift, channel."""

EM_TRK_NONE_OUTPUT = "em_trk_none_netout/Softmax"
"""float32 [n, 3], in the order of `EM_TRK_NONE_LABELS`."""

MICHEL_OUTPUT = "michel_netout/Sigmoid"
"""float32 [n, 1]."""

EM_TRK_NONE_LABELS = ("track", "em", "none")

PATCH_PIXELS = 48
"""Pixels of a patch along the wires and along the drift: wires [w-24, w+24), drift pixels [d-24, d+24)."""

PATCH_BYTES = PATCH_PIXELS * PATCH_PIXELS * 4

DRIFT_WINDOW_TICKS = 6
"""Ticks averaged into one drift pixel."""

ADC_MIN = -10.0
ADC_MAX = 30.0
"""A pixel is clipped to [ADC_MIN, ADC_MAX] ..."""

OUT_MIN = -5.0
OUT_MAX = 15.0
"""... and mapped linearly to [OUT_MIN, OUT_MAX], so that a silent wire stays exactly zero."""
