"""What the tests of this folder share: the installed programs, and one running set of inference servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sonic.server.install import install
from sonic.server.pool import start_servers, stop_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sonic.server.state import ServersState

RUNTIME = Path(__file__).parents[2] / ".runtime"


@pytest.fixture(scope="session")
def server_runtime() -> Path:
    """The checkout's runtime folder with Triton and Envoy in it, installed if need be."""
    install(RUNTIME, report=lambda _: None)
    return RUNTIME


@pytest.fixture(scope="session")
def inference_pool(server_runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServersState]:
    """Two Triton servers behind Envoy with the demo network, for tests that do not stop them."""
    folder = tmp_path_factory.mktemp("servers")
    try:
        yield start_servers(folder, 2, runtime=server_runtime)
    finally:
        stop_servers(folder)
