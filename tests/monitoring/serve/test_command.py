"""The command, as a program: it starts, restarts and ends whatever happens, with its collector."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import psutil
import pytest

from jobs.layout import CampaignFolder
from tests.builders.campaign import CampaignBuilder
from tests.builders.dashboard_server import Client, Running, running, wait_until

if TYPE_CHECKING:
    from pathlib import Path


def plan(root: Path, name: str, jobs: int = 3) -> CampaignBuilder:
    """Plan a campaign in a folder of its own."""
    root.mkdir(parents=True)
    return CampaignBuilder(CampaignFolder(root), name).plan(jobs)


def collector_of(dashboard: Running) -> psutil.Process:
    """Return the collector beside a dashboard, as soon as it runs."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found[:] = psutil.Process(dashboard.process.pid).children()
        return bool(found)

    wait_until(is_there)
    return found[0]


def is_collected(client: Client, name: str) -> bool:
    """Return whether a campaign is shown with its numbers."""
    answer = client.get(f"/json/c/{name}")
    return answer.status == 200 and any(
        panel["key"] == "states" and panel["content"]["rows"] for panel in answer.json["panels"]
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_although_a_page_is_open(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM are no failure: streams end, the collector ends, the exit code is 0."""
    plan(tmp_path / "results" / "demo", "demo")
    with running("--port", "0", home=tmp_path) as dashboard:
        assert dashboard.first["campaigns"] == ["demo"]
        collector = collector_of(dashboard)
        with dashboard.client.stream("/live/c/demo") as events:
            assert events.next()
            dashboard.process.send_signal(number)
            assert dashboard.process.wait(10) == 0
            while events.next():
                pass
        wait_until(lambda: not collector.is_running())
    assert "Traceback" not in dashboard.errors.read_text().replace("panel broken\nTraceback", "")


def test_a_killed_server_comes_back_on_its_port(tmp_path: Path) -> None:
    """Killed and started again, it takes the same port, its page is whole, and its collector is a new one."""
    plan(tmp_path / "results" / "demo", "demo")
    with running("--port", "0", home=tmp_path) as dashboard:
        collector = collector_of(dashboard)
        with dashboard.client.stream("/live/c/demo") as events:
            before = events.next()
            assert before is not None
            dashboard.process.kill()
            dashboard.process.wait(10)
        port = dashboard.client.port
    wait_until(lambda: not collector.is_running())
    with running("--port", str(port), home=tmp_path) as again:
        assert again.client.port == port
        with again.client.stream("/live/c/demo") as events:
            after = events.next()
            assert after is not None
            assert after.kind == "page"
            assert after.number.split("-")[0] != before.number.split("-")[0]
        wait_until(lambda: is_collected(again.client, "demo"))


def test_a_killed_collector_is_started_again(tmp_path: Path) -> None:
    """The page stays, the terminal says what happened, and what comes later is collected."""
    plan(tmp_path / "results" / "demo", "demo")
    with running("--port", "0", home=tmp_path) as dashboard:
        collector = collector_of(dashboard)
        wait_until(lambda: is_collected(dashboard.client, "demo"))
        collector.kill()
        wait_until(lambda: "the collector ended (SIGKILL); it is started again" in dashboard.errors.read_text())
        plan(tmp_path / "results" / "later", "later")
        wait_until(lambda: is_collected(dashboard.client, "later"))
        assert collector_of(dashboard).pid != collector.pid


def test_a_damaged_campaign_does_not_stop_the_others(tmp_path: Path) -> None:
    """The first page and the terminal say what is wrong with it; a campaign that is repaired shows up by itself."""
    plan(tmp_path / "results" / "good", "good")
    damaged = plan(tmp_path / "results" / "deep" / "damaged", "damaged").folder.manifest
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-20])
    with running("--port", "0", home=tmp_path) as dashboard:
        assert dashboard.first["campaigns"] == ["good"]
        wait_until(lambda: is_collected(dashboard.client, "good"))
        *_, panel = dashboard.client.get("/json/").json["panels"]
        assert panel["key"] == "unusable"
        ((folder, why),) = panel["content"]["rows"]
        assert folder == str(damaged.parent)
        assert "not a readable manifest" in why
        wait_until(lambda: "not a readable manifest" in dashboard.errors.read_text())
        damaged.write_bytes(whole)
        wait_until(lambda: is_collected(dashboard.client, "damaged"))
        assert [panel["key"] for panel in dashboard.client.get("/json/").json["panels"]] == ["campaigns"]


def test_a_port_in_use_is_one_clear_error(tmp_path: Path) -> None:
    """It says which port, and how to get a free one; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running("--port", str(port), home=tmp_path) as dashboard:
            assert dashboard.first == {}
            assert dashboard.process.wait(10) == 1
    said = dashboard.errors.read_text()
    assert f"port {port} of 127.0.0.1 is in use" in said
    assert "--port 0" in said
    assert "Traceback" not in said


def test_for_others_there_is_a_token(tmp_path: Path) -> None:
    """Listening beyond this machine, the address has a token, which is kept for the next time and never logged."""
    with running("--port", "0", "--host", "0.0.0.0", "--no-collect", home=tmp_path) as dashboard:  # noqa: S104 - what the test is about
        address, _, token = dashboard.first["address"].partition("?token=")
        assert (tmp_path / "state" / "sonicgrid" / "dashboard" / "token").read_text().strip() == token
        client = dashboard.client
        assert client.get("/").status == 401
        assert client.get("/json/", Authorization=f"Bearer {token}").status == 200
        assert client.get(f"/?token={token}").status == 303
        assert not psutil.Process(dashboard.process.pid).children()
        assert not address.startswith("http://0.0.0.0")
    assert token not in dashboard.errors.read_text()
    with running("--port", "0", "--token", "--no-collect", home=tmp_path) as again:
        assert again.first["address"].endswith(f"?token={token}")


def test_wrong_use_is_said(tmp_path: Path) -> None:
    """A campaign that is not there, and a key without a certificate, are errors before anything listens."""
    for options, what in (
        (("nowhere.yaml",), "nowhere.yaml: there is no such campaign"),
        (("--tls-key", "key.pem"), "--tls-key is of no use without --tls-certificate"),
        (("--tls-certificate", "no.pem"), "no.pem: not usable"),
        (("--host", "203.0.113.1", "--no-collect"), "203.0.113.1"),
    ):
        with running("--port", "0", *options, home=tmp_path) as dashboard:
            assert dashboard.first == {}
            assert dashboard.process.wait(20) in (1, 2)
        assert what in dashboard.errors.read_text()
