"""`tocsin subscribers import`: people who consented elsewhere, with a progress bar."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from channels import catalog
from hub.errors import BadRequest
from hub.keys import keyring_of
from hub.settings import Settings
from hub.store.database import Database, database_url
from hub.store.migrate import current
from subscriptions.areas import open_city
from subscriptions.csv_import import ImportReport, check_csv, import_csv
from subscriptions.errors import UnreadableDocument


async def import_file(settings: Settings, content: bytes, source: str, console: Console) -> ImportReport:
    """Import a whole CSV; a running hub takes the new people in before its next alert.

    Raises BadRequest for a file that can't be read, SettingsError when there is no hub of this release: one that a mistyped folder
    brought about would take the people in, and never warn them.
    """
    lines = io.StringIO(_text(content), newline="")
    try:
        check_csv(lines)
    except UnreadableDocument as error:
        raise BadRequest(f"{error}. Nothing was imported.") from None
    lines.seek(0)
    url = database_url(settings.database, Path(settings.data))
    await asyncio.to_thread(current, url)
    places = await asyncio.to_thread(open_city, settings.city)
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


def _text(content: bytes) -> str:
    """The file's words; nothing in the sentence is anybody's address."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_text(error.object[: error.start].count(b"\n"), f"the byte 0x{error.object[error.start]:02X}") from None
    if "\0" in text:
        raise _no_text(text.partition("\0")[0].count("\n"), "a NUL character")
    return text


def _no_text(lines_before: int, what: str) -> BadRequest:
    mend = "Save it as UTF-8 (in Excel “CSV UTF-8”) and import it again"
    return BadRequest(f"line {lines_before + 1} is not UTF-8 text: it holds {what}. {mend}; nothing was imported.")
