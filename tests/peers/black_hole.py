"""An address on loopback that swallows whoever connects, and a name that leads there first."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

_WAITING = 8
"""More than wait at a door whose owner lets one in (``listen(0)``); the system drops what comes after them."""


@contextmanager
def black_hole(address: str = "127.0.0.2", port: int = 0) -> Iterator[tuple[str, int]]:
    """Connections to the address that it gives are neither made nor refused."""
    with ExitStack() as stack:
        door = stack.enter_context(socket.socket())
        door.bind((address, port))
        door.listen(0)
        for _ in range(_WAITING):
            visitor = stack.enter_context(socket.socket())
            visitor.setblocking(False)
            visitor.connect_ex(door.getsockname())
        yield door.getsockname()


@contextmanager
def behind_a_hole(monkeypatch: pytest.MonkeyPatch, name: str, port: int) -> Iterator[None]:
    """A name server says that `name` has two addresses: a black hole, and 127.0.0.1. No machine that tests has such a name by itself."""
    resolve = socket.getaddrinfo

    def answer(host: Any, service: Any, *args: Any, **options: Any) -> Any:
        hosts = ("127.0.0.2", "127.0.0.1") if host == name else (host,)
        return [found for each in hosts for found in resolve(each, service, *args, **options)]

    with black_hole(port=port):
        monkeypatch.setattr(socket, "getaddrinfo", answer)
        yield
