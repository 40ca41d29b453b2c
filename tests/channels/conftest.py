"""What the tests of several channels stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.peers.http_sink import HttpSink


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    """A server that takes every POST."""
    async with HttpSink() as running:
        yield running
