"""A second worker of an embedded pool, under another host name, on which every job fails before it has begun."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import htcondor2

from jobs.pool.config import PoolFiles, daemon_config
from jobs.pool.identity import daemon_prefix
from jobs.pool.start import daemon_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.pool.htcondor import HTCondor

__all__ = ["black_hole"]

WAIT_S = 60.0


@contextmanager
def black_hole(pool: Path, port: int, condor: HTCondor, folder: Path, slots: int) -> Iterator[str]:
    """Run a worker whose slots are of the site HOLE; gives the name of its machine.

    Args:
        pool: folder of the embedded pool, which this process has entered.
        port: of the pool.
        condor: the installation.
        folder: for what the worker writes.
        slots: that it has.

    """
    files = PoolFiles(pool)
    for name in ("log", "spool", "execute", "run"):
        (folder / name).mkdir(parents=True)
    wrapper = folder / "wrapper.sh"
    wrapper.write_text("#!/bin/sh\nexit 127\n")
    wrapper.chmod(0o755)
    config = folder / "config"
    config.write_text(
        daemon_config(files, condor, port, {"HOLE": slots})
        + f"""
DAEMON_LIST = MASTER, STARTD
USE_SHARED_PORT = False
LOCAL_DIR = {folder}
LOG = {folder}/log
SPOOL = {folder}/spool
EXECUTE = {folder}/execute
LOCK = {folder}/run
RUN = {folder}/run
NETWORK_HOSTNAME = hole
USER_JOB_WRAPPER = {wrapper}
# It joins as a daemon of its own: by the signing key, not as a child of the pool's master.
SEC_USE_FAMILY_SESSION = False
SEC_TOKEN_DIRECTORY = {folder}/none
SEC_TOKEN_SYSTEM_DIRECTORY = {folder}/none
"""
    )
    environment = daemon_environment(files, condor) | {"CONDOR_CONFIG": str(config)}
    command = [*daemon_prefix(), str(condor.sbin / "condor_master"), "-f"]
    master = subprocess.Popen(command, env=environment, cwd=folder)
    try:
        yield _await(slots)
    finally:
        master.terminate()
        master.wait(30)


def _await(slots: int) -> str:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        ads = htcondor2.Collector().query(htcondor2.AdType.Startd, 'GLIDEIN_Site == "HOLE"', ["Machine"])
        if len(ads) >= slots:
            return str(ads[0]["Machine"])
        time.sleep(0.2)
    raise AssertionError("the second host did not join the pool")
