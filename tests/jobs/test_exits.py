"""The table of exit codes holds together."""

from __future__ import annotations

import pytest

from jobs.exits import EXITS, ExitClass, exit_class_of


def test_every_class_has_one_row_and_every_row_its_own_status() -> None:
    """Two classes with one status could not be told apart by HTCondor."""
    assert set(EXITS) == set(ExitClass)
    codes = [row.code for row in EXITS.values()]
    assert len(set(codes)) == len(codes)


def test_the_statuses_are_ones_that_a_program_can_exit_with() -> None:
    """0 must be success alone, and none may look like a shell's (126 and up) or a signal."""
    assert EXITS[ExitClass.DONE].code == 0
    assert all(0 <= row.code < 126 for row in EXITS.values())


@pytest.mark.parametrize("exit_class", list(ExitClass))
def test_a_status_leads_back_to_its_class(exit_class: ExitClass) -> None:
    """What the payload exits with must be read as what it meant."""
    assert exit_class_of(EXITS[exit_class].code) is exit_class


@pytest.mark.parametrize("code", [-9, 3, 137, 255])
def test_any_other_status_is_a_bug(code: int) -> None:
    """A status that the payload never uses must not pass for something foreseen."""
    assert exit_class_of(code) is ExitClass.BUG


def test_what_cannot_get_better_is_not_tried_again() -> None:
    """The same bytes and the same request fail the same way; all that depends on place or time may be tried again."""
    final = {name for name, row in EXITS.items() if not row.retry}
    assert final == {
        ExitClass.DONE,
        ExitClass.USAGE,
        ExitClass.BAD_INPUT,
        ExitClass.POOL_REFUSED,
        ExitClass.MODEL_MISSING,
        ExitClass.MODEL_MISMATCH,
        ExitClass.REQUEST_TOO_LARGE,
    }


def test_what_waiting_heals_is_worth_a_retry() -> None:
    """A job that is held until pool or disk are back is to run again; an answer of nonsense is no outage."""
    waits = {name for name, row in EXITS.items() if row.waits}
    assert waits == {
        ExitClass.POOL_AWAY,
        ExitClass.POOL_NOT_READY,
        ExitClass.POOL_SILENT,
        ExitClass.POOL_OVERLOADED,
        ExitClass.POOL_UNTRUSTED,
        ExitClass.POOL_DENIED,
        ExitClass.OUTPUT,
    }
    assert all(EXITS[name].retry for name in waits)
