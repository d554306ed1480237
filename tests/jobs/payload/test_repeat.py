"""The small thread beside the work: it goes on whatever happens, and never holds the work up."""

from __future__ import annotations

import threading
import time

import pytest

from jobs.payload.repeat import Repeated


def test_it_is_done_again_and_once_more_at_the_end() -> None:
    """The first turn, the later ones and the end must come in this order."""
    done: list[str] = []
    thrice = threading.Event()

    def turn() -> None:
        done.append("turn")
        if len(done) == 3:
            thrice.set()

    with Repeated("test", turn, first_s=0, every_s=0.01, at_end=lambda: done.append("end"), wait_s=5):
        assert thrice.wait(5)
    assert done[:3] == ["turn"] * 3
    assert done[-1] == "end"
    assert done.count("end") == 1


def test_failures_are_counted_and_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """An action that always fails must fill no log, and be tried on."""
    twice = threading.Event()

    def fail() -> None:
        if repeated.failures:
            twice.set()
        raise ZeroDivisionError("by a test")

    repeated = Repeated("the thing", fail, first_s=0, every_s=0.01, at_end=lambda: None, wait_s=5)
    with repeated:
        assert twice.wait(5)
    assert repeated.failures >= 2
    assert capsys.readouterr().err == "warning: the thing: by a test; said once, tried on\n"


def test_one_that_hangs_does_not_hold_the_work() -> None:
    """Leaving must take no longer than it was told to wait."""
    hanging, release = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        release.wait(60)

    before = time.monotonic()
    with Repeated("test", hang, first_s=0, every_s=0.01, at_end=hang, wait_s=0.1):
        assert hanging.wait(5)
    assert time.monotonic() - before < 5
    release.set()
