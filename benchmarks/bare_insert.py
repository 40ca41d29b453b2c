"""The yardstick for sign-ups: one process, one aiohttp handler that reads a JSON body and does one insert into SQLite, committed to disk.

Usage: python -m benchmarks.bare_insert FILE; prints its port.
"""

from __future__ import annotations

import asyncio
import socket
import sys

import uvloop
from aiohttp import web

from hub.store.database import connect


async def main(file: str) -> None:
    """Serve until killed."""
    connection = connect(file)
    connection.execute("CREATE TABLE sign_up(id INTEGER PRIMARY KEY, address TEXT, place TEXT)")

    async def handle(request: web.Request) -> web.Response:
        wanted = await request.json()
        values = (wanted["channels"][0]["address"], wanted["places"][0]["zip"])
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO sign_up(address, place) VALUES (?, ?)", values)
        connection.execute("COMMIT")
        return web.json_response({"status": "awaiting_confirmation"}, status=202)

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, port, backlog=4096).start()
    print(port.getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
