"""A real XRootD server that refuses, lacks something or dies is told from one that does its work."""

from __future__ import annotations

import builtins
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jobs.storage.errors import ClientMissing, StorageAway, StorageRefused
from jobs.storage.outlook import Outlook
from jobs.storage.storage import content_of, open_storage
from tests.builders.xrootd_server import XrootdServerProcess, hurry

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.storage.xrootd import XrootdServer


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A small file."""
    path = tmp_path / "local.root"
    path.write_bytes(b"an output" * 1000)
    return path


@dataclass
class Answer:
    """What a server says that a test cannot bring into that state."""

    errno: int
    code: int = 400
    ok: bool = False
    message: str = "[ERROR] the server's words"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(3009), "it has no space left .*free some space"),
        (Answer(3021), "the quota is used up .*ask for more"),
        (Answer(3007), "reading or writing its disk fails .*disks checked"),
        (Answer(3030), "it does not know who we are .*token or a proxy"),
        (Answer(0, code=204), "it does not know who we are .*token or a proxy"),
        (Answer(3028), "it asks for TLS .*roots://"),
        (Answer(3999), "the server refuses .*ask its administrators"),
    ],
)
def test_each_refusal_is_named_with_its_remedy(
    server: XrootdServerProcess, monkeypatch: pytest.MonkeyPatch, answer: Answer, words: str
) -> None:
    """Whoever reads the record learns what is short, where, and who can help."""
    storage = open_storage(server.url)
    monkeypatch.setattr(storage, "_server", SimpleNamespace(rm=lambda *_, **__: (answer, None)))
    with pytest.raises(StorageRefused, match=rf"store/a: cannot be removed: {words}") as caught:
        storage.remove(f"{server.url}/a")
    assert "the server's words" in str(caught.value)


def test_a_folder_that_nobody_may_write_is_named(server: XrootdServerProcess, local: Path) -> None:
    """Permissions are for people to mend, and the message says which."""
    (server.store / "closed").mkdir(mode=0o555)
    with pytest.raises(StorageRefused, match=r"closed/a\.part: cannot be written.*does not let us.*token or proxy"):
        open_storage(server.url).put(local, f"{server.url}/closed/a.part")


def test_a_folder_outside_of_what_the_server_serves(server: XrootdServerProcess) -> None:
    """A slip in the path is not taken for an empty folder."""
    with pytest.raises(StorageRefused, match="cannot be listed"):
        open_storage(server.url).folder(server.url.replace("//store", "//elsewhere"))


@pytest.mark.parametrize("same", [True, False])
def test_a_server_without_checksums_is_read_back(tmp_path: Path, local: Path, same: bool) -> None:
    """Where the server has no checksum to tell, all bytes come back and are compared by SHA-256."""
    server = XrootdServerProcess(tmp_path / "xrootd", checksums=False)
    server.folder.mkdir()
    server.start()
    try:
        storage, name = open_storage(server.url), f"{server.url}/a.part"
        storage.put(local, name)
        if same:
            storage.check(name, content_of(local))
        else:
            content = bytearray(local.read_bytes())
            content[7] ^= 1
            (server.store / "a.part").write_bytes(content)
            with pytest.raises(StorageRefused, match="has SHA-256"):
                storage.check(name, content_of(local))
    finally:
        server.stop()


def test_a_server_that_only_gives_is_named(tmp_path: Path, local: Path) -> None:
    """Nothing can be put where everything is read-only."""
    server = XrootdServerProcess(tmp_path / "xrootd", read_only=True)
    server.folder.mkdir()
    server.start()
    try:
        with pytest.raises(StorageRefused, match=r"a\.part: cannot be written"):
            open_storage(server.url).put(local, f"{server.url}/a.part")
    finally:
        server.stop()


def test_a_server_that_is_away_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later try may help, which is why such an error has a class of its own."""
    hurry()
    monkeypatch.setattr("jobs.storage.xrootd._ASK_S", 2)
    began = time.monotonic()
    with pytest.raises(StorageAway, match=r"root://127\.0\.0\.1:9//x: cannot be removed: the server does not answer"):
        open_storage("root://127.0.0.1:9//x").remove("root://127.0.0.1:9//x")
    assert time.monotonic() - began < 60


def test_a_name_that_is_taken_is_made_free_where_the_server_insists(
    server: XrootdServerProcess, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some servers do not rename over a file; one that is there goes, and the new one gets its name."""
    storage: XrootdServer = open_storage(server.url)  # type: ignore[assignment]  # for a root:// URL
    for name in ("a.part", "a.root"):
        storage.put(local, f"{server.url}/{name}")
    real = storage._server

    class Strict:
        """The server, but for renaming."""

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
            return getattr(real, name)

        def mv(self, source: str, target: str, timeout: int) -> Any:  # noqa: ANN401 - as above
            if (server.store / target.removeprefix("/store/")).exists():
                status, _ = real.mv("/store/none", "/store/none", timeout=timeout)
                status.errno = 3018
                return status, None
            return real.mv(source, target, timeout=timeout)

    monkeypatch.setattr(storage, "_server", Strict())
    storage.rename(f"{server.url}/a.part", f"{server.url}/a.root")
    assert "a.root" in server.names()
    assert "a.part" not in server.names()


def test_without_the_package_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """XRootD's client is an extra, which a worker's environment may lack."""
    real = builtins.__import__

    def lack(name: str, *rest: Any) -> Any:  # noqa: ANN401 - as Python's own
        if name.startswith("XRootD"):
            raise ImportError("No module named 'XRootD'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", lack)
    with pytest.raises(ClientMissing, match=r"pip install 'sonicgrid\[xrootd\]'.*pack the workers' environment again"):
        open_storage("root://h//a")


def test_each_folder_is_asked_for_once(
    server: XrootdServerProcess, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of outputs are looked for with one question a folder; paths are looked at one by one."""
    storage = open_storage(server.url)
    for name in ("a.root", "b.root"):
        storage.put(local, f"{server.url}/many/{name}")
    outlook = Outlook()
    entry = outlook.find(f"{server.url}/many/a.root")
    assert entry is not None
    assert entry.bytes == local.stat().st_size
    server.stop()
    try:
        assert outlook.find(f"{server.url}/many/b.root") is not None
        assert outlook.find(f"{server.url}/many/c.root") is None
    finally:
        server.start()
    found = outlook.find(str(local))
    assert found is not None
    assert found.bytes == local.stat().st_size
    assert outlook.find(str(tmp_path / "none")) is None
    assert outlook.find(str(local / "below a file")) is None
