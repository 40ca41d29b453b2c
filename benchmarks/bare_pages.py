"""The yardstick for pages: one process, one aiohttp handler that answers with the bytes it was given on standard input.

Usage: python -m benchmarks.bare_pages CONTENT_TYPE CODING < BYTES; prints its port.
"""

from __future__ import annotations

import asyncio
import socket
import sys

import uvloop
from aiohttp import web


async def main(content_type: str, coding: str, body: bytes) -> None:
    """Serve until killed."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, headers={"Content-Encoding": coding})

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, port, backlog=4096).start()
    print(port.getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], sys.stdin.buffer.read()))
