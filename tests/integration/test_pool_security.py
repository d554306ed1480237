"""Who gets through a real Envoy to a real Triton: TLS, client certificates, tokens, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jwt
import pytest
import tritonclient.grpc as triton_grpc
import trustme
from tritonclient.utils import InferenceServerException

from sonic.server.access import Access, Tls
from sonic.server.pool import start_servers, stop_servers
from sonic.server.tokens import AUDIENCE, ISSUER, make_signing_key, sign_token
from tests.builders.certificates import issue, write_ca
from tests.builders.inference_load import Load, envoy_count, infer, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sonic.server.state import ServersState

LIMIT_MBPS = 24.0

SENT_ON = "cluster.triton.upstream_cx_tx_bytes_total"
"""Bytes to the servers, frames included: what has come through the limit."""


@dataclass(frozen=True)
class Site:
    """A pool with a CA beside it.

    Attributes:
        folder: where certificates and keys are; the pool's is below it.
        authority: who signs the certificates that are right.
        start: has one server running that lets in whom the access says.

    """

    folder: Path
    authority: trustme.CA
    start: Callable[[Access], ServersState]

    @property
    def tls(self) -> Tls:
        """A right certificate of the load balancer, made anew."""
        return issue(self.authority, self.folder, "host")


@pytest.fixture(scope="module")
def site(server_runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One Triton server for all tests of this file; each has Envoy before it as it needs it."""
    folder, authority = tmp_path_factory.mktemp("site"), trustme.CA()
    write_ca(authority, folder, "ca")
    pool = folder / "pool"
    try:
        yield Site(folder, authority, lambda access: start_servers(pool, 1, runtime=server_runtime, access=access))
    finally:
        stop_servers(pool)


def _ask(state: ServersState, ca: Path | None, client: Tls | None = None, token: str | None = None) -> int:
    """Ask for the scores of four patches as a client with these files; return how many came."""
    with triton_grpc.InferenceServerClient(
        state.endpoint,
        ssl=ca is not None,
        root_certificates=str(ca) if ca else None,
        certificate_chain=str(client.certificate) if client else None,
        private_key=str(client.key) if client else None,
    ) as connection:
        return len(infer(connection, noise(4), timeout_s=10, token=token)[0])


def _refused(state: ServersState, ca: Path | None, client: Tls | None = None, token: str | None = None) -> str:
    """Return with which status and words the same request is refused."""
    before = envoy_count(state.admin_port, "cluster.triton.upstream_rq_total")
    with pytest.raises(InferenceServerException) as caught:
        _ask(state, ca, client, token)
    assert envoy_count(state.admin_port, "cluster.triton.upstream_rq_total") == before, "it reached Triton"
    return f"{caught.value.status()}: {caught.value.message()}"


def test_only_those_who_trust_the_pool_and_are_meant_get_through(site: Site) -> None:
    """With TLS a client of the right CA is answered; one of another CA and one without TLS are not."""
    state = site.start(Access(site.tls))
    foreign = write_ca(trustme.CA(), site.folder, "foreign-ca")

    assert _ask(state, site.folder / "ca.pem") == 4
    assert "unable to get local issuer certificate" in _refused(state, foreign)
    assert "Socket closed" in _refused(state, None)


def test_a_renewed_certificate_is_shown_without_a_restart(site: Site) -> None:
    """A certificate that has expired is refused by clients; a new one in its place helps, and Envoy runs on."""
    state = site.start(Access(site.tls))
    issue(site.authority, site.folder, "host", expired=True)
    _until(lambda: "certificate has expired" in _outcome(state, site.folder / "ca.pem"))
    issue(site.authority, site.folder, "host", "pool.example.org")
    _until(lambda: "Hostname Verification Check failed" in _outcome(state, site.folder / "ca.pem"))
    access = Access(site.tls)
    _until(lambda: _outcome(state, site.folder / "ca.pem") == "4")

    assert site.start(access) == state


