"""Dashboards on free ports, in this process or as a program, and a client that reads pages and streams."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.layout import CHECKOUT
from monitoring.find_campaigns import CampaignFinder
from monitoring.serve.access import Access
from monitoring.serve.campaigns import Campaigns
from monitoring.serve.recipes import Pages, Recipes
from monitoring.serve.server import Server, listen
from tests.builders.dashboard_pages import PAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobs.layout import CampaignFolder
    from sonic.server.access import Tls


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - of JSON
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass
class Client:
    """Asks a server on this machine; follows no redirect."""

    port: int

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        """Ask for one page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())

    @contextlib.contextmanager
    def stream(self, path: str) -> Iterator[Stream]:
        """Listen to a stream of events."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status == 200
            assert response.getheader("content-type", "").startswith("text/event-stream")
            yield Stream(response)


@dataclass
class Event:
    """One event of a stream."""

    number: str
    kind: str
    data: Any


@dataclass
class Stream:
    """A stream of events, as a browser reads it."""

    response: http.client.HTTPResponse

    def next(self) -> Event | None:
        """Wait for the next event; None where the stream ends."""
        fields: dict[str, str] = {}
        for raw in iter(self.response.readline, b""):
            line = raw.decode().rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif not line and "data" in fields:
                return Event(fields["id"], fields["event"], json.loads(fields["data"]))
        return None


@contextlib.contextmanager
def serving(
    campaigns: Campaigns, access: Access | None = None, pages: Pages = PAGES, tls: Tls | None = None
) -> Iterator[tuple[Client, Server]]:
    """Serve in a thread of this process, on a free port."""
    listener = listen("127.0.0.1", 0)
    certificate, key = (tls.certificate, tls.key) if tls else (None, None)
    server = Server(Recipes(campaigns, pages), access or Access(), say=print, certificate=certificate, key=key)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Client(listener.getsockname()[1]), server
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
        listener.close()


def shown_campaigns(*folders: CampaignFolder, results: Path | None = None, stores: Path | None = None) -> Campaigns:
    """Return campaigns as a dashboard shows them."""
    return Campaigns(CampaignFinder(folders, results), stores)


def wait_until(what: Callable[[], bool], *, most_s: float = 30.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + most_s
    while not what():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.05)


@dataclass
class Running:
    """The command, running as a program.

    Attributes:
        process: of it.
        first: its line of JSON; empty where it ended before.
        errors: what it writes on standard error.

    """

    process: subprocess.Popen[str]
    first: dict[str, Any]
    errors: Path

    @property
    def client(self) -> Client:
        """A client of it."""
        return Client(int(self.first["address"].split("?")[0].rstrip("/").rpartition(":")[2]))


@contextlib.contextmanager
def running(*options: str, home: Path) -> Iterator[Running]:
    """Run the command, with pages of tests; at the end it is killed if it still runs.

    Args:
        options: of `sonicgrid dashboard`.
        home: working folder, and where its state lies.

    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "XDG_STATE_HOME": str(home / "state"),
        "SONICGRID_POOL": str(home / "no-pool"),
    }
    command = [sys.executable, "-m", "tests.builders.run_dashboard", *options, "--json"]
    errors = home / "errors.txt"
    with errors.open("a") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, cwd=home, env=environment)
    try:
        assert process.stdout is not None
        yield Running(process, json.loads(process.stdout.readline() or "{}"), errors)
    finally:
        process.kill()
        process.communicate()
