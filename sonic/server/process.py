"""Processes that outlive the command which started them, and are found again without fail.

Each one, and every child of it, carries its folder and its role in its environment. That is how it is recognised, so a
process that got the number of a dead one is never taken for it, and one whose start was interrupted before its number
was written down is still found.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["find_leader", "find_processes", "is_alive", "start_process", "stop_processes"]

FOLDER_MARK = "SONICGRID_SERVERS"
ROLE_MARK = "SONICGRID_SERVER"

_children: set[int] = set()
"""Started by this process, which is their parent and has to collect those that ended."""


def start_process(
    command: Sequence[str], environment: Mapping[str, str], *, folder: Path, role: str, log: Path
) -> psutil.Process:
    """Start a program in a session and process group of its own, detached from this one.

    Args:
        command: program, by its full path, and arguments.
        environment: added to this process's own.
        folder: of the set of servers that it belongs to.
        role: its name within the set.
        log: file that standard output and error are appended to.

    """
    log.parent.mkdir(parents=True, exist_ok=True)
    marks = {FOLDER_MARK: str(folder.resolve()), ROLE_MARK: role}
    # subprocess.Popen would complain about a program that is still running when this one ends.
    pid = os.posix_spawn(
        command[0],
        list(command),
        {**os.environ, **environment, **marks},
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM],
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    _children.add(pid)
    return psutil.Process(pid)


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process still runs; one that ended and was not yet collected by its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def find_processes(folder: Path, select: Callable[[str], bool] = lambda _: True) -> list[psutil.Process]:
    """Return the living processes of a folder's servers, children included.

    Args:
        folder: of the set of servers.
        select: which roles; all of them if left out.

    """
    wanted = str(folder.resolve())
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if environment.get(FOLDER_MARK) == wanted and select(environment.get(ROLE_MARK, "")):
                found.append(process)
        except psutil.ZombieProcess:
            _collect(process.pid)
        except (psutil.Error, OSError):  # gone, or somebody else's
            continue
    return found


def find_leader(folder: Path, role: str) -> psutil.Process | None:
    """Return the process that was started for a role, if it lives."""
    return next((p for p in find_processes(folder, lambda name: name == role) if _group(p) == p.pid), None)


def stop_processes(folder: Path, select: Callable[[str], bool] = lambda _: True, *, grace_s: float = 8.0) -> int:
    """End the processes of a folder's servers and return how many there were.

    The leader of each group is asked first and killed after `grace_s`; children that are left without one, at once.

    Args:
        folder: of the set of servers.
        select: which roles; all of them if left out.
        grace_s: how long to wait for them to end by themselves.

    """
    processes = find_processes(folder, select)
    groups = {process.pid: _group(process) for process in processes}
    leaders = set(groups) & set(groups.values())
    for process in processes:
        if groups[process.pid] not in leaders:
            _signal(process, signal.SIGKILL)
        elif process.pid in leaders:
            _signal(process, signal.SIGTERM)
            _signal(process, signal.SIGCONT)  # a suspended one would not hear it
    psutil.wait_procs([process for process in processes if process.pid in leaders], timeout=grace_s)
    # Looked up again: a server may have started a child after the first look.
    rest = find_processes(folder, select)
    for process in rest:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(rest, timeout=grace_s)
    return len(processes)


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return -1


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _collect(pid: int) -> None:
    """Collect an ended process, if this one started it."""
    if pid in _children:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        _children.discard(pid)