def test_client_certificates_are_required_where_asked_for(site: Site) -> None:
    """With a CA for clients, one of its clients is answered; without a certificate, or with a wrong one, none is."""
    ca = site.folder / "ca.pem"
    state = site.start(Access(replace(site.tls, client_ca=ca)))
    right = issue(site.authority, site.folder, "client", "job")
    foreign = issue(trustme.CA(), site.folder, "foreign", "job")
    expired = issue(site.authority, site.folder, "expired", "job", expired=True)

    assert _ask(state, ca, right) == 4
    for wrong in (None, foreign, expired):
        assert "StatusCode.UNAVAILABLE" in _refused(state, ca, wrong)
    assert _ask(state, ca, right) == 4


def test_tokens_are_checked_before_triton(site: Site) -> None:
    """A right token is answered; none, and one that is wrong in any way, is refused and never reaches Triton."""
    keys, ca = site.folder / "keys", site.folder / "ca.pem"
    state = site.start(Access(site.tls, make_signing_key(keys)))
    make_signing_key(site.folder / "foreign-keys")
    key = (keys / "key.pem").read_text()
    endless = jwt.encode({"iss": ISSUER, "aud": AUDIENCE}, key, algorithm="ES256")
    unsigned = jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "exp": 2**31}, "", algorithm="none")
    refused = {
        "missing": None,
        "not in the form": "not a token",
        "expired": sign_token(keys, lifetime_s=-120),
        "verification fails": sign_token(site.folder / "foreign-keys"),
        "issuer is not configured": sign_token(keys, issuer="somebody"),
        "Jwt verification fails": endless,
        "Jwt": unsigned,
    }

    assert _ask(state, ca, token=sign_token(keys)) == 4
    for words, token in refused.items():
        answer = _refused(state, ca, token=token)
        assert answer.startswith("StatusCode.UNAUTHENTICATED: Jwt")
        assert words in answer
    assert _refused(state, ca, token=sign_token(keys, audience="somebody")).startswith("StatusCode.PERMISSION_DENIED")
    assert _ask(state, ca, token=sign_token(keys)) == 4


def test_secrets_stand_in_no_file_and_no_command_line(site: Site) -> None:
    """Neither key nor token is in what the pool writes, also when a token was refused."""
    keys = site.folder / "keys"
    tls = site.tls
    state = site.start(Access(tls, make_signing_key(keys)))
    token = sign_token(keys, audience="somebody")
    _refused(state, site.folder / "ca.pem", token=token)
    secrets = [token, tls.key.read_text().splitlines()[1], (keys / "key.pem").read_text().splitlines()[1]]

    for file in (site.folder / "pool").rglob("*"):
        if file.is_file() and file.suffix in (".json", ".log"):
            assert not [secret for secret in secrets if secret in file.read_text()], file


def test_other_keys_count_after_the_next_start(site: Site) -> None:
    """When the issuer has changed its keys, starting again takes them up, at the same address."""
    keys = site.folder / "rolled"
    state = site.start(Access(tokens=make_signing_key(keys)))
    old = sign_token(keys)
    assert _ask(state, None, token=old) == 4
    for file in keys.iterdir():
        file.unlink()
    again = site.start(Access(tokens=make_signing_key(keys)))

    assert again.endpoint == state.endpoint
    assert again.servers == state.servers
    assert _ask(again, None, token=sign_token(keys)) == 4
    assert "verification fails" in _refused(again, None, token=old)


def test_all_clients_together_keep_to_the_limit(site: Site) -> None:
    """Bytes that Envoy passes on in a second are the limit, however many ask; without one they are far more."""
    rates = {}
    for limit_mbps in (LIMIT_MBPS, None):
        state = site.start(Access(limit_mbps=limit_mbps))
        with Load(state.endpoint, threads=4, patches=100) as load:
            # What has gathered in the bucket before is used up first.
            load.run_for(2)
            before, began = envoy_count(state.admin_port, SENT_ON), time.monotonic()
            load.run_for(4)
            after, ended = envoy_count(state.admin_port, SENT_ON), time.monotonic()
        assert load.wrong == []
        rates[limit_mbps] = (after - before) * 8 / 1e6 / (ended - began)

    assert 0.7 < rates[LIMIT_MBPS] / LIMIT_MBPS < 1.05
    assert rates[None] > 1.5 * rates[LIMIT_MBPS]


def _outcome(state: ServersState, ca: Path) -> str:
    """Return the number of scores that came, or with which words a request was refused."""
    try:
        return str(_ask(state, ca))
    except InferenceServerException as exc:
        return str(exc.message())


def _until(true: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
