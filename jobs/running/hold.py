"""What HTCondor does with a job that did not end well: starts it again, holds it for a while, or lets it go.

Trouble with a worker is tried again at once, elsewhere, up to `max_retries`. An inference pool that is away is away for
every job and for a while: such a job is held, with a reason in words, and released after pauses that grow, each job's
own by up to twice, so that a thousand that were held together do not ask a pool that is coming back in one second.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs.exits import EXITS
from jobs.running.quote import quote_classad

__all__ = ["PoolPauses", "policy_commands"]

RELEASE_AFTER_S = 60
MAX_HOLDS = 3
"""A job that HTCondor held for a reason of its own (memory, disk, time, files) is released after RELEASE_AFTER_S times
its number of such holds, and removed after MAX_HOLDS."""

_HELD_BY_USER = 1
"""HoldReasonCode of a hold that a person asked for; only a person releases it."""

_HELD_BY_JOB = 3
"""HoldReasonCode of a hold by the job's own expressions, of which we have one: the inference pool is away."""

_POOL_HOLDS = "(NumHoldsByReason.JobPolicy ?: 0)"
"""How often the job was held with that code."""


@dataclass(frozen=True)
class PoolPauses:
    """How long a job is held while the inference pool is away.

    Attributes:
        first_s: least length of the first pause, seconds; each further one is twice as long.
        longest_s: least length of every pause that would be longer, seconds. A job's own pause is up to twice that.
        most: holds after which the job ends as failed. 50 pauses are at least 23 hours, and before each of them the job
            asks for as long as its patience: with fewer, a pool that is away from one morning to the next would fail
            the campaign's jobs.

    """

    first_s: int = 60
    longest_s: int = 1800
    most: int = 50


def policy_commands(max_retries: int, pauses: PoolPauses) -> dict[str, str]:
    """Return the submit commands that say what becomes of a job that exits or is held.

    Args:
        max_retries: attempts after the first; those that ended because the pool was away do not count.
        pauses: for jobs that the pool does not answer.

    """
    waits = {row.code: f"{name}: {row.meaning}" for name, row in EXITS.items() if row.waits}
    final = [row.code for row in EXITS.values() if not row.retry]
    by_pool = f"HoldReasonCode =?= {_HELD_BY_JOB}"
    other_holds = f"(NumHolds - {_POOL_HOLDS})"
    held_s = "(time() - EnteredCurrentStatus)"
    held = f"JobStatus == 5 && HoldReasonCode =!= {_HELD_BY_USER}"
    return {
        "on_exit_hold": f"{_exit_is_in(waits)} && {_POOL_HOLDS} < {pauses.most}",
        "on_exit_hold_reason": _reason(waits),
        "on_exit_hold_subcode": "ExitCode",
        # Asked only about what is not held: so a class that waits is final once it has waited often enough.
        "on_exit_remove": f"{_exit_is_in([*final, *waits])} || NumJobCompletions - {_POOL_HOLDS} > {max_retries}",
        "periodic_release": f"{held} && ifThenElse({by_pool}, {held_s} > {_pause_s(pauses)}, "
        f"{other_holds} <= {MAX_HOLDS} && {held_s} > {RELEASE_AFTER_S} * {other_holds})",
        "periodic_remove": f"{held} && {by_pool.replace('=?=', '=!=')} && {other_holds} > {MAX_HOLDS}",
    }


def _exit_is_in(codes: dict[int, str] | list[int]) -> str:
    """A ClassAd expression that is false, too, for a job that a signal ended."""
    return "member(ExitCode, {" + ", ".join(map(str, sorted(codes))) + "}) =?= True"


def _reason(waits: dict[int, str]) -> str:
    """A ClassAd expression; the same text for every job of a class, so that they are counted together."""
    otherwise = quote_classad("the inference pool is away")
    for code, meaning in reversed(waits.items()):
        text = quote_classad(f"{meaning}; the job starts again by itself after a pause")
        otherwise = f"ifThenElse(ExitCode == {code}, {text}, {otherwise})"
    return otherwise


def _pause_s(pauses: PoolPauses) -> str:
    """A ClassAd expression over a held job: twice as long each time, and up to twice that by the job's numbers."""
    grown_s = f"min({{{pauses.longest_s}, {pauses.first_s} * pow(2.0, {_POOL_HOLDS} - 1)}})"
    # 617 and 1,000 have no common factor, so that any 1,000 jobs of a cluster in a row have 1,000 different pauses.
    own_part = "((ProcId * 617 + ClusterId * 89) % 1000) / 1000.0"
    return f"{grown_s} * (1 + {own_part})"
