"""`tocsin check`: looks for anything broken and says it in one line each. It changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Row, select, text
from sqlalchemy.exc import SQLAlchemyError

from channels import catalog
from hub.commands.broken import SHOWN, Broken
from hub.commands.in_words import first_line
from hub.commands.invariants import broken_twice
from hub.errors import SettingsError
from hub.keys import keyring_of
from hub.settings import Settings
from hub.settings_rules import faults
from hub.sms.start import replies_in_words
from hub.staff import audit
from hub.store.database import Database, database_url
from hub.store.migrate import current
from subscriptions.areas import open_city
from subscriptions.errors import CityUnreadable, VaultError
from subscriptions.store.tables import address
from subscriptions.vault import Keyring

SAMPLE = 500


class Finding(msgspec.Struct, frozen=True):
    """One line of the report."""

    fine: bool
    what: str


async def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which a hub would meet them."""
    return [finding async for finding in _examine(settings)]


async def _examine(settings: Settings) -> AsyncIterator[Finding]:
    found_wrong = faults(settings)
    for fault in found_wrong:
        yield Finding(fault.left_out, f"setting {fault}")
    if not any(not fault.left_out for fault in found_wrong):
        yield Finding(True, "settings: a hub can start with them")
    wrong = frozenset(fault.name for fault in found_wrong)
    if "city" not in wrong:
        yield await _city(settings.city)
    # A database elsewhere can be looked at whatever the folder is.
    if not wrong & ({"database"} if settings.database.strip() else {"data", "database"}):
        async for finding in _stored(settings):
            yield finding
    # A wrong one was named above; what else it would come to is no news.
    for name, kind in catalog.KINDS.items():
        if not wrong & {kind.setting, "outbox"}:
            yield _provider(settings, name)
    if "sms" not in wrong:
        yield Finding(True, f"text messages that come in: {replies_in_words(settings.sms, settings.sms_from)}")


async def _city(name: str) -> Finding:
    try:
        city = await asyncio.to_thread(open_city, name)
    except CityUnreadable as error:
        return Finding(False, f"city: {error}")
    return Finding(True, f"city {name}: {len(city.areas)} areas")


async def _stored(settings: Settings) -> AsyncIterator[Finding]:
    try:
        url = database_url(settings.database, Path(settings.data))
        yield Finding(True, f"database: schema {await asyncio.to_thread(current, url)}")
        async for finding in _hub(settings, url):
            yield finding
    except SettingsError as error:
        yield Finding(False, error.detail)
    except SQLAlchemyError as error:
        yield Finding(
            False, f"database: {first_line(error)}. The rest of it was not looked at. Mend: see that it is whole, or restore a backup"
        )
    except (OSError, ValueError) as error:
        yield Finding(False, f"{type(error).__name__}: {error}")


def _provider(settings: Settings, kind: str) -> Finding:
    setting = catalog.KINDS[kind].setting
    if setting is None:
        return Finding(True, f"channel {kind}: needs no provider")
    if getattr(settings, setting):
        return Finding(True, f"channel {kind}: TOCSIN_{setting.upper()} is set")
    where = "delivers to the outbox" if settings.flag("outbox") else f"not configured: set TOCSIN_{setting.upper()}"
    return Finding(True, f"channel {kind}: {where}")


async def _hub(settings: Settings, url: URL) -> AsyncIterator[Finding]:
    """What is in the database, and whether the keyring fits it."""
    async with Database(url) as database:
        async for finding in _database(database):
            yield finding
        keyring = await keyring_of(settings, database, create=False)
        yield Finding(True, "keyring: belongs to this database")
        yield await _sealed(database, keyring)


async def _database(database: Database) -> AsyncIterator[Finding]:
    async with database.read(long=True) as connection:
        if not database.shared:
            state = (await connection.execute(text("PRAGMA integrity_check"))).scalar_one()
            yield Finding(state == "ok", f"database file: {state}" + ("" if state == "ok" else ". Mend: restore a backup"))
        broken = await audit.verify(connection)
        yield Finding(
            broken is None,
            "audit log: the chain holds"
            if broken is None
            else f"audit log: broken at entry {broken}. Mend: compare with a copy or a backup, somebody changed or removed entries",
        )
    for invariant, found in (await broken_twice(database)).items():
        yield Finding(not found.count, f"ledger: {invariant.holds}{_places(found, invariant.mend)}")


def _places(found: Broken, mend: str) -> str:
    if not found.count:
        return ""
    more = ", …" if found.count > len(found.where) else ""
    return f", not so for {found.count}: {', '.join(found.where)}{more}. Mend: {mend}"


async def _sealed(database: Database, keyring: Keyring) -> Finding:
    """The oldest and the newest addresses, and some of each key; a million take a minute and say no more."""
    columns = (address.c.id, address.c.channel, address.c.key_id, address.c.sealed)
    kept = select(*columns).where(address.c.key_id != 0)  # 0: a chat that has not answered yet, of which nothing is known
    queries = [kept.order_by(order).limit(SAMPLE) for order in (address.c.id, address.c.id.desc())]
    async with database.read(long=True) as connection:
        keys = (await connection.execute(select(address.c.key_id).distinct())).scalars().all()
        queries += [kept.where(address.c.key_id == key).order_by(address.c.id).limit(SAMPLE) for key in keys]
        rows = {row.id: row for query in queries for row in await connection.execute(query)}
    shut = sorted(number for number, row in rows.items() if not _opens(keyring, row))
    if not shut:
        return Finding(True, f"addresses: {len(rows)} were tried, and open")
    named = ", ".join(map(str, shut[:SHOWN]))
    return Finding(
        False, f"addresses: {len(shut)} of {len(rows)} do not open: {named}. Mend: restore the keyring or the rows from a backup"
    )


def _opens(keyring: Keyring, row: Row[*tuple[Any, ...]]) -> bool:
    try:
        keyring.open(row.channel, row.key_id, row.sealed)
    except VaultError:
        return False
    return True
