"""A TCP connection to whichever address of a name answers first (RFC 8305).

The loop's own `create_connection` asks the addresses one after the other, and under uvloop can do nothing else: a first one that swallows
what is sent to it would eat the whole time for connecting, every time.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import cache

from aiohappyeyeballs import start_connection

_SECOND_TRY_S = 0.25
"""Until the next address is tried beside the one that has not answered."""


async def connect(host: str, port: int) -> socket.socket:
    """A connected socket whose peer is looked after by the system (SO_KEEPALIVE). The caller bounds the time. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    connected = await start_connection(found, happy_eyeballs_delay=_SECOND_TRY_S, interleave=1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected


@cache
def verified() -> ssl.SSLContext:
    """Certificates and names are checked against what this machine trusts; made at first use, since it reads a file."""
    return ssl.create_default_context()
