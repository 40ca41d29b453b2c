"""`tocsin subscribers import`: people who consented elsewhere, with a progress bar."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from channels import catalog
from hub.keys import keyring_of
from hub.settings import Settings
from hub.store.database import Database, database_url
from hub.store.migrate import upgrade
from subscriptions.areas import open_city
from subscriptions.csv_import import ImportReport, import_csv


async def import_file(settings: Settings, content: bytes, source: str, console: Console) -> ImportReport:
    """Import a whole CSV; a running hub takes the new people in before its next alert."""
    folder = Path(settings.data)
    lines = io.StringIO(content.decode("utf-8-sig"), newline="")
    places = await asyncio.to_thread(open_city, settings.city)
    url = database_url(settings.database, folder)
    await asyncio.to_thread(upgrade, url)
    async with Database(url) as database:
        with Progress(console=console) as bar:
            task = bar.add_task("importing", total=max(0, content.count(b"\n") - 1))
            return await import_csv(
                database,
                await keyring_of(settings, database),
                catalog.parsers(),
                places,
                lines,
                consent_source=source,
                on_progress=lambda done: bar.update(task, completed=done),
            )
