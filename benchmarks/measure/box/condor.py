"""HTCondor in a box: the central manager and the queue on the far side, a startd with its slots in every site."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from jobs.pool.config import PoolFiles, client_config, daemon_config
from jobs.pool.identity import JOB_OWNER, daemon_prefix, make_identity
from jobs.pool.start import daemon_environment
from jobs.pool.state import PoolState, write_state
from jobs.pool.status import condor_answers
from measure.box.commands import in_namespace
from measure.box.registry import central_pool, site_pool
from measure.errors import BenchmarkFailed
from sonic.server.ports import PortPicker

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.pool.htcondor import HTCondor
    from measure.box.network import BoxNetwork, SiteNetwork

__all__ = ["start_condor"]

PATIENCE_S = 90.0
"""Until every slot of every site has joined the pool."""


def start_condor(folder: Path, htcondor: HTCondor, network: BoxNetwork, endpoint: str) -> PoolState:
    """Start all daemons of a box and wait until every slot is there.

    Args:
        folder: of the box.
        htcondor: which HTCondor to run.
        network: of the box.
        endpoint: host:port of its inference servers.

    Returns:
        The pool as SonicGrid's commands know it: SONICGRID_POOL names its folder.

    Raises:
        BenchmarkFailed: the daemons do not start.

    """
    prefix = daemon_prefix()
    files = PoolFiles(central_pool(folder))
    port = PortPicker().pick(address=network.address)
    at = _place(network.address, network.address, port)
    _write(
        files,
        client_config(files, htcondor, port) + at,
        daemon_config(files, htcondor, port, {}) + at + "DAEMON_LIST = MASTER, COLLECTOR, NEGOTIATOR, SCHEDD\n",
    )
    make_identity(files, htcondor, prefix, daemon_environment(files, htcondor))
    state = PoolState(
        folder=str(files.folder),
        condor_config=str(files.client_config),
        condor_bin=str(htcondor.bin),
        condor_libexec=str(htcondor.libexec),
        condor_version=htcondor.version,
        port=port,
        user=JOB_OWNER,
        sites={site.site.name: site.site.slots for site in network.sites},
        endpoints=[endpoint],
        servers=1,
    )
    write_state(state)
    master = [*prefix, str(htcondor.sbin / "condor_master")]
    _start(files, htcondor, master)
    for site in network.sites:
        site_files = PoolFiles(site_pool(folder, site.site.name))
        _write_site(site_files, files, htcondor, site, network.address, port)
        _start(site_files, htcondor, in_namespace(site.namespace, master))
    slots = sum(site.site.slots for site in network.sites)
    deadline = time.monotonic() + PATIENCE_S
    while not condor_answers(files, htcondor, slots):
        if time.monotonic() > deadline:
            message = f"not all of {slots} slots have joined the pool within {PATIENCE_S:.0f} s; logs under {folder}"
            raise BenchmarkFailed(message)
        time.sleep(0.5)
    return state


def _write_site(
    files: PoolFiles, central: PoolFiles, htcondor: HTCondor, site: SiteNetwork, far_side: str, port: int
) -> None:
    at = _place(site.address, far_side, port)
    _write(
        files,
        client_config(files, htcondor, port) + at,
        daemon_config(files, htcondor, port, {site.site.name: site.site.slots}) + at + "DAEMON_LIST = MASTER, STARTD\n",
    )
    files.signing_key.parent.mkdir(mode=0o700)
    shutil.copy2(central.signing_key, files.signing_key)
    files.tokens.mkdir(mode=0o700)


def _place(own: str, far_side: str, port: int) -> str:
    """Return what differs from a pool on loopback; HTCondor takes the last definition of a name."""
    return f"""
CONDOR_HOST = {far_side}
COLLECTOR_HOST = {far_side}:{port}
NETWORK_INTERFACE = {own}
"""


def _write(files: PoolFiles, client: str, daemons: str) -> None:
    for path in (files.log, files.spool, files.execute, files.run):
        path.mkdir(parents=True, exist_ok=True)
    files.condor.chmod(0o700)
    files.client_config.write_text(client, encoding="utf-8")
    files.daemon_config.write_text(daemons, encoding="utf-8")


def _start(files: PoolFiles, htcondor: HTCondor, command: list[str]) -> None:
    done = subprocess.run(
        command,
        env=daemon_environment(files, htcondor),
        cwd=files.condor,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = f"condor_master does not start in {files.folder}: {(done.stderr or done.stdout).strip()}"
        raise BenchmarkFailed(message)
