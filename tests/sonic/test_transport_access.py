"""TLS and tokens over a real channel: whom a client trusts, what it shows, and that both can be renewed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information
import pytest
import trustme

from sonic.client import Client
from sonic.credentials import Credentials
from sonic.errors import CredentialsUnusable, EndpointAway, EndpointUntrusted, SonicError, TokenRefused
from tests.builders.client import FORMATS, a_view, assert_right, quick
from tests.builders.kserve import KServe, a_message, a_transport, ask

if TYPE_CHECKING:
    from pathlib import Path

    from sonic.wire_format import WireFormat

HOST = "127.0.0.1"
LIMITS = quick(check_timeout_s=5, request_timeout_s=5, patience_s=0.5)
SECRET = "s3cr3t-t0ken"  # noqa: S105  # of nobody


@dataclass
class Files:
    """Certificates of one authority, and the files of a client that trusts it."""

    folder: Path
    authority: trustme.CA

    def write(self, name: str, content: bytes, mode: int = 0o600) -> Path:
        """Write one file."""
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def trusting(self, authority: trustme.CA | None = None, **more: Any) -> Credentials:  # noqa: ANN401  # any field
        """Return credentials that trust an authority, this one if not told otherwise."""
        ca_file = self.write("ca.pem", (authority or self.authority).cert_pem.bytes())
        return Credentials(tls=True, ca_file=ca_file, **more)

    def pair_of(self, authority: trustme.CA) -> dict[str, Path]:
        """Return a client's certificate and key as fields of credentials."""
        leaf = authority.issue_cert("job@example.org")
        return {
            "certificate_file": self.write("cert.pem", leaf.cert_chain_pems[0].bytes()),
            "key_file": self.write("key.pem", leaf.private_key_pem.bytes()),
        }


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """An authority and a folder for files."""
    return Files(tmp_path, trustme.CA())


def of_server(leaf: trustme.LeafCert, clients: trustme.CA | None = None) -> grpc.ServerCredentials:
    """Return what a server shows, and whose clients it lets in: everybody if None."""
    pair = (leaf.private_key_pem.bytes(), b"".join(part.bytes() for part in leaf.cert_chain_pems))
    return grpc.ssl_server_credentials(
        [pair],
        root_certificates=clients.cert_pem.bytes() if clients else None,
        require_client_auth=clients is not None,
    )


def error_of_check(server: KServe, credentials: Credentials) -> SonicError | None:
    """Return what a client's check ends with; None for success."""
    transport = a_transport(server.address, credentials=credentials)
    try:
        transport.check(10)
    except SonicError as error:
        return error
    finally:
        transport.close()
    return None


@pytest.mark.parametrize("wire_format", FORMATS)
def test_scores_come_over_tls(files: Files, wire_format: WireFormat) -> None:
    """With the right authority a client must work as without TLS."""
    with KServe(tls=of_server(files.authority.issue_cert(HOST))) as server:
        options: dict[str, Any] = {"network": "cnn", "wire_format": wire_format, "limits": LIMITS}
        with Client([server.address], credentials=files.trusting(), **options) as client:
            views = [a_view(30)]
            assert_right(views, client.score(views))


def test_a_server_of_another_authority_is_untrusted(files: Files) -> None:
    """Somebody who only plays the pool must not get a byte."""
    with KServe(tls=of_server(trustme.CA().issue_cert(HOST))) as server:
        assert isinstance(error_of_check(server, files.trusting()), EndpointUntrusted)
        assert isinstance(error_of_check(server, Credentials(tls=True)), EndpointUntrusted)
        assert server.tokens == []


