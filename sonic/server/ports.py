"""Free TCP ports, kept over restarts."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass, field

from sonic.errors import SetupFailed
from sonic.server.triton import LOOPBACK

__all__ = ["PortPicker", "is_free"]

FIRST_PORT, LAST_PORT = 20_000, 32_000
"""Below the range from which Linux takes ports for outgoing connections, which could occupy one between restarts."""


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on a port of one of this machine's addresses now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@dataclass
class PortPicker:
    """Hands out free ports, each once.

    Attributes:
        reserved: ports that somebody will wish for, handed out only then.

    """

    reserved: set[int] = field(default_factory=set)
    _taken: set[int] = field(default_factory=set)

    def pick(self, wish: int | None = None, address: str = LOOPBACK) -> int:
        """Return `wish` if it is free, otherwise a random free port, on one of this machine's addresses.

        Raises:
            SetupFailed: no port is free.

        """
        chance = random.SystemRandom()
        if wish and wish not in self._taken and is_free(wish, address):
            self._taken.add(wish)
            return wish
        for port in chance.sample(range(FIRST_PORT, LAST_PORT), 500):
            if port not in self._taken | self.reserved and is_free(port, address):
                self._taken.add(port)
                return port
        raise SetupFailed(f"no free TCP port between {FIRST_PORT} and {LAST_PORT} on {address}")
