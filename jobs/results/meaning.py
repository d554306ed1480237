"""What the end of a job means and who must act, the ends that the payload had no say in among them."""

from __future__ import annotations

from jobs.exits import EXITS, Exit, ExitClass

__all__ = ["CONTRADICTION", "NOT_RUN", "first_line", "meaning_of"]

NOT_RUN = "not_run"
"""Stands where an exit class would, for a job of which no attempt has reported."""

CONTRADICTION = "contradiction"
"""Stands where an exit class would, for a job whose files contradict each other."""

_LONGEST_LINE = 300

_BEYOND_THE_PAYLOAD = {
    "killed": Exit(-1, True, "site administrators", "a signal that the payload could not catch ended the job"),
    "removed": Exit(-1, False, "production team", "the job was taken out of HTCondor's queue"),
    "lost": Exit(
        -1, True, "administrators of HTCondor", "the job left HTCondor's queue again and again without an end"
    ),
    "no_record": Exit(0, False, "developers", "the job says that it succeeded and left no record"),
    NOT_RUN: Exit(-1, True, "production team", "no attempt has left an output; `sonicgrid submit` runs the job"),
    CONTRADICTION: Exit(-1, False, "production team", "record, output and manifest do not fit together"),
}
"""Ends that the payload had no say in, by the names that jobs.running.outcome and jobs.results.validate give them."""


def meaning_of(exit_class: str) -> Exit:
    """Return the row of the exit table for a class, or a row that says that nobody knows it."""
    if exit_class in _BEYOND_THE_PAYLOAD:
        return _BEYOND_THE_PAYLOAD[exit_class]
    try:
        return EXITS[ExitClass(exit_class)]
    except ValueError:
        return Exit(-1, False, "production team", "not an exit class of this version of SonicGrid")


def first_line(text: str) -> str:
    """Return the first line with something in it, cut where it would fill the page."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"