def test_an_expired_certificate_is_untrusted(files: Files) -> None:
    """The error must say that it is the time, since that is what the site has to mend."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    leaf = files.authority.issue_cert(HOST, not_before=yesterday - timedelta(days=9), not_after=yesterday)
    with KServe(tls=of_server(leaf)) as server:
        error = error_of_check(server, files.trusting())
    assert isinstance(error, EndpointUntrusted)
    assert "certificate has expired" in str(error)


def test_a_certificate_of_another_host_is_untrusted(files: Files) -> None:
    """A certificate of the right authority, but for somebody else, must not do."""
    with KServe(tls=of_server(files.authority.issue_cert("elsewhere.example.org"))) as server:
        assert isinstance(error_of_check(server, files.trusting()), EndpointUntrusted)


def test_a_server_without_tls_is_untrusted(files: Files) -> None:
    """A client that is to speak TLS must never fall back to none."""
    with KServe() as server:
        assert isinstance(error_of_check(server, files.trusting()), EndpointUntrusted)
        assert isinstance(error_of_check(server, Credentials()), type(None))


def test_a_file_that_holds_no_certificate_is_untrusted(files: Files) -> None:
    """A broken CA file must not look like a dead server."""
    credentials = Credentials(tls=True, ca_file=files.write("ca.pem", b"no certificate\n"))
    with KServe(tls=of_server(files.authority.issue_cert(HOST))) as server:
        assert isinstance(error_of_check(server, credentials), EndpointUntrusted)


def test_a_server_that_wants_certificates_gets_ours(files: Files) -> None:
    """With a certificate of the authority that the server trusts a client is let in, with none or another it is not."""
    with KServe(tls=of_server(files.authority.issue_cert(HOST), clients=files.authority)) as server:
        assert error_of_check(server, files.trusting(**files.pair_of(files.authority))) is None
        assert isinstance(error_of_check(server, files.trusting()), EndpointAway)
        assert isinstance(error_of_check(server, files.trusting(**files.pair_of(trustme.CA()))), EndpointAway)


def test_a_renewed_authority_is_trusted_without_a_new_client(files: Files) -> None:
    """When the site replaces its authority, the new CA file must be read as soon as the old one no longer does."""
    new = trustme.CA()
    with KServe(tls=of_server(files.authority.issue_cert(HOST))) as old_server:
        client = Client([old_server.address], network="cnn", credentials=files.trusting(), limits=LIMITS)
        views = [a_view(8)]
        client.score(views)
    with KServe(tls=of_server(new.issue_cert(HOST)), port=old_server.port), client:
        with pytest.raises(EndpointUntrusted):
            client.score(views)
        files.trusting(new)
        assert_right(views, client.score(views))


def test_files_that_vanish_while_a_job_runs_are_named(files: Files) -> None:
    """A transport that is opened again must not fail with an error of the operating system."""
    credentials = files.trusting()
    (files.folder / "ca.pem").unlink()
    with pytest.raises(CredentialsUnusable, match=r"ca\.pem"):
        a_transport("127.0.0.1:1", credentials=credentials)


def test_the_token_goes_with_every_call_and_is_renewed_between_two(files: Files) -> None:
    """Check and request must show the token that the file has at that moment."""
    token_file = files.write("token", b"first")
    with KServe() as server:
        transport = a_transport(server.address, credentials=Credentials(token_file=token_file))
        transport.check(10)
        ask(transport, a_message())
        assert set(server.tokens) == {"Bearer first"}
        files.write("token", b"the-second")
        ask(transport, a_message())
        assert server.tokens[-1] == "Bearer the-second"
        token_file.unlink()
        reply, _ = ask(transport, a_message())
        assert isinstance(reply.error, CredentialsUnusable)
        with pytest.raises(CredentialsUnusable, match="token"):
            transport.check(10)
        transport.close()


def test_no_token_is_sent_unless_there_is_a_file(files: Files) -> None:
    """A client without credentials must show none."""
    with KServe(tls=of_server(files.authority.issue_cert(HOST))) as server:
        assert error_of_check(server, files.trusting()) is None
        assert server.tokens == []
        with_token = files.trusting(token_file=files.write("token", SECRET.encode()))
        assert error_of_check(server, with_token) is None
        assert set(server.tokens) == {f"Bearer {SECRET}"}


def test_a_job_goes_on_with_the_token_that_replaced_a_refused_one(files: Files) -> None:
    """A server that refuses the old token must get the new one, and no error may show either."""
    token_file = files.write("token", SECRET.encode())
    with KServe(status=grpc.StatusCode.UNAUTHENTICATED, says="Jwt is expired") as server:
        credentials = Credentials(token_file=token_file)
        with Client([server.address], network="cnn", credentials=credentials, limits=LIMITS) as client:
            views = [a_view(8)]
            with pytest.raises(TokenRefused, match="Jwt is expired") as caught:
                client.score(views)
            assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
            server.status = None
            files.write("token", b"renewed")
            assert_right(views, client.score(views))
    assert server.tokens[-1] == "Bearer renewed"


def test_grpcs_own_proxy_setting_is_not_taken_from_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers set http_proxy for CVMFS's squid, which must not get our requests."""
    monkeypatch.setitem(os.environ, "http_proxy", "http://127.0.0.1:1")
    with KServe() as server:
        assert error_of_check(server, Credentials()) is None
