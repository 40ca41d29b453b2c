"""The database's file is moved away under a running hub: that goes on in what it has open, and says that it does."""

from __future__ import annotations

from pathlib import Path

from tests.hub.one_node import bring, opened


async def test_a_hub_whose_file_was_moved_or_replaced_is_not_ready_until_it_is_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as hub:
        file, away = hub.database.path, hub.database.path.with_suffix(".away")
        await bring(hub, "email", "a@example.org")
        assert (await hub.readiness())["publish"] == "ok"
        file.rename(away)
        assert (await hub.readiness())["publish"].startswith("its file was moved or replaced while the hub runs")
        file.write_bytes(b"")
        assert (await hub.readiness())["publish"].startswith("its file was moved")
        away.rename(file)
        assert (await hub.readiness())["publish"] == "ok"
