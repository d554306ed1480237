"""How a job ends, sorted by who must act: the one table that payload, HTCondor's retries and reports share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CHECKPOINT_EXIT", "EXITS", "Exit", "ExitClass", "exit_class_of"]

CHECKPOINT_EXIT = 85
"""Exit status of a job that has not ended: HTCondor is to bring its checkpoint home and to start it again at once.

It is HTCondor's `checkpoint_exit_code`, and used only where the submit description says so."""


class ExitClass(StrEnum):
    """Why a job's attempt ended; written into its record."""

    DONE = "done"
    BUG = "bug"
    USAGE = "usage"
    BAD_INPUT = "bad_input"
    INPUT_AWAY = "input_away"
    POOL_AWAY = "pool_away"
    POOL_REFUSED = "pool_refused"
    POOL_NOT_READY = "pool_not_ready"
    POOL_SILENT = "pool_silent"
    POOL_OVERLOADED = "pool_overloaded"
    POOL_UNTRUSTED = "pool_untrusted"
    POOL_DENIED = "pool_denied"
    MODEL_MISSING = "model_missing"
    MODEL_MISMATCH = "model_mismatch"
    REQUEST_TOO_LARGE = "request_too_large"
    WORKER = "worker"
    OUTPUT = "output"
    CREDENTIALS = "credentials"
    STOPPED = "stopped"
    ANSWER_INCOMPLETE = "answer_incomplete"
    ANSWER_NOT_FINITE = "answer_not_finite"
    MESSAGE_DAMAGED = "message_damaged"


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
    waits: bool = False
    """Whether waiting helps and trying again at once does not: HTCondor holds the job, releases it after growing
    pauses, and does not count that as one of its retries."""


_POOL = "pool administrators"

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
    ExitClass.POOL_AWAY: Exit(20, True, _POOL, "no inference endpoint answered in time", waits=True),
    ExitClass.POOL_REFUSED: Exit(21, False, "production team", "the inference pool refuses the request as it is"),
    ExitClass.POOL_NOT_READY: Exit(
        22, True, _POOL, "the endpoints answer that they or the model are not ready", waits=True
    ),
    ExitClass.POOL_SILENT: Exit(
        23, True, _POOL, "the endpoints take requests and do not answer them in time", waits=True
    ),
    ExitClass.POOL_OVERLOADED: Exit(24, True, _POOL, "the endpoints answer that their queues are full", waits=True),
    ExitClass.POOL_UNTRUSTED: Exit(
        25, True, _POOL, "TLS fails: a certificate has expired or is not one that the other side trusts", waits=True
    ),
    ExitClass.POOL_DENIED: Exit(
        26, True, "production team", "the endpoints want a token, or another one than the job's", waits=True
    ),
    ExitClass.MODEL_MISSING: Exit(27, False, _POOL, "no endpoint has the network's model in this version"),
    ExitClass.MODEL_MISMATCH: Exit(
        28, False, "production team", "the endpoints' model has other tensors than the campaign's network"
    ),
    ExitClass.REQUEST_TOO_LARGE: Exit(
        29, False, "production team", "a request is larger than the pool, or something before it, takes"
    ),
    ExitClass.WORKER: Exit(
        30, True, "site administrators", "the worker lacks something: memory, a library, the model file"
    ),
    ExitClass.OUTPUT: Exit(
        31, True, "storage administrators", "the output cannot be written: disk full, quota, permission", waits=True
    ),
    ExitClass.CREDENTIALS: Exit(
        32, True, "site administrators", "the worker has not the token, certificate, key or CA file that the site names"
    ),
    ExitClass.STOPPED: Exit(
        40,
        True,
        "nobody",
        "HTCondor or a person asked the job to stop (SIGTERM); it left nothing half-written",
    ),
    ExitClass.ANSWER_INCOMPLETE: Exit(
        50, True, _POOL, "the pool answers again and again with fewer rows than hits, or without a tensor"
    ),
    ExitClass.ANSWER_NOT_FINITE: Exit(
        51, True, _POOL, "the pool answers again and again with NaN or values that are no probabilities"
    ),
    ExitClass.MESSAGE_DAMAGED: Exit(
        52, True, "site administrators", "requests reach the pool other than they were sent; the network changes them"
    ),
}


def exit_class_of(code: int) -> ExitClass:
    """Return the class of an exit status; a status that is not in the table is a bug's."""
    for exit_class, row in EXITS.items():
        if row.code == code:
            return exit_class
    return ExitClass.BUG
