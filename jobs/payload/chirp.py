"""The job's line to HTCondor: reads files of the submit machine, sets attributes of its ad, writes into its event log.

HTCondor's own Python client (`htcondor2.htchirp`) is not used on the worker: it spins for ever in a read once the
starter has closed the connection, and importing it initializes HTCondor's native library in the job. Of the protocol
(https://htcondor.readthedocs.io, "Chirp"; a line there, a line back) three commands are needed.
"""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from jobs.payload.errors import ChirpFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Chirp", "find_chirp"]

_TIMEOUT_S = 5.0
_LONGEST_LINE = 5120
"""Bytes; CHIRP_LINE_MAX of chirp_protocol.h."""

_SPECIAL = re.compile(r"([\\ \n\t\r])")


@dataclass(frozen=True)
class Chirp:
    """Where the starter listens; each call is a connection of its own, from any thread.

    Every method raises ChirpFailed if the starter does not answer within seconds, or refuses.
    """

    host: str
    port: int
    cookie: str = field(repr=False)

    def set_job_attrs_delayed(self, **values: float) -> None:
        """Set attributes, whose names begin with `Chirp`, the next time that the job's ad is brought up to date."""
        self._ask([f"set_job_attr_delayed {_quoted(name)} {value}" for name, value in values.items()])

    def read_file(self, path: str, most_bytes: int) -> bytes:
        """Return a file of the machine that submitted the job, which must not be larger than so many bytes."""
        with self._connected() as stream:
            length = _exchange(stream, f"getfile {_quoted(path)}")
            if length > most_bytes:
                message = f"{path}: {length} bytes are more than the {most_bytes} that it may have"
                raise ChirpFailed(message)
            text = stream.read(length)
        if len(text) < length:
            message = f"HTCondor's starter closed the connection after {len(text)} of {length} bytes"
            raise ChirpFailed(message)
        return text

    def ulog(self, text: str) -> None:
        """Write a line into the job's event log, as event 008."""
        self._ask([f"ulog {_quoted(text)}"])

    def _ask(self, commands: list[str]) -> None:
        with self._connected() as stream:
            for command in commands:
                _exchange(stream, command)

    @contextmanager
    def _connected(self) -> Iterator[BinaryIO]:
        try:
            with socket.create_connection((self.host, self.port), timeout=_TIMEOUT_S) as connection:
                # Opened for both directions, which the type of makefile cannot say.
                stream = cast("BinaryIO", connection.makefile("rwb"))
                with stream:
                    _exchange(stream, f"cookie {self.cookie}")
                    yield stream
        except OSError as error:
            message = f"HTCondor's starter does not answer at {self.host}:{self.port}: {error}"
            raise ChirpFailed(message) from error


def find_chirp(config: str) -> Chirp | None:
    """Return the line to HTCondor; None where there is none: outside HTCondor, or without `want_io_proxy`.

    Args:
        config: file that the starter wrote, by the environment variable ``_CONDOR_CHIRP_CONFIG``; may be empty.

    """
    try:
        host, port, cookie = Path(config).read_text(encoding="ascii").split() if config else ("", "", "")
        return Chirp(host, int(port), cookie) if host else None
    except (OSError, ValueError):
        return None


def _exchange(stream: BinaryIO, command: str) -> int:
    """Send one line, return the number that comes back."""
    line = f"{command}\n".encode()
    what = command.split()[0]
    if len(line) > _LONGEST_LINE:
        message = f"{what}: {len(line)} bytes are more than a line to HTCondor may have"
        raise ChirpFailed(message)
    stream.write(line)
    stream.flush()
    answer = stream.readline(_LONGEST_LINE)
    try:
        number = int(answer)
    except ValueError as error:
        message = f"{what}: HTCondor's starter answered {answer!r}"
        raise ChirpFailed(message) from error
    if number < 0:
        message = f"{what}: HTCondor's starter refused with {number}"
        raise ChirpFailed(message)
    return number


def _quoted(word: str) -> str:
    return _SPECIAL.sub(r"\\\1", word)
