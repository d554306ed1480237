"""The records of a campaign as columns: 100,000 attempts fit in memory and are summed by numpy, not by loops."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from jobs.exits import ExitClass

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COUNTS", "STAGES", "VALUES", "WORDS", "Attempts", "Category", "ErrorText"]

COUNTS = (
    *("job", "block", "cluster", "attempt", "events", "hits", "events_resumed", "hits_resumed"),
    *("bytes_sent", "bytes_received", "requests", "retries", "output_bytes"),
)
"""Columns of whole numbers."""

VALUES = ("started", "ended", "cpu_s", "max_rss_mb")
STAGES = ("startup_s", "read_s", "prepare_s", "inference_s", "write_s")
"""Columns of floating-point numbers, of the attempt and of its stages."""

WORDS = ("flavour", "site", "host", "cpu_model", "endpoint", "software_version", "exit_class")
"""Columns of words that a record has as they are; `model` is put together of two."""


@dataclass(frozen=True, eq=False)
class Category:
    """A column of few different words.

    Attributes:
        codes: int32 (n,), index into `labels`.
        labels: the words.

    """

    codes: NDArray[np.int32]
    labels: tuple[str, ...]

    def take(self, rows: NDArray[np.int64]) -> Category:
        """Return the column of these rows."""
        return Category(self.codes[rows], self.labels)

    def equals(self, label: str) -> NDArray[np.bool_]:
        """Return where the word is `label`."""
        if label not in self.labels:
            return np.zeros(len(self.codes), dtype=np.bool_)
        return np.equal(self.codes, self.labels.index(label))

    def present(self) -> tuple[str, ...]:
        """Return the words that occur, sorted."""
        return tuple(sorted(self.labels[code] for code in np.unique(self.codes)))


@dataclass(frozen=True, eq=False)
class ErrorText:
    """What an attempt that failed said, and about which events."""

    input_file: str
    entry_start: int
    entry_stop: int
    error: str


@dataclass(frozen=True, eq=False)
class Attempts:
    """Attempts of jobs, one row each; units as in jobs.record.

    Attributes:
        errors: by (job, cluster, attempt), for attempts that did not end as `done`.

    """

    job: NDArray[np.int64]
    block: NDArray[np.int64]
    cluster: NDArray[np.int64]
    attempt: NDArray[np.int64]
    events: NDArray[np.int64]
    hits: NDArray[np.int64]
    events_resumed: NDArray[np.int64]
    hits_resumed: NDArray[np.int64]
    bytes_sent: NDArray[np.int64]
    bytes_received: NDArray[np.int64]
    requests: NDArray[np.int64]
    retries: NDArray[np.int64]
    output_bytes: NDArray[np.int64]
    started: NDArray[np.float64]
    ended: NDArray[np.float64]
    cpu_s: NDArray[np.float64]
    max_rss_mb: NDArray[np.float64]
    startup_s: NDArray[np.float64]
    read_s: NDArray[np.float64]
    prepare_s: NDArray[np.float64]
    inference_s: NDArray[np.float64]
    write_s: NDArray[np.float64]
    flavour: Category
    site: Category
    host: Category
    cpu_model: Category
    endpoint: Category
    model: Category
    software_version: Category
    exit_class: Category
    errors: dict[tuple[int, int, int], ErrorText]

    def __len__(self) -> int:
        """Return the number of attempts."""
        return len(self.job)

    @property
    def events_made(self) -> NDArray[np.int64]:
        """Events that the attempt itself scored: what its seconds and bytes are for."""
        return self.events - self.events_resumed

    @property
    def hits_made(self) -> NDArray[np.int64]:
        """Hits of these events."""
        return self.hits - self.hits_resumed

    @property
    def wall_s(self) -> NDArray[np.float64]:
        """Seconds from start to end; never negative, even if the worker's clock was set back."""
        return np.maximum(self.ended - self.started, 0.0)

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which attempts succeeded."""
        return self.exit_class.equals(ExitClass.DONE)

    def where(self, mask: NDArray[np.bool_]) -> Attempts:
        """Return the attempts at which `mask` is true."""
        return self.take(np.flatnonzero(mask))

    def take(self, rows: NDArray[np.int64]) -> Attempts:
        """Return these rows, in this order."""
        columns: dict[str, Any] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            if isinstance(column, Category):
                columns[field.name] = column.take(rows)
            elif isinstance(column, np.ndarray):
                columns[field.name] = column[rows]
            else:
                columns[field.name] = column
        return Attempts(**columns)

    def one_per_job(self) -> Attempts:
        """Return the attempt of each job that was started last, ordered by job."""
        order = np.lexsort((self.attempt, self.started, self.job))
        job = self.job[order]
        last = np.ones(len(job), dtype=np.bool_)
        last[:-1] = job[1:] != job[:-1]
        return self.take(order[last])
