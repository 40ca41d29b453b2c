"""A hub that is told where its backups go, and nothing else: it takes one, shows it, and a hub comes back from it."""

from __future__ import annotations

from pathlib import Path

from tests.hub.backup.hubs import WORDS, file_in
from tests.hub.one_node import bring, opened
from tests.waiting import until


async def test_a_running_hub_takes_its_first_backup_by_itself(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    async with opened(tmp_path / "data") as hub:
        await bring(hub, "email", "a@example.org")
    async with opened(tmp_path / "data", backup=str(folder), backup_passphrase=WORDS) as hub:
        assert "backup" in await hub.readiness()
        await until(lambda: list(folder.glob("*.backup")) and hub.backups.status == {"backup": "ok"})
        figures = hub.metrics.render().decode()
    assert 'tocsin_backups_total{end="taken"} 1.0' in figures
    (file,) = folder.glob("*.backup")
    new = file_in(tmp_path / "new")
    await new.restore(file)
    assert new.rows("SELECT channel, state FROM address") == [("email", "active")]
