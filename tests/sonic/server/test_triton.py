"""Triton's command line, and what it leaves in shared memory."""

from __future__ import annotations

import os
from pathlib import Path

from sonic.server.ports import PortPicker
from sonic.server.programs import locate_programs
from sonic.server.triton import (
    SHARED_MEMORY,
    TritonPorts,
    clean_shared_memory,
    is_ready,
    shared_memory_prefix,
    triton_command,
)

PROGRAMS = locate_programs(Path("/opt/triton"), Path("/opt/envoy"))


def test_every_port_is_bound_to_loopback() -> None:
    """gRPC, HTTP and metrics get their ports, each on 127.0.0.1."""
    command = triton_command(PROGRAMS, Path("/models"), TritonPorts(1, 2, 3), "mine_", gpu=False)

    for service, port in (("grpc", 1), ("http", 2), ("metrics", 3)):
        assert f"--{service}-address=127.0.0.1" in command
        assert f"--{service}-port={port}" in command
    assert "--allow-gpu-metrics=false" in command
    assert "--backend-config=python,shm-region-prefix-name=mine_" in command


def test_shared_memory_of_one_role_alone_is_removed(tmp_path: Path) -> None:
    """Cleaning up after one server leaves other servers, other sets and other programs alone."""
    names = {
        "mine": f"{shared_memory_prefix(tmp_path, 'triton-1')}a",
        "tenth": f"{shared_memory_prefix(tmp_path, 'triton-10')}a",
        "other set": f"{shared_memory_prefix(tmp_path / 'other', 'triton-1')}a",
        "stranger": f"sonicgrid_test_{os.getpid()}",
    }
    paths = {name: SHARED_MEMORY / file for name, file in names.items()}
    try:
        for path in paths.values():
            path.touch()

        clean_shared_memory(tmp_path, ["triton-1"])
        assert {name for name, path in paths.items() if path.exists()} == {"tenth", "other set", "stranger"}
        clean_shared_memory(tmp_path)
        assert {name for name, path in paths.items() if path.exists()} == {"other set", "stranger"}
    finally:
        for path in paths.values():
            path.unlink(missing_ok=True)


def test_nobody_on_the_port_is_not_ready() -> None:
    """A server that is not there is not ready, without an error."""
    assert not is_ready(PortPicker().pick())
