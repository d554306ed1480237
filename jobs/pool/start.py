"""Bring an embedded pool up: the first time, again, after `pool down`, after a kill, after a reboot."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import SetupError, UsageError
from jobs.pool.config import PoolFiles, client_config, daemon_config
from jobs.pool.folders import only_one, pool_folder
from jobs.pool.identity import JOB_OWNER, daemon_prefix, make_identity
from jobs.pool.processes import end_processes, master, pool_processes
from jobs.pool.state import PoolState, read_state, write_state
from jobs.pool.status import condor_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobs.pool.htcondor import HTCondor

__all__ = ["DEFAULT_SITES", "start_pool"]

DEFAULT_SITES = {"local": 16}
READY_TIMEOUT_S = 60.0
RUNNING_TIMEOUT_S = 30.0
"""A master starts a daemon that died again within seconds; only a pool that stays mute is started anew."""

SITE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def start_pool(
    folder: Path | None,
    htcondor: HTCondor,
    sites: Mapping[str, int] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> PoolState:
    """Return a running HTCondor pool; started unless it runs already.

    Args:
        folder: the pool's folder; None is the default one.
        htcondor: which HTCondor to run.
        sites: static one-core slots per site name; None keeps what the pool had, at first `DEFAULT_SITES`.
        report: called with one line of progress at a time.

    Raises:
        SetupError: the daemons do not start; the message quotes their log.
        UsageError: a site's name or number of slots is no good, or the pool runs with other sites.
    """
    if sites is not None:
        _check_sites(sites)
    files = PoolFiles(pool_folder(folder))
    with only_one(files.folder / ".lock"):
        known = read_state(files.folder)
        wanted = dict(sites) if sites is not None else (known.sites if known else DEFAULT_SITES)
        if known is not None and _await_answer(files, htcondor, sum(known.sites.values()), RUNNING_TIMEOUT_S):
            if wanted != known.sites:
                message = f"the pool in {files.folder} runs with the sites {_said(known.sites)}, not {_said(wanted)}"
                raise UsageError(f"{message}: `sonicgrid pool down` first")
            return known
        return _start(files, htcondor, known, wanted, report)


def _start(
    files: PoolFiles,
    htcondor: HTCondor,
    known: PoolState | None,
    sites: Mapping[str, int],
    report: Callable[[str], None],
) -> PoolState:
    prefix = daemon_prefix()
    _clear_leftovers(files)
    port = known.port if known is not None and _is_free(known.port) else _free_port()
    environment = daemon_environment(files, htcondor)
    for path in (files.log, files.spool, files.execute, files.run):
        path.mkdir(parents=True, exist_ok=True)
    files.condor.chmod(0o700)
    files.client_config.write_text(client_config(files, htcondor, port), encoding="utf-8")
    files.daemon_config.write_text(daemon_config(files, htcondor, port, sites), encoding="utf-8")
    make_identity(files, htcondor, prefix, environment)
    state = PoolState(
        folder=str(files.folder),
        condor_config=str(files.client_config),
        condor_bin=str(htcondor.bin),
        condor_libexec=str(htcondor.libexec),
        condor_version=htcondor.version,
        port=port,
        user=JOB_OWNER,
        sites=dict(sites),
        endpoints=known.endpoints if known else [],
        servers=known.servers if known else 0,
        access=known.access if known else "",
    )
    write_state(state)
    slots = sum(sites.values())
    report(f"HTCondor {htcondor.version} with {slots} slots ({_said(sites)})")
    command = [*prefix, str(htcondor.sbin / "condor_master")]
    done = subprocess.run(
        command,
        env=environment,
        cwd=files.condor,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(f"condor_master does not start: {(done.stderr or done.stdout).strip()}")
    if not _await_answer(files, htcondor, slots, READY_TIMEOUT_S):
        end_processes(pool_processes(files), patience_s=0)
        raise SetupError(f"HTCondor is not up after {READY_TIMEOUT_S:.0f} s: {_last_words(files)}")
    return state


def _await_answer(files: PoolFiles, htcondor: HTCondor, slots: int, timeout_s: float) -> bool:
    """Wait until the queue answers and every slot has joined; False as soon as there is no master to wait for."""
    deadline = time.monotonic() + timeout_s
    while master(files) is not None and time.monotonic() < deadline:
        if condor_answers(files, htcondor, slots):
            return True
        time.sleep(0.2)
    return False


def daemon_environment(files: PoolFiles, htcondor: HTCondor) -> dict[str, str]:
    """Return the whole environment of the daemons: nothing of the shell that happened to start them."""
    path = [str(htcondor.sbin), str(htcondor.bin), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    return {"CONDOR_CONFIG": str(files.daemon_config), "PATH": os.pathsep.join(path), **kept}


def _clear_leftovers(files: PoolFiles) -> None:
    """End what a killed master left running, and delete what is worthless without it; the queue stays."""
    end_processes(pool_processes(files), patience_s=0)
    for folder in (files.run, files.execute):
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in (".*_address*", ".*_ad", ".*.lock", "*.pid", "InstanceLock"):
        for path in files.log.glob(pattern):
            path.unlink(missing_ok=True)


def _check_sites(sites: Mapping[str, int]) -> None:
    if not sites:
        raise UsageError("a pool needs at least one site: --site NAME=SLOTS")
    for name, slots in sites.items():
        if not SITE_NAME.fullmatch(name):
            raise UsageError(f"site name {name!r}: letters, digits and underscores, a letter first")
        if slots < 1:
            raise UsageError(f"site {name}: {slots} slots; it takes at least 1")


def _said(sites: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={slots}" for name, slots in sites.items())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _last_words(files: PoolFiles) -> str:
    """Return the last line of the master's log that tells of trouble, and where to read on."""
    log = files.log / "MasterLog"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    trouble = [line for line in lines if "ERROR" in line or "died" in line or "failed" in line.lower()]
    return f"{(trouble or lines or ['it wrote no log'])[-1]} (all of it in {files.log})"
