"""Start one Triton server, on loopback only, and clean up after it."""

from __future__ import annotations

import hashlib
import http.client
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sonic.server.process import start_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

    from sonic.server.programs import Programs

__all__ = [
    "HEALTH_TIMEOUT_S",
    "LOOPBACK",
    "SHARED_MEMORY",
    "TritonPorts",
    "clean_shared_memory",
    "is_ready",
    "shared_memory_prefix",
    "start_triton",
    "triton_command",
]

LOOPBACK = "127.0.0.1"

HEALTH_TIMEOUT_S = 3.0
"""A server that does not say within this time whether it is ready is not."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - not a temporary file: where the Python backend keeps its tensors


@dataclass(frozen=True)
class TritonPorts:
    """The ports of one server, all on 127.0.0.1: KServe over gRPC, over HTTP, and Prometheus metrics."""

    grpc: int
    http: int
    metrics: int


def triton_command(
    programs: Programs, repository: Path, ports: TritonPorts, shared_memory: str, *, gpu: bool
) -> list[str]:
    """Return the command line of one server.

    Args:
        programs: where Triton is.
        repository: model repository (`sonic.server.repository`).
        ports: to listen on.
        shared_memory: what the names of its files in /dev/shm begin with.
        gpu: whether it may use and watch the machine's GPUs.

    """
    return [
        str(programs.tritonserver),
        f"--model-repository={repository}",
        f"--backend-directory={programs.backends}",
        f"--backend-config=python,shm-region-prefix-name={shared_memory}",
        # The configuration is complete; without this every model is loaded twice.
        "--disable-auto-complete-config",
        f"--grpc-address={LOOPBACK}",
        f"--grpc-port={ports.grpc}",
        f"--http-address={LOOPBACK}",
        f"--http-port={ports.http}",
        "--http-thread-count=2",
        # Envoy asks every second whether a server still answers; by default the third time ends the connection.
        "--grpc-http2-max-ping-strikes=0",
        f"--metrics-address={LOOPBACK}",
        f"--metrics-port={ports.metrics}",
        f"--allow-gpu-metrics={str(gpu).lower()}",
        "--exit-timeout-secs=5",
    ]


def start_triton(
    programs: Programs, repository: Path, ports: TritonPorts, *, folder: Path, role: str, gpu: bool
) -> psutil.Process:
    """Start one server in a process group of its own, without waiting for it; its log is FOLDER/logs/ROLE.log.

    Args:
        programs: where Triton is.
        repository: model repository.
        ports: to listen on.
        folder: of the set of servers that it belongs to.
        role: its name within the set.
        gpu: whether it may use and watch the machine's GPUs.

    """
    clean_shared_memory(folder, [role])
    libraries = [str(programs.libpython.parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    environment = {
        "PATH": f"{programs.python.parent}:{os.environ.get('PATH', os.defpath)}",
        "LD_LIBRARY_PATH": ":".join(libraries),
    }
    if not gpu:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    command = triton_command(programs, repository, ports, shared_memory_prefix(folder, role), gpu=gpu)
    return start_process(command, environment, folder=folder, role=role, log=folder / "logs" / f"{role}.log")


def is_ready(http_port: int) -> bool:
    """Tell whether the server on a port has its model loaded and answers."""
    connection = http.client.HTTPConnection(LOOPBACK, http_port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def clean_shared_memory(folder: Path, roles: Sequence[str] = ("",)) -> None:
    """Remove what ended servers of a folder left in shared memory; of all roles if none is named."""
    for role in roles:
        for path in SHARED_MEMORY.glob(f"{shared_memory_prefix(folder, role)}*"):
            path.unlink(missing_ok=True)


def shared_memory_prefix(folder: Path, role: str = "") -> str:
    """Return what the names of the files in /dev/shm of a folder's servers, or of one of them, begin with."""
    name = f"sonicgrid_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}_"
    return f"{name}{role}_" if role else name
