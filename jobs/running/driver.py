"""The one process that drives a campaign: Snakemake, run and stopped safely.

It outlives the terminal, holds the campaign's lock as long as Snakemake lives, and stands between Snakemake and
SIGTERM, on which Snakemake can deadlock: it asks once and ends it after a grace.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psutil

from jobs.errors import CampaignError
from jobs.layout import CHECKOUT, CampaignFolder
from jobs.running.lock import Driver, find_driver, hold_lock, sign_lock
from jobs.running.reopen import reopen_asked
from jobs.spec.campaign import load_campaign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["drive", "driver_command", "last_error", "show_dag", "start_driver", "stop_driver"]

SNAKEFILE = CHECKOUT / "Snakefile"
PROFILE = CHECKOUT / "workflow" / "profiles" / "default"

STOP_GRACE_S = 5.0
"""Longest wait for Snakemake to end by itself once it was asked; nothing of ours is lost when it is killed."""

STOP_WAIT_S = 30.0
"""Longest wait for a driver to end once it was asked."""

START_WAIT_S = 20.0
"""Longest wait for a new driver to take the lock."""


def last_error(folder: CampaignFolder) -> str:
    """Return the last error that a step of the campaign wrote into the driver's log, or where to look for it."""
    lines = folder.log.read_text(errors="replace").splitlines() if folder.log.exists() else []
    starts = [index for index, line in enumerate(lines) if line.startswith("error: ")]
    if not starts:
        return f"the end of {folder.log} says why"
    # An error that lists several problems goes on in indented lines.
    error = [lines[starts[-1]].removeprefix("error: ")]
    for line in lines[starts[-1] + 1 :]:
        if not line.startswith("  "):
            break
        error.append(line)
    return "\n".join(error)


def driver_command(spec: Path, sites_folder: Path, folder: CampaignFolder) -> list[str]:
    """Return the command line of a driver."""
    return [
        sys.executable,
        *("-m", "jobs.running.driver"),
        *("--campaign", str(spec)),
        *("--sites-folder", str(sites_folder)),
        *("--folder", str(folder.root)),
    ]


