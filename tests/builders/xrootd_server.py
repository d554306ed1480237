"""A real XRootD server on loopback, with a folder of its own, which a test may kill, lock and fill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.pool.folders import runtime_folder
from jobs.pool.identity import daemon_prefix
from jobs.storage.install import install

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["XrootdServerProcess", "hurry"]

_CONFIG = """\
all.export /store{options}
oss.localroot {root}
all.adminpath {folder}/admin
all.pidpath {folder}/run
xrd.network nodnr
xrd.trace off
{checksum}
"""

_READY_S = 30.0


@dataclass
class XrootdServerProcess:
    """One server.

    Attributes:
        folder: everything about it; ``data/store`` is what it serves.
        checksums: whether it knows the checksums of its files.
        read_only: whether it takes files.

    """

    folder: Path
    checksums: bool = True
    read_only: bool = False
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where jobs put files."""
        return f"root://127.0.0.1:{self.port}//store"

    @property
    def store(self) -> Path:
        """What is behind that, on the disk."""
        return self.folder / "data" / "store"

    def names(self) -> list[str]:
        """Every file that the server holds."""
        return sorted(str(path.relative_to(self.store)) for path in self.store.rglob("*") if path.is_file())

    def start(self) -> XrootdServerProcess:
        """Start it, at the port that it had before if it had one."""
        program = install(runtime_folder(), report=lambda _: None)
        self.store.mkdir(parents=True, exist_ok=True)
        self.port = self.port or _free_port()
        config = self.folder / "xrootd.cfg"
        config.write_text(
            _CONFIG.format(
                options=" notwritable" if self.read_only else "",
                root=self.folder / "data",
                folder=self.folder,
                checksum="xrootd.chksum max 2 adler32" if self.checksums else "",
            )
        )
        environment = {"PATH": os.defpath, "HOME": str(self.folder)}
        if program.libraries is not None:
            environment["LD_LIBRARY_PATH"] = str(program.libraries)
        command = [str(program.server), "-c", str(config), "-l", str(self.folder / "log"), "-I", "v4", "-n", "test"]
        # Like HTCondor it refuses to run as root.
        self._process = subprocess.Popen(
            [*daemon_prefix(), *command, "-p", str(self.port)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + _READY_S
        while not self._answers():
            assert self._process.poll() is None, f"XRootD's server has ended; see {self.folder}"
            assert time.monotonic() < deadline, f"XRootD's server does not answer; see {self.folder}"
            time.sleep(0.05)
        return self

    def stop(self, number: int = signal.SIGKILL) -> None:
        """Kill it, or send it another signal and leave it."""
        if self._process is not None:
            os.killpg(self._process.pid, number)
            if number == signal.SIGKILL:
                self._process.wait(10)
                self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def hurry() -> None:
    """Let the client of this process give up on a dead server within seconds, and try again soon."""
    from XRootD import client

    for name, seconds in (("ConnectionWindow", 2), ("StreamErrorWindow", 1), ("TimeoutResolution", 1)):
        client.EnvPutInt(name, seconds)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
