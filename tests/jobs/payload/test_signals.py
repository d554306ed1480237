"""What SIGTERM and SIGKILL leave of a job, whatever it is doing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from jobs.exits import ExitClass, exit_class_of
from jobs.layout import CHECKOUT
from tests.builders.payload_process import RECORD, command, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.builders.payload import PayloadCampaign


def stop_cleanly(
    campaign: PayloadCampaign, hangs: Callable[[subprocess.Popen[str]], object], starter: Sequence[str]
) -> None:
    """Start a job, send SIGTERM once `hangs` returns, and assert that it ends by itself, long before what it awaits."""
    process = subprocess.Popen(
        starter,
        cwd=CHECKOUT,
        env={"PATH": os.defpath, "SONICGRID_SITE": "here"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        hangs(process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert exit_class_of(process.returncode) is ExitClass.STOPPED, errors
    assert campaign.files() == [RECORD]
    record = campaign.record()
    assert (record.exit_class, record.error) == (ExitClass.STOPPED, "stopped by SIGTERM")


def test_sigterm_ends_a_job_whose_server_hangs(campaign: PayloadCampaign) -> None:
    """A server that accepts and never answers must not keep a stopped job."""
    with socket.create_server(("127.0.0.1", 0)) as mute, ExitStack() as stack:
        access = campaign.block.sites["here"].model_copy(
            update={"endpoints": (f"127.0.0.1:{mute.getsockname()[1]}",), "patience_s": 300.0}
        )
        campaign.change(sites={"here": access}).change_job(flavour="gpu")

        def hangs(process: subprocess.Popen[str]) -> None:
            stack.enter_context(mute.accept()[0])

        stop_cleanly(campaign, hangs, command(campaign))


_HANG_IN_READING = """
import time
from jobs.payload import prepare

def hang(name):
    print("hanging", flush=True)
    time.sleep(600)

prepare.open_events = hang
"""

_HANG_IN_INFERENCE = """
from jobs.payload import attempt
from sonic.client import Client
from sonic.fake import FakeTransport

class Mute(FakeTransport):
    def send(self, *arguments):
        print("hanging", flush=True)
        return 0

attempt.open_scorer = lambda *arguments: Client(["mute:1"], open_transport=lambda url: Mute())
"""


_HANG_IN_PACING = """
from jobs.payload import attempt
from sonic.client import Client
from sonic.fake import FakeTransport
from sonic.pace import Pacer

class Closed(Pacer):
    def wait_s(self, payload_bytes):
        print("hanging", flush=True)
        return super().wait_s(payload_bytes)

attempt.open_scorer = lambda *arguments: Client(["open:1"], pacer=Closed(0.0), open_transport=FakeTransport)
"""


@pytest.mark.parametrize(
    "hang", [_HANG_IN_READING, _HANG_IN_INFERENCE, _HANG_IN_PACING], ids=["reading", "inference", "pacing"]
)
def test_sigterm_ends_a_job_that_waits_for_ever(campaign: PayloadCampaign, hang: str) -> None:
    """A read that hangs, a request that is swallowed, a share of zero: none must keep a stopped job."""
    script = hang + "from jobs.payload.__main__ import main\nmain()\n"
    starter = [sys.executable, "-c", script, *command(campaign)[3:]]

    def hangs(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"

    stop_cleanly(campaign, hangs, starter)


_SIGNAL_AT_THE_RENAME = """
import os, signal
from jobs.payload.output import ScoresFile

commit = ScoresFile.commit

def commit_and_signal(self):
    commit(self)
    os.kill(os.getpid(), signal.SIGTERM)

ScoresFile.commit = commit_and_signal
"""


def test_sigterm_between_output_and_record_comes_too_late(campaign: PayloadCampaign) -> None:
    """Output and record belong together: once the one has its name, the other must follow, and the job is done."""
    script = _SIGNAL_AT_THE_RENAME + "from jobs.payload.__main__ import main\nmain()\n"
    done = run([sys.executable, "-c", script, *command(campaign)[3:]])
    assert done.returncode == 0, done.stderr
    assert campaign.files() == [RECORD, "0000003.root"]
    assert campaign.record().exit_class is ExitClass.DONE


def test_a_killed_job_leaves_what_the_next_attempt_removes(campaign: PayloadCampaign) -> None:
    """SIGKILL may leave the temporary file, by its known name; the next attempt must leave the output alone."""
    script = _HANG_IN_INFERENCE + "from jobs.payload.__main__ import main\nmain()\n"
    starter = [sys.executable, "-c", script, *command(campaign)[3:]]
    with subprocess.Popen(starter, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert campaign.files() == ["0000003.root.-1.-1.0.part"]
    assert run(command(campaign)).returncode == 0
    assert campaign.files() == [RECORD, "0000003.root"]
