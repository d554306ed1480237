"""Jobs and a pool that asks for TLS and a token: the right ones get through, every wrong one ends in its own class."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from jobs.block import TlsFiles
from jobs.exits import ExitClass, exit_class_of
from jobs.layout import CHECKOUT
from sonic.server.access import Access
from sonic.server.pool import start_servers, stop_servers
from sonic.server.tokens import make_signing_key, sign_token, write_private
from tests.builders.certificates import issue, write_ca
from tests.builders.payload import a_campaign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.builders.payload import PayloadCampaign

PATIENCE_S = 3.0


class Guarded:
    """A pool of one server that wants TLS and a token, and the files of its clients."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = write_ca(self.authority, folder, "ca")
        self.foreign_ca = write_ca(trustme.CA(), folder, "foreign-ca")
        self.keys = folder / "keys"
        self._runtime = runtime
        self._tokens = make_signing_key(self.keys)

    def start(self, *, expired: bool = False) -> str:
        """Have it running and return its endpoint; with a certificate that has expired if so wished."""
        tls = issue(self.authority, self.folder, "host")
        access = Access(tls=tls, tokens=self._tokens)
        state = start_servers(self.folder / "pool", 1, runtime=self._runtime, access=access)
        if expired:
            # Such a certificate is refused at the start, but may become one while the pool runs.
            gone = issue(self.authority, self.folder, "host", expired=True).certificate.read_text()
            deadline = time.monotonic() + 20
            while ssl.get_server_certificate((state.address, state.port)).split() != gone.split():
                assert time.monotonic() < deadline, "Envoy did not take up the certificate"
                time.sleep(0.05)
        return state.endpoint

    def token(self, name: str, text: str) -> str:
        """Write a token for its owner alone and return its file."""
        write_private(self.folder / name, text)
        return str(self.folder / name)


@pytest.fixture(scope="module")
def guarded(server_runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """One guarded pool for all tests of this file."""
    folder = tmp_path_factory.mktemp("guarded")
    try:
        yield Guarded(folder, server_runtime)
    finally:
        stop_servers(folder / "pool")


def _run(campaign: PayloadCampaign, endpoint: str, ca: Path, token_file: str | None) -> tuple[ExitClass, str]:
    """Run a job of the gpu flavour with these files; return how it ended and what its record says of it."""
    access = campaign.block.sites["here"].model_copy(
        update={
            "endpoints": (endpoint,),
            "wire_format": "views",
            "tls": TlsFiles(ca=str(ca)),
            "token_file": token_file,
            "patience_s": PATIENCE_S,
        }
    )
    campaign.change(sites={"here": access}).change_job(flavour="gpu")
    done = subprocess.run(
        [sys.executable, "-m", "jobs.payload", str(campaign.block_json), "3"],
        cwd=CHECKOUT,
        env={"PATH": os.defpath, "SONICGRID_SITE": "here"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return exit_class_of(done.returncode), campaign.record().error


def test_the_right_ca_and_token_get_through(guarded: Guarded, tmp_path: Path) -> None:
    """A job with both is done, and nothing of what it left holds the token."""
    token = sign_token(guarded.keys)
    campaign = a_campaign(tmp_path)

    ended, error = _run(campaign, guarded.start(), guarded.ca, guarded.token("right", token))

    assert (ended, error) == (ExitClass.DONE, "")
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left
    assert not [path for path in left if token.encode() in path.read_bytes()]


@pytest.mark.parametrize("wrong", ["missing", "expired", "foreign", "garbage"])
def test_a_wrong_token_is_denied(guarded: Guarded, tmp_path: Path, wrong: str) -> None:
    """No token, one of yesterday, one of another issuer and none at all of the form end a job as denied."""
    stranger = tmp_path / "stranger"
    make_signing_key(stranger)
    texts = {
        "expired": sign_token(guarded.keys, lifetime_s=-3600),
        "foreign": sign_token(stranger),
        "garbage": "no-token-at-all",
    }
    file = None if wrong == "missing" else guarded.token(wrong, texts[wrong])

    ended, error = _run(a_campaign(tmp_path), guarded.start(), guarded.ca, file)

    assert ended is ExitClass.POOL_DENIED
    assert "Jwt" in error
    assert not any(text in error for text in texts.values())


def test_an_unknown_ca_is_not_trusted(guarded: Guarded, tmp_path: Path) -> None:
    """A job that trusts another CA ends as such, and sends its token to nobody."""
    token_file = guarded.token("right", sign_token(guarded.keys))

    ended, error = _run(a_campaign(tmp_path), guarded.start(), guarded.foreign_ca, token_file)

    assert ended is ExitClass.POOL_UNTRUSTED
    assert "CERTIFICATE_VERIFY_FAILED" in error


def test_a_token_that_others_can_read_is_not_used(guarded: Guarded, tmp_path: Path) -> None:
    """The worker is at fault, and the job says what to do."""
    token_file = guarded.token("open", sign_token(guarded.keys))
    Path(token_file).chmod(0o644)

    ended, error = _run(a_campaign(tmp_path), guarded.start(), guarded.ca, token_file)

    assert ended is ExitClass.CREDENTIALS
    assert "chmod 600" in error


def test_a_certificate_that_expires_is_not_trusted(guarded: Guarded, tmp_path: Path) -> None:
    """A pool whose certificate has run out ends a job as untrusted, which a renewed certificate mends."""
    token_file = guarded.token("right", sign_token(guarded.keys))
    endpoint = guarded.start(expired=True)

    ended, error = _run(a_campaign(tmp_path), endpoint, guarded.ca, token_file)

    assert ended is ExitClass.POOL_UNTRUSTED
    assert "expired" in error
