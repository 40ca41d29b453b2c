"""How a server on loopback stops listening."""

from __future__ import annotations

import asyncio


async def stop(server: asyncio.Server) -> None:
    """Let nobody in any more, and close.

    Whoever is being let in while asyncio's server closes is dropped half made, with an open socket (an assertion in `Server._attach`); so
    first the door is shut, then those on the threshold come in, and then it closes.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    for _ in range(3):  # accepted → transport → connection_made → the server's own callback
        await asyncio.sleep(0)
    server.close()
