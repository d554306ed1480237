"""The line to HTCondor: what the starter answers comes back, and whatever else it does ends within seconds."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from jobs.payload import chirp as chirp_module
from jobs.payload.chirp import Chirp, find_chirp
from jobs.payload.errors import ChirpFailed
from tests.builders.starter import Starter, a_file

if TYPE_CHECKING:
    from pathlib import Path


def connected(starter: Starter) -> Chirp:
    """Return the line that the starter's file describes."""
    chirp = find_chirp(str(starter.config))
    assert chirp is not None
    return chirp


def test_a_file_is_read(tmp_path: Path) -> None:
    """As many bytes as the starter announces are its content; one that is too large is not taken in."""
    with Starter(tmp_path, lambda command: a_file(b"34.5")) as starter:
        assert connected(starter).read_file("/a file", 4) == b"34.5"
        with pytest.raises(ChirpFailed, match="4 bytes are more than the 3"):
            connected(starter).read_file("/a file", 3)
    assert starter.commands == ["getfile /a\\ file"] * 2


def test_words_are_quoted(tmp_path: Path) -> None:
    """Blanks, line breaks and backslashes must not end a word or a command."""
    with Starter(tmp_path, lambda command: b"0\n") as starter:
        connected(starter).ulog("a b\\c\nd")
    # The line break was sent escaped, and the stand-in splits lines by it.
    assert starter.commands == ["ulog a\\ b\\\\c\\", "d"]


def test_attributes_are_set_in_one_connection(tmp_path: Path) -> None:
    """Each must be a command of its own."""
    with Starter(tmp_path, lambda command: b"0\n") as starter:
        connected(starter).set_job_attrs_delayed(ChirpA=3, ChirpB=1.25)
    assert starter.commands == ["set_job_attr_delayed ChirpA 3", "set_job_attr_delayed ChirpB 1.25"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"-3\n", "refused with -3"),
        (b"what?\n", "answered b'what"),
        (b"", "answered b''"),
        (b"9\n34.5", "after 4 of 9 bytes|timed out"),
        (None, "timed out"),
    ],
    ids=["refusal", "nonsense", "hangs up", "cut short", "hangs"],
)
def test_whatever_goes_wrong_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes | None, words: str
) -> None:
    """A starter that refuses, lies, dies or hangs must end the call, and soon."""
    monkeypatch.setattr(chirp_module, "_TIMEOUT_S", 0.2)
    with Starter(tmp_path, lambda command: answer) as starter, pytest.raises(ChirpFailed, match=words):
        connected(starter).read_file("/shares", 100)


def test_nobody_there_is_the_same_error() -> None:
    """A starter that is gone must not be a bug of the job."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ChirpFailed, match="does not answer"):
        Chirp("127.0.0.1", port, "secret").ulog("hello")


def test_a_line_that_is_too_long_is_refused_here(tmp_path: Path) -> None:
    """The starter would take its rest for another command."""
    with Starter(tmp_path, lambda command: b"0\n") as starter, pytest.raises(ChirpFailed, match="more than a line"):
        connected(starter).ulog("x" * 6000)
    assert starter.commands == []


def test_the_cookie_is_in_no_text() -> None:
    """Who has it can act for the job."""
    assert "secret" not in repr(Chirp("127.0.0.1", 1, "secret"))


@pytest.mark.parametrize("content", [None, "", "127.0.0.1 9618", "127.0.0.1 port cookie"])
def test_without_a_usable_file_there_is_nobody_to_talk_to(tmp_path: Path, content: str | None) -> None:
    """Outside HTCondor, and without an I/O proxy, a job must simply not talk."""
    config = tmp_path / ".chirp.config"
    if content is not None:
        config.write_text(content)
    assert find_chirp(str(config)) is None
    assert find_chirp("") is None
