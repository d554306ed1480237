"""SIGTERM ends a job wherever it waits, and never cuts in two what belongs together."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, since signals belong to a process."""
    head = "import os, signal, sys, threading, time\nfrom jobs.payload.stop import StopSwitch, Stopped\n"
    head += "switch = StopSwitch()\nswitch.install()\n"
    head += "def kill_soon():\n    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script)], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_wait_is_ended() -> None:
    """A main thread that waits for a queue must get the exception at once."""
    done = run(
        """
        import queue
        switch.arm()
        kill_soon()
        try:
            queue.SimpleQueue().get(timeout=20)
        except Stopped:
            print("stopped by", switch.signal_name)
        """
    )
    assert done.stdout == "stopped by SIGTERM\n"


def test_a_signal_before_arm_counts_when_armed() -> None:
    """A signal during the imports must not be lost, and must not break them."""
    done = run(
        """
        os.kill(os.getpid(), signal.SIGTERM)
        print("still importing")
        try:
            switch.arm()
        except Stopped:
            print("stopped")
        """
    )
    assert done.stdout == "still importing\nstopped\n"


def test_what_is_held_finishes_first() -> None:
    """A stretch that must be whole must run to its end, and the signal count then."""
    done = run(
        """
        switch.arm()
        try:
            with switch.held():
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.7)
                print("whole")
            print("not reached")
        except Stopped:
            print("stopped")
        """
    )
    assert done.stdout == "whole\nstopped\n"


def test_an_exception_that_python_drops_is_raised_again() -> None:
    """Python ignores exceptions in destructors; the signal must be felt all the same."""
    done = run(
        """
        switch.arm()
        class Slow:
            def __del__(self):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.05)
        try:
            slow = Slow()
            del slow
            print("dropped")
            time.sleep(20)
        except Stopped:
            print("stopped")
        """
    )
    assert done.stdout == "dropped\nstopped\n"
    assert "Exception ignored" in done.stderr


def test_nothing_interrupts_the_end() -> None:
    """After acknowledge, a second SIGTERM must not disturb the writing of the record."""
    done = run(
        """
        switch.arm()
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Stopped:
            switch.acknowledge()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.7)
        print("undisturbed")
        """
    )
    assert done.stdout == "undisturbed\n"
    assert done.returncode == 0
