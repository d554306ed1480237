"""How a job ends, sorted by who must act: the one table that payload, HTCondor's retries and reports share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["EXITS", "Exit", "ExitClass", "exit_class_of"]


class ExitClass(StrEnum):
    """Why a job's attempt ended; written into its record."""

    DONE = "done"
    BUG = "bug"
    USAGE = "usage"
    BAD_INPUT = "bad_input"
    INPUT_AWAY = "input_away"
    POOL_AWAY = "pool_away"
    POOL_REFUSED = "pool_refused"
    WORKER = "worker"
    OUTPUT = "output"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Exit:
    """One row of the table."""

    code: int
    """Exit status of the payload."""
    retry: bool
    """Whether HTCondor runs the job again, up to the campaign's `max_retries`."""
    who: str
    """Who must act if it stays that way."""
    meaning: str


EXITS: dict[ExitClass, Exit] = {
    ExitClass.DONE: Exit(0, False, "nobody", "every event of the job is in its output"),
    ExitClass.BUG: Exit(1, True, "developers", "an error that nobody foresaw; the traceback is in the job's log"),
    ExitClass.USAGE: Exit(2, False, "production team", "the payload was called with wrong arguments"),
    ExitClass.BAD_INPUT: Exit(
        10,
        False,
        "owner of the data",
        "the input file or one of its events cannot be used; file and entry are named",
    ),
    ExitClass.INPUT_AWAY: Exit(
        11,
        True,
        "storage administrators",
        "the input cannot be opened now: a server or a file system is away",
    ),
    ExitClass.POOL_AWAY: Exit(20, True, "pool administrators", "no inference endpoint answered in time"),
    ExitClass.POOL_REFUSED: Exit(
        21, False, "production team", "the inference pool refuses the request: model, version, shape or size"
    ),
    ExitClass.WORKER: Exit(
        30, True, "site administrators", "the worker lacks something: memory, a library, the model file"
    ),
    ExitClass.OUTPUT: Exit(
        31, True, "storage administrators", "the output cannot be written: disk full, quota, permission"
    ),
    ExitClass.STOPPED: Exit(
        40,
        True,
        "nobody",
        "HTCondor or a person asked the job to stop (SIGTERM); it left nothing half-written",
    ),
}


def exit_class_of(code: int) -> ExitClass:
    """Return the class of an exit status; a status that is not in the table is a bug's."""
    for exit_class, row in EXITS.items():
        if row.code == code:
            return exit_class
    return ExitClass.BUG
