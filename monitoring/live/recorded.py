"""The attempts of a store as columns: the live page and the report get the same numbers by the same functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jobs.exits import ExitClass
from monitoring.attempts import COUNTS, STAGES, VALUES, WORDS, Attempts, Category, ErrorText
from monitoring.throughput import group_rows, speed_ups, stage_rows

if TYPE_CHECKING:
    import sqlite3

    from monitoring.numbers import GroupRow, SpeedUp, StageRow

__all__ = ["groups_so_far", "load_attempts", "speed_ups_so_far", "stages_so_far"]

_FLOATS = (*VALUES, *STAGES)
_WORDS = (*WORDS, "model")


def load_attempts(connection: sqlite3.Connection) -> Attempts:
    """Return every attempt that left a record; times are those of the workers' clocks, as in the records."""
    columns: dict[str, Any] = {}
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: rows that know their names take twice as long
    table = cursor.execute(f"SELECT {', '.join((*COUNTS, *_FLOATS, *_WORDS))} FROM attempts").fetchall()
    for place, name in enumerate(COUNTS):
        columns[name] = np.array([row[place] for row in table], dtype=np.int64)
    for place, name in enumerate(_FLOATS, len(COUNTS)):
        columns[name] = np.array([row[place] for row in table], dtype=np.float64)
    for place, name in enumerate(_WORDS, len(COUNTS) + len(_FLOATS)):
        known: dict[str, int] = {}
        codes = [known.setdefault(row[place], len(known)) for row in table]
        columns[name] = Category(np.array(codes, dtype=np.int32), tuple(known))
    rows = connection.execute(
        "SELECT job, cluster, attempt, input_file, entry_start, entry_stop, error FROM attempts WHERE exit_class != ?",
        (ExitClass.DONE,),
    )
    return Attempts(**columns, errors={(row[0], row[1], row[2]): ErrorText(*row[3:]) for row in rows})


def speed_ups_so_far(attempts: Attempts) -> tuple[SpeedUp, ...]:
    """Compare the flavours on each CPU model that ran both, with errors, most jobs first."""
    return speed_ups(_counted(attempts))


def groups_so_far(attempts: Attempts) -> tuple[GroupRow, ...]:
    """Sum up the jobs that are done, per flavour and site."""
    return group_rows(_counted(attempts))


def stages_so_far(attempts: Attempts) -> tuple[StageRow, ...]:
    """Average the stages of the jobs that are done, per flavour and CPU model."""
    return stage_rows(_counted(attempts))


def _counted(attempts: Attempts) -> Attempts:
    """Return one successful attempt per job."""
    return attempts.where(attempts.done).one_per_job()
