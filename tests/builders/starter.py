"""A stand-in for the chirp proxy of HTCondor's starter, for what the real one cannot be made to do: hang, die, lie."""

from __future__ import annotations

import socketserver
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

__all__ = ["COOKIE", "Starter", "a_file"]

COOKIE = "pass-phrase"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Starter:
    """Answers the commands of a job on loopback and remembers them.

    Args:
        folder: where the file with its address is put.
        answer: gives the bytes that answer a command line; None hangs, empty bytes hang up.

    """

    def __init__(self, folder: Path, answer: Callable[[str], bytes | None]) -> None:
        self.commands: list[str] = []
        self.config = folder / ".chirp.config"
        release = self._release = threading.Event()
        commands = self.commands

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    command = line.decode().rstrip("\n")
                    if command == f"cookie {COOKIE}":
                        self.wfile.write(b"0\n")
                        continue
                    commands.append(command)
                    reply = answer(command)
                    if reply is None:
                        release.wait()
                    if not reply:
                        return
                    self.wfile.write(reply)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        host, port = self._server.server_address[:2]
        self.config.write_text(f"{host!s} {port} {COOKIE}\n")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release.set()
        self._server.shutdown()
        self._server.server_close()


def a_file(content: bytes) -> bytes:
    """Return the answer to the reading of a file."""
    return b"%d\n%s" % (len(content), content)
