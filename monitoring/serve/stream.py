"""A page's changes as Server-Sent Events: first the whole page, then the panels that changed, once a second at most."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from monitoring.serve.address import Address
    from monitoring.serve.watch import News, Watcher, Watchers

__all__ = ["EventStream"]

LEAST_PAUSE_S = 1.0
"""Time between two events, seconds: nobody reads faster."""

QUIET_S = 15.0
"""Time after which a comment keeps the connection from being closed on the way, seconds."""

STALLED_S = 60.0
"""Time after which a listener that takes nothing is let go, seconds."""

COME_BACK_MS = 1000
"""Time after which a browser that lost the server asks again, milliseconds."""


class EventStream(Response):
    """Answers until the listener goes or the server ends.

    Args:
        watchers: of all pages.
        address: of the page.
        server_id: begins the numbers of events, so that a page sees that the server is another one.

    """

    media_type = "text/event-stream"

    def __init__(self, watchers: Watchers, address: Address, server_id: str) -> None:
        # Proxies of the nginx kind collect what they pass on, unless they are told not to.
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._watchers = watchers
        self._address = address
        self._server_id = server_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        with self._watchers.listening(self._address) as watcher:
            telling = asyncio.create_task(self._tell(watcher, send))
            leaving = asyncio.create_task(_gone(receive))
            self._watchers.serve(telling)
            try:
                await asyncio.wait((telling, leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                telling.cancel()
                leaving.cancel()
                await asyncio.gather(telling, leaving, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAST_PAUSE_S):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, watcher: Watcher, send: Send) -> None:
        await _send(send, f"retry: {COME_BACK_MS}\n\n".encode())
        version = 0
        while True:
            try:
                async with asyncio.timeout(QUIET_S):
                    news = await watcher.wait(version)
            except TimeoutError:
                await _send(send, b": nothing new\n\n")
                continue
            await _send(send, self._event(news))
            version = news.version
            await asyncio.sleep(LEAST_PAUSE_S)

    def _event(self, news: News) -> bytes:
        # JSON from orjson has no line breaks, which would end the event.
        head = f"id: {self._server_id}-{news.version}\nevent: {news.event}\ndata: ".encode()
        return b"".join((head, news.json, b"\n\n"))


async def _send(send: Send, data: bytes) -> None:
    async with asyncio.timeout(STALLED_S):
        await send({"type": "http.response.body", "body": data, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
