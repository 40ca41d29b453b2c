"""A database that keeps its connections and answers nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hub.serving import UNSETTLED
from tests.faults.node_process import hub_process
from tests.peers.postgres import postgres_server
from tests.processes import PATIENCE_S, gone


async def test_a_node_that_is_told_to_end_does_so_whatever_its_database_has(tmp_path: Path) -> None:
    with postgres_server() as postgres:
        async with hub_process(tmp_path / "hub", database=postgres.new_database()) as hub:
            await hub.start()
            senders = hub.senders()
            with postgres.stalled():
                assert await hub.end() == UNSETTLED
                await asyncio.gather(*(gone(sender) for sender in senders))


async def test_so_does_one_that_is_told_in_the_midst_of_its_start(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    database = f"postgresql://nobody@127.0.0.1:{server.sockets[0].getsockname()[1]}/none?connect_timeout=300"
    async with hub_process(tmp_path / "hub", log=tmp_path / "log", database=database) as hub:
        hub.launch()
        async with asyncio.timeout(PATIENCE_S):
            await asked.wait()
        assert await hub.end() == UNSETTLED
    assert "ended_unsettled" in (tmp_path / "log").read_text()
    server.close()
    await server.wait_closed()
