"""The link between workers and the inference pool, as one process: `python -m measure.chaos.relay PORT FILE`.

Jobs connect to it, it connects to the port that the pool's state file names. To stop it (SIGSTOP) is to cut the link:
connections stay, and nothing goes through, as when every packet is lost. It needs no rights.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

_CHUNK = 1 << 16


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(port: int, state: Path) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Read anew each time: a pool that came up again may have another port.
            there = int(json.loads(await asyncio.to_thread(state.read_text))["port"])
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", there)
        except (OSError, ValueError, KeyError):
            writer.close()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Carry bytes until killed."""
    port, state = sys.argv[1:]
    asyncio.run(_serve(int(port), Path(state)))


if __name__ == "__main__":
    main()