def start_driver(spec: Path, sites_folder: Path, folder: CampaignFolder) -> subprocess.Popen[bytes]:
    """Start a driver that outlives this process and its terminal.

    Raises:
        CampaignError: it neither took the lock nor ended in time.

    """
    folder.root.mkdir(parents=True, exist_ok=True)
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            driver_command(spec, sites_folder, folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_WAIT_S
    while time.monotonic() < deadline:
        if find_driver(folder) is not None or process.poll() is not None:
            return process
        time.sleep(0.05)
    message = f"the driver did not start within {START_WAIT_S:.0f} s; see {folder.log}"
    raise CampaignError(message)


def stop_driver(folder: CampaignFolder) -> bool:
    """Ask the campaign's driver to stop and wait until it has; returns whether there was one.

    Raises:
        CampaignError: it runs on another machine, or does not end.

    """
    driver = find_driver(folder)
    if driver is None:
        return False
    if driver.host != os.uname().nodename:
        message = f"the driver runs on {driver.host} (process {driver.pid}); stop it there"
        raise CampaignError(message)
    with contextlib.suppress(ProcessLookupError):
        os.kill(driver.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WAIT_S
    while (holder := find_driver(folder)) is not None:
        if not _is_alive(driver.pid):
            # It was killed and left its Snakemake behind, which needs no grace: its jobs are HTCondor's.
            _signal_group(holder.snakemake, signal.SIGKILL)
        if time.monotonic() > deadline:
            message = f"the driver (process {driver.pid}) does not stop; see {folder.log}"
            raise CampaignError(message)
        time.sleep(0.1)
    return True


def show_dag(spec: Path, sites_folder: Path) -> str:
    """Return what Snakemake would run for a campaign, in its words; starts nothing and leaves nothing behind.

    Raises:
        CampaignError: Snakemake cannot make its plan.

    """
    folder = CampaignFolder(load_campaign(spec).folder)
    with TemporaryDirectory() as elsewhere:
        directory = folder.root if folder.root.is_dir() else Path(elsewhere)
        command = [*_snakemake(spec, sites_folder, folder, directory=directory), "--dry-run", "--quiet", "host"]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode != 0:
        message = f"Snakemake cannot plan the campaign: {ran.stdout.strip()}"
        raise CampaignError(message)
    return ran.stdout


def drive(spec: Path, sites_folder: Path, folder: CampaignFolder) -> int:
    """Run Snakemake to its end under the campaign's lock; returns its exit status.

    Raises:
        CampaignError: another driver is at work on the campaign.

    """
    # Before Snakemake runs: a driver that is asked to stop must never leave it behind.
    stop = _StopRequest()
    with hold_lock(folder) as lock:
        driver = Driver(pid=os.getpid(), host=os.uname().nodename, started=time.time())
        sign_lock(lock, driver)
        answered: set[tuple[int, float]] = set()
        while True:
            # Snakemake holds the lock too: if this process is killed, nobody drives beside an orphaned Snakemake.
            process = subprocess.Popen(
                ["/bin/sh", "-c", _GATE, "sh", *_snakemake(spec, sites_folder, folder, directory=folder.root)],
                stdin=subprocess.PIPE,
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )
            driver = replace(driver, snakemake=process.pid)
            sign_lock(lock, driver)
            _open_gate(process)
            with _throttle(sites_folder, folder):
                status = _wait(process, stop)
            # Jobs of blocks that were through may have been asked for meanwhile.
            if stop.asked or not reopen_asked(folder, answered):
                break
        sign_lock(lock, replace(driver, status=status))
        return status


@contextlib.contextmanager
def _throttle(sites_folder: Path, folder: CampaignFolder) -> Iterator[None]:
    """Keep the campaign's throttle meanwhile, in a process of its own; if that dies, those that watch blocks go on."""
    command = [sys.executable, "-m", "jobs.throttle.keep", "--folder", str(folder.root)]
    process = subprocess.Popen([*command, "--sites-folder", str(sites_folder)], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


_GATE = 'read -r _ && exec "$@"'
"""Waits for a line before it becomes the command that follows: a driver that is killed before the lock names its
Snakemake closes the pipe, and Snakemake never begins."""


def _open_gate(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(b"go\n")


def _snakemake(spec: Path, sites_folder: Path, folder: CampaignFolder, *, directory: Path) -> list[str]:
    return [
        sys.executable,
        *("-m", "snakemake"),
        *("--snakefile", str(SNAKEFILE)),
        *("--workflow-profile", str(PROFILE)),
        *("--directory", str(directory)),
        # The campaign's own lock is kept by the kernel; Snakemake's would outlive a SIGKILL.
        "--nolock",
        *("--config", f"campaign={spec}", f"sites={sites_folder}", f"folder={folder.root}"),
    ]


class _StopRequest:
    """Remembers that somebody asked this process to stop; `_wait` acts on it."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def _wait(process: subprocess.Popen[bytes], stop: _StopRequest) -> int:
    """Wait for Snakemake; pass a request to stop on once, and insist after the grace."""
    insist_at = float("inf")
    while True:
        if stop.asked and insist_at == float("inf"):
            insist_at = time.monotonic() + STOP_GRACE_S
            _signal_group(process.pid, signal.SIGTERM)
        elif time.monotonic() > insist_at:
            _signal_group(process.pid, signal.SIGKILL)
        try:
            status = process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            continue
        if stop.asked:
            _signal_group(process.pid, signal.SIGKILL)
        return status


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False


def _signal_group(group: int, number: signal.Signals) -> None:
    if group > 0:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)


def main() -> None:
    """Drive one campaign; run by `sonicgrid submit`, or by HTCondor for `--detach`."""
    parser = argparse.ArgumentParser(prog="python -m jobs.running.driver", description=__doc__)
    parser.add_argument("--campaign", type=Path, required=True, help="the campaign's spec")
    parser.add_argument("--sites-folder", type=Path, required=True, help="the folder of site configs")
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    arguments = parser.parse_args()
    try:
        status = drive(
            arguments.campaign.resolve(), arguments.sites_folder.resolve(), CampaignFolder(arguments.folder.resolve())
        )
    except CampaignError as error:
        sys.exit(f"error: {error}")
    sys.exit(0 if status == 0 else 1)


if __name__ == "__main__":
    main()
