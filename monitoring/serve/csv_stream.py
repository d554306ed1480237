"""Sends a long CSV as it is made, in a thread of its own, and lets go of the store if nobody takes it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.types import Receive, Scope, Send

__all__ = ["CsvStream", "csv_headers"]

STALLED_S = 60.0
"""Time after which a client that takes nothing is let go, seconds: the store cannot tidy up while it is read."""


def csv_headers(name: str) -> dict[str, str]:
    """Return the headers of a CSV that is saved under a name."""
    return {"Content-Disposition": f'attachment; filename="{name}.csv"'}


class CsvStream(Response):
    """Answers with parts of a CSV.

    Args:
        parts: of the CSV; asked for in one thread, and closed in it.
        name: under which it is saved, without `.csv`.

    """

    media_type = "text/csv"

    def __init__(self, parts: Generator[bytes, None, None], name: str) -> None:
        super().__init__(headers=csv_headers(name))
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a part that cannot be made breaks the answer off, so that nobody takes it for whole."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="csv")
        try:
            while (part := await loop.run_in_executor(thread, next, self._parts, None)) is not None:
                async with asyncio.timeout(STALLED_S):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            thread.submit(self._parts.close)
            thread.shutdown(wait=False)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
