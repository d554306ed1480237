"""Nobody looks who may not: names, tokens and cookies; and nobody changes anything."""

from __future__ import annotations

import http.client
import ssl
import stat
from typing import TYPE_CHECKING

import pytest
import trustme

from monitoring.errors import CannotServe
from monitoring.serve.access import Access, is_loopback, keep_token
from tests.builders.certificates import issue
from tests.builders.dashboard_server import Client, serving, shown_campaigns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.builders.campaign import CampaignBuilder

TOKEN = "t" * 43


@pytest.fixture
def guarded(demo: CampaignBuilder, stores: Path) -> Iterator[Client]:
    """Ask a dashboard that wants a token."""
    with serving(shown_campaigns(demo.folder, stores=stores), Access(TOKEN)) as (client, _):
        yield client


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(client: Client, method: str) -> None:
    """Only GET and HEAD are answered, at any address."""
    for path in ("/", "/json/c/demo", "/live/c/demo", "/static/app.js", "/metrics"):
        answer = client.get(path, method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_head_has_no_body(client: Client) -> None:
    """HEAD gives what GET does, without the body; on a stream it ends at once."""
    for path in ("/", "/json/c/demo", "/live/c/demo", "/csv/c/demo?panel=states", "/csv/c/demo/jobs?panel=jobs"):
        answer = client.get(path, method="HEAD")
        assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    "host", ["localhost:8090", "127.0.0.1", "127.1.2.3:1", "[::1]:8090", "a.localhost", "LOCALHOST"]
)
def test_names_of_this_machine_are_answered(client: Client, host: str) -> None:
    """Through a tunnel the port is another, and the name is still this machine's own."""
    assert client.get("/", Host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8090", "localhost.evil.example", "10.0.0.1", ""])
def test_other_names_are_not(client: Client, host: str) -> None:
    """A foreign page whose name leads to this machine gets nothing, whatever it asks for."""
    for path in ("/", "/json/", "/live/", "/metrics", "/static/app.js"):
        answer = client.get(path, Host=host)
        assert answer.status == 421
        assert "Start it with --token" in answer.text


def test_without_the_token_there_is_nothing(guarded: Client) -> None:
    """No page, file, stream or metric; the answer says where the token is to be found."""
    for path in ("/", "/json/", "/live/c/demo", "/csv/c/demo?panel=states", "/metrics", "/static/app.js", "/nothing"):
        answer = guarded.get(path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "sonicgrid dashboard" in answer.text
        assert "demo" not in answer.text
    for wrong in ({"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}, {"Cookie": "a=b; c"}):
        assert guarded.get("/", **wrong).status == 401
    assert guarded.get("/?token=wrong").status == 401
    assert guarded.get("/?token=%ff%fe").status == 401


def test_the_token_becomes_a_cookie(guarded: Client) -> None:
    """The address with the token leads to the same page without it, and scripts cannot read what is kept."""
    answer = guarded.get(f"/c/demo?last=6h&token={TOKEN}")
    assert (answer.status, answer.headers["location"]) == (303, "demo?last=6h")
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
    assert guarded.get("/json/c/demo?last=6h", Cookie=f"other=1; {cookie}").status == 200
    assert guarded.get("/", Cookie=cookie, Host="any.example").status == 200
    assert guarded.get("/", Cookie=cookie.replace(TOKEN, "x")).status == 401
    assert guarded.get(f"/?token={TOKEN}").headers["location"] == "./"


def test_over_tls_everything_is_encrypted(demo: CampaignBuilder, stores: Path, tmp_path: Path) -> None:
    """With a certificate the dashboard speaks https, and its cookie is never sent in the clear."""
    authority = trustme.CA()
    tls, trust = issue(authority, tmp_path, "dashboard"), ssl.create_default_context()
    authority.configure_trust(trust)
    shown = shown_campaigns(demo.folder, stores=stores)
    with serving(shown, Access(TOKEN, over_tls=True), tls=tls) as (client, _):
        connection = http.client.HTTPSConnection("127.0.0.1", client.port, context=trust)
        connection.request("GET", f"/?token={TOKEN}")
        answer = connection.getresponse()
        assert answer.status == 303
        assert "; Secure" in answer.headers["Set-Cookie"]
        connection.close()


def test_programs_bring_the_token_as_a_header(guarded: Client) -> None:
    """Prometheus and curl send it with each request."""
    assert guarded.get("/metrics", Authorization=f"Bearer {TOKEN}").status == 200
    assert guarded.get("/json/", authorization=f"bearer {TOKEN}").status == 200


def test_every_answer_is_sealed(client: Client) -> None:
    """No answer, errors included, lets foreign scripts, frames or guesses about its type in."""
    for path in ("/", "/json/c/demo", "/nothing", "/static/nothing", "/metrics"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


def test_the_token_is_kept_for_its_user_alone(tmp_path: Path) -> None:
    """It is made once, long, and readable for nobody else; a file that others can read is not taken."""
    path = tmp_path / "state" / "token"
    token = keep_token(path)
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert keep_token(path) == token
    assert list(path.parent.iterdir()) == [path]
    path.chmod(0o644)
    with pytest.raises(CannotServe, match="others can read the dashboard's token; delete the file"):
        keep_token(path)
    path.unlink()
    path.touch(0o600)
    with pytest.raises(CannotServe, match="no token of a dashboard"):
        keep_token(path)


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("node7", False)],  # noqa: S104 - asked about, not listened on
)
def test_loopback_is_known(host: str, only_here: bool) -> None:
    """Whether a token is needed depends on who can reach the address."""
    assert is_loopback(host) is only_here
