"""The committed network does what its card says, without torch."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from jobs.reco.training_set import TrainingSet, draw_training_set
from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT
from sonic.server.models import DEMO_CARD, DEMO_MODEL
from sonic.server.models.quality import ModelCard, file_sha256, measure_separation, run_model


@pytest.fixture(scope="module")
def unseen() -> TrainingSet:
    """Hits of events from a seed that is neither the training's nor the evaluation's."""
    return draw_training_set(24, 20_211, hits_per_event=300, balanced=False)


@pytest.fixture(scope="module")
def card() -> ModelCard:
    """The committed model card."""
    return ModelCard.model_validate_json(DEMO_CARD.read_text())


def test_network_separates_tracks_from_showers_on_unseen_events(unseen: TrainingSet, card: ModelCard) -> None:
    """ROC AUC of track against EM is above 0.95 on events that the network has not seen, as the card says."""
    assert unseen.seed not in {card.generator_seed, card.evaluation_generator_seed}

    found = measure_separation(DEMO_MODEL, unseen.patches, unseen.label, unseen.michel)

    assert found.auc_track_em > 0.95
    assert found.auc_michel > 0.8
    assert abs(found.auc_track_em - card.separation.auc_track_em) < 0.03


def test_scores_are_not_trivial(unseen: TrainingSet) -> None:
    """All three classes are found, by far not every score is 0 or 1, and rows sum to 1."""
    scores, michel = run_model(DEMO_MODEL, unseen.patches)

    assert set(scores.argmax(axis=1)) == {0, 1, 2}
    assert ((scores.max(axis=1) > 0.4) & (scores.max(axis=1) < 0.99)).mean() > 0.05
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert michel.min() >= 0
    assert michel.max() <= 1


@pytest.mark.parametrize("batch_patches", [1, 2, 3, 7, 16, 100, 235, 256, 511])
def test_scores_do_not_depend_on_the_batch(unseen: TrainingSet, batch_patches: int) -> None:
    """A patch gets the same bits alone, in any batch, and at any place in it: everybody may batch as they like."""
    session = onnxruntime.InferenceSession(DEMO_MODEL, providers=["CPUExecutionProvider"])
    patches = unseen.patches[:512]
    names = [EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT]
    whole = session.run(names, {INPUT: patches})

    parts = [session.run(names, {INPUT: patches[i : i + batch_patches]}) for i in range(0, 512, batch_patches)]

    for number in (0, 1):
        assert np.array_equal(np.concatenate([part[number] for part in parts]), whole[number])


def test_card_is_of_this_file(card: ModelCard) -> None:
    """The card's checksum is the file's, so its numbers are this network's, and the file is small."""
    assert card.sha256 == file_sha256(DEMO_MODEL)
    assert DEMO_MODEL.stat().st_size < 2_000_000
    assert card.generator_seed != card.evaluation_generator_seed
