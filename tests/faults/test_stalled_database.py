"""A database that keeps its connections and answers nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hub.serving import UNSETTLED
from tests.faults.node_process import hub_process
from tests.peers.postgres import postgres_server
from tests.processes import gone


async def test_a_node_that_is_told_to_end_does_so_whatever_its_database_has(tmp_path: Path) -> None:
    with postgres_server() as postgres:
        async with hub_process(tmp_path / "hub", database=postgres.new_database()) as hub:
            await hub.start()
            senders = hub.senders()
            with postgres.stalled():
                assert await hub.end() == UNSETTLED
                await asyncio.gather(*(gone(sender) for sender in senders))
