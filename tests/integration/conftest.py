"""What the tests of this folder share: the installed programs, one HTCondor pool, one set of inference servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.pool.folders import runtime_folder
from jobs.pool.install import install as install_htcondor
from jobs.pool.start import start_pool
from jobs.pool.stop import stop_pool
from sonic.server.install import install
from sonic.server.pool import start_servers, stop_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.pool.htcondor import HTCondor
    from jobs.pool.state import PoolState
    from sonic.server.state import ServersState


@pytest.fixture(scope="session")
def condor() -> HTCondor:
    """The HTCondor of this machine, else the one in the runtime folder, installed if need be."""
    return install_htcondor(runtime_folder(), report=lambda _: None)


@pytest.fixture(scope="session")
def condor_pool(condor: HTCondor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoolState]:
    """A running HTCondor pool that plays two sites of eight slots, for tests that do not stop it.

    A test enters it with ``jobs.pool.client.enter_pool(Path(condor_pool.folder))`` or SONICGRID_POOL.
    """
    folder = tmp_path_factory.mktemp("condor")
    try:
        yield start_pool(folder, condor, {"FNAL": 8, "CERN": 8})
    finally:
        stop_pool(folder)


@pytest.fixture(scope="session")
def server_runtime() -> Path:
    """The checkout's runtime folder with Triton and Envoy in it, installed if need be."""
    install(runtime_folder(), report=lambda _: None)
    return runtime_folder()


@pytest.fixture(scope="session")
def inference_pool(server_runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServersState]:
    """Two Triton servers behind Envoy with the demo network, for tests that do not stop them."""
    folder = tmp_path_factory.mktemp("servers")
    try:
        yield start_servers(folder, 2, runtime=server_runtime)
    finally:
        stop_servers(folder)
