"""Listens, answers until it is told to end, and ends within a second although pages are open."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING

import uvicorn

from monitoring.errors import CannotServe
from monitoring.serve.app import Dashboard, make_app
from monitoring.serve.supervise import keep_running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from monitoring.serve.access import Access
    from monitoring.serve.recipes import Recipes

__all__ = ["Server", "address_of", "listen"]

_GRACE_S = 1
"""How long answers that are under way may take to end, seconds."""

_WAITING_CONNECTIONS = 128


def listen(host: str, port: int) -> socket.socket:
    """Take a port; 0 takes a free one.

    Raises:
        CannotServe: it is in use, or the host is none of this machine's.

    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        message = f"--host {host}: {error.strerror}; name an address of this machine, such as 127.0.0.1 or 0.0.0.0"
        raise CannotServe(message) from error
    try:
        # The port of a server that was killed is free at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_WAITING_CONNECTIONS)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = (
                f"port {port} of {host} is in use, perhaps by another dashboard; name another one with --port, "
                "or take a free one with --port 0"
            )
        else:
            message = (
                f"{host}, port {port}: cannot listen there: {os.strerror(error.errno or 0)}; see --host and --port"
            )
        raise CannotServe(message) from error
    return listener


def address_of(listener: socket.socket, *, over_tls: bool, token: str) -> str:
    """Return what to open in a browser."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        host = socket.getfqdn()
    elif ":" in host:
        host = f"[{host}]"
    address = f"http{'s' if over_tls else ''}://{host}:{port}/"
    return f"{address}?token={token}" if token else address


class Server(uvicorn.Server):
    """One dashboard on one port.

    Args:
        recipes: of all pages.
        access: who may look.
        collector: command of the collector beside it; empty for none.
        say: is told what goes wrong with the collector.
        certificate, key: for TLS; both or none.

    Attributes:
        dashboard: what answers.

    Raises:
        CannotServe: certificate and key are not usable.

    """

    def __init__(
        self,
        recipes: Recipes,
        access: Access,
        *,
        collector: Sequence[str] = (),
        say: Callable[[str], None],
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self.dashboard = Dashboard(recipes)
        self._collector = tuple(collector)
        self._say = say
        self._beside: asyncio.Task[None] | None = None
        if certificate is not None:
            _check_certificate(certificate, key)
        config = uvicorn.Config(
            make_app(self.dashboard, access),
            # An access log would have the token in it.
            access_log=False,
            log_level="warning",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        super().__init__(config)

    async def main_loop(self) -> None:
        """Run until it is time to end, the collector beside."""
        if self._collector:
            self._beside = asyncio.create_task(keep_running(self._collector, self._say))
        await super().main_loop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let those go who listen, end the collector, and end."""
        self.dashboard.watchers.close()
        if self._beside is not None:
            self._beside.cancel()
        await super().shutdown(sockets)
        if self._beside is not None:
            await asyncio.gather(self._beside, return_exceptions=True)


def _check_certificate(certificate: Path, key: Path | None) -> None:
    try:
        # An empty password, so that OpenSSL does not ask for one where nobody answers.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        message = f"{certificate}: not usable with {key or 'itself as key'}: {error}; both are PEM files"
        raise CannotServe(message) from error
