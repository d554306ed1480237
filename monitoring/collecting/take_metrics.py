"""Samples of the inference pool's metrics into the store, fine for a day and one a minute for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.collecting.read_metrics import WANTED
from monitoring.store.schema import BIN_S, KEEP_FINE_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitoring.collecting.batch import Batch
    from monitoring.collecting.read_metrics import Answer

__all__ = ["settle_metrics", "take_metrics", "thin_samples"]


def take_metrics(batch: Batch, answers: Iterable[Answer]) -> None:
    """Take what servers said; one that says nothing is noted, and asked again the next time."""
    for answer in answers:
        if answer.error:
            text = f"{answer.url}: no metrics: {answer.error}; the numbers of this server are missing"
            batch.notes.say(answer.url, text, answer.at, standing=True)
            batch.notes.settle(answer.url, text)
            continue
        batch.notes.settle(answer.url)
        for sample in answer.samples:
            batch.connection.execute(
                "INSERT OR IGNORE INTO samples (series, at, value) VALUES (?, ?, ?)",
                (_series(batch, answer.url, sample.metric, sample.labels), answer.at, sample.value),
            )


def settle_metrics(batch: Batch) -> None:
    """End what stands about servers: nobody asks them any more."""
    for (url,) in batch.connection.execute(
        "SELECT source FROM notes WHERE standing AND source LIKE 'http%'"
    ).fetchall():
        batch.notes.settle(url)


def thin_samples(batch: Batch) -> None:
    """Leave one sample a minute of those that are older than a day."""
    batch.connection.execute(
        "DELETE FROM samples WHERE at < ? AND EXISTS (SELECT 1 FROM samples AS later "
        "WHERE later.series = samples.series AND later.at > samples.at "
        "AND later.at < (CAST(samples.at / ? AS INTEGER) + 1) * ?)",
        (batch.now - KEEP_FINE_S, BIN_S, BIN_S),
    )


def _series(batch: Batch, source: str, metric: str, labels: str) -> int:
    where = (source, metric, labels)
    found = batch.connection.execute(
        "SELECT id FROM series WHERE source = ? AND metric = ? AND labels = ?", where
    ).fetchone()
    if found is None:
        found = batch.connection.execute(
            "INSERT INTO series (source, metric, labels, kind) VALUES (?, ?, ?, ?) RETURNING id",
            (*where, WANTED[metric]),
        ).fetchone()
    return int(found[0])
