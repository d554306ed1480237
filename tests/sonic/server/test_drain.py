"""Waiting for servers that leave; the whole of it, under load, is in tests/integration/test_draining.py."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from sonic.server.drain import drain
from sonic.server.ports import PortPicker

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Page(ThreadingHTTPServer):
    """An Envoy's page on which one server's requests in flight are those that a test says."""

    in_flight = 0


@pytest.fixture
def page() -> Iterator[_Page]:
    """Envoy's page; the real one cannot be made to hold a request for ever."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert isinstance(self.server, _Page)
            host = {
                "address": {"socket_address": {"address": "127.0.0.1", "port_value": 7}},
                "health_status": {"eds_health_status": "DRAINING"},
                "stats": [{"name": "rq_active", "value": str(self.server.in_flight)}],
            }
            body = json.dumps({"cluster_statuses": [{"host_statuses": [host]}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _Page(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_it_waits_until_all_is_answered(page: _Page) -> None:
    """As long as a request is in flight the server is not given up."""
    page.in_flight = 3
    threading.Timer(0.7, lambda: setattr(page, "in_flight", 0)).start()
    began = time.monotonic()

    assert drain(page.server_port, [7], limit_s=20) == 0
    assert time.monotonic() - began > 0.7


def test_it_does_not_wait_for_ever(page: _Page) -> None:
    """When the time is up it says how many requests are left."""
    page.in_flight = 3

    assert drain(page.server_port, [7], limit_s=0.3) == 3


def test_requests_of_those_who_stay_do_not_count(page: _Page) -> None:
    """A pool at work is never quiet as a whole."""
    page.in_flight = 3

    assert drain(page.server_port, [8], limit_s=20) == 0


def test_without_an_envoy_nobody_sends_anything() -> None:
    """Servers whose Envoy is gone can be stopped."""
    assert drain(PortPicker().pick(), [7], limit_s=20) == 0
