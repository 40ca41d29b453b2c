"""`tocsin mirror`: the public site as plain files, read from the database, so that it also works while the hub's web is overloaded."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import URL

from hub.alerts.store import AlertStore
from hub.clock import Clock
from hub.commands.in_words import in_words
from hub.data_folder import DEMO_MARK
from hub.errors import HubError
from hub.incidents.incident import Incidents
from hub.settings import Settings
from hub.store.database import Database, database_url
from hub.store.migrate import current
from hub.web.copied import site
from subscriptions.areas import AreaCatalog, open_city

LIST = ".tocsin-mirror"
"""Names, in the folder, the files that are the mirror's: it replaces and removes no others."""
LEAST_S, MOST_S = 1.0, 86_400.0


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What pages are made from; satisfies `hub.web.context.PublicContext`."""

    settings: Settings
    clock: Clock
    catalog: AreaCatalog
    incidents: Incidents
    alerts: AlertStore
    public_url: str
    demo: bool


async def mirror(settings: Settings, folder: Path, *, every: float | None, say: Callable[[str], None]) -> None:
    """Copy once, or every so many seconds until SIGTERM. Raises HubError; while it repeats, any fault is said and the next copy tried."""
    if every is not None and not LEAST_S <= every <= MOST_S:
        raise HubError(f"--every {every:g}: between {LEAST_S:g} and {MOST_S:g} seconds")
    url = database_url(settings.database, Path(settings.data))
    await asyncio.to_thread(current, url)  # a folder that was mistyped is said once, not every so often
    catalog = await asyncio.to_thread(open_city, settings.city)
    with _until_stopped() as stop:
        await _again_and_again(partial(_copied, settings, url, catalog, folder), folder, every, stop, say)


async def _copied(settings: Settings, url: URL, catalog: AreaCatalog, folder: Path) -> str:
    """One copy. The database is opened for it alone: another may have come to its place, as after a restore or a migration."""
    await asyncio.to_thread(current, url)
    async with Database(url) as database:
        public = Site(
            settings=settings,
            clock=time.time,
            catalog=catalog,
            incidents=Incidents(database, time.time, changed=lambda: None),
            alerts=AlertStore(database),
            public_url=settings.public_at(settings.port),
            demo=(Path(settings.data) / DEMO_MARK).exists(),
        )
        return await copy(public, folder)


async def _again_and_again(
    copied: Callable[[], Awaitable[str]], folder: Path, every: float | None, stop: asyncio.Event, say: Callable[[str], None]
) -> None:
    while True:
        try:
            say(await copied())
        except Exception as error:  # one alert that can't be shown must not end the copying for good
            fault = in_words(error, folder)
            if every is None:
                if fault is None:
                    raise
                raise HubError(fault) from None
            said = fault or f"this copy failed, the next follows in {every:g} s"
            print(f"tocsin: {said}", file=sys.stderr, flush=True)  # noqa: T201 - a command's own voice
            if fault is None:
                traceback.print_exc()
        if every is None:
            return
        try:
            async with asyncio.timeout(every):
                await stop.wait()
                return
        except TimeoutError:
            continue


async def copy(public: Site, folder: Path) -> str:
    """Bring the folder up to date and say what was done. Raises HubError, OSError and what the database raises."""
    known = await asyncio.to_thread(_own, folder)
    files = [file async for file in site(public)]
    paths = {file.path for file in files}
    # Listed before they are written: after a crash they are still known to be ours.
    await asyncio.to_thread(_put, folder / LIST, _lines(known | paths))
    written = [file for file in files if await asyncio.to_thread(_put, folder / file.path, file.body)]
    for path in known - paths:
        await asyncio.to_thread(_remove, folder, path)
    await asyncio.to_thread(_put, folder / LIST, _lines(paths))
    alerts = sum(path.startswith("alerts/") for path in paths)
    return f"{alerts} alerts, {len(files)} files in {folder}: {len(written)} written, {len(known - paths)} removed"


def _own(folder: Path) -> set[str]:
    """Paths of the files that are the mirror's. Raises HubError for a folder that holds anything else."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / LIST).exists():
        return {line for line in (folder / LIST).read_text(encoding="utf-8").splitlines() if line}
    draft = _draft(folder / LIST)  # left by a first copy that was killed before it had a list
    if any(path != draft for path in folder.iterdir()):
        raise HubError(f"{folder} holds other files: name an empty folder, or a new one")
    return set()


def _lines(paths: set[str]) -> bytes:
    return "".join(f"{path}\n" for path in sorted(paths)).encode()


def _put(path: Path, body: bytes) -> bool:
    """Replace a file whole, so that no reader sees half of it; one that says the same stays as it is."""
    if path.is_file() and path.read_bytes() == body:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _draft(path)
    try:
        with beside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    return True


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _remove(folder: Path, path: str) -> None:
    """A file and the folders that it leaves empty. A list that was tampered with removes nothing outside."""
    target = folder / path
    if not target.resolve().is_relative_to(folder.resolve()):
        return
    target.unlink(missing_ok=True)
    for parent in list(target.parents)[: len(Path(path).parents) - 1]:
        if any(parent.iterdir()):
            return
        parent.rmdir()


@contextmanager
def _until_stopped() -> Iterator[asyncio.Event]:
    """Set by SIGTERM or Ctrl-C."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        yield stop
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)
