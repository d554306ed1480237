"""What must come out: every event of every input with its scores, computed here, in one process, undisturbed.

The inputs' untouched copies are read, and the network runs without HTCondor, without a pool and without a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.read import open_events
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from measure.chaos.truth import TrueEvent, TrueFile
from sonic.local import LocalScorer
from sonic.server.models import DEMO_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["compute_truth"]


def compute_truth(paths: Iterable[Path]) -> dict[str, TrueFile]:
    """Score every event of some files; returns what must come out, by the name of each file."""
    with LocalScorer(DEMO_MODEL) as scorer:
        return {path.name: _score_file(path, scorer) for path in paths}


def _score_file(path: Path, scorer: LocalScorer) -> TrueFile:
    events = []
    with open_events(str(path)) as file:
        for event in file.events(0, file.n_events):
            built = build_views(event, file.channels, DEFAULT_ADC_PER_ELECTRON)
            scores = np.zeros((len(event.hits.channel), 4), dtype=np.float32)
            if built.views:
                answers = scorer.score(built.views)
                scores[built.hit_index, :3] = np.concatenate([answer.em_trk_none for answer in answers])
                scores[built.hit_index, 3] = np.concatenate([answer.michel for answer in answers])
            identity = (event.id.run, event.id.subrun, event.id.event)
            events.append(TrueEvent(identity, event.hits.channel.copy(), scores))
        return TrueFile(file.uuid, tuple(events))
