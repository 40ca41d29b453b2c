"""`tocsin check`: looks for anything broken and says it in one line each. It changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from sqlalchemy import text

from channels import catalog
from hub.errors import SettingsError
from hub.keys import keyring_of
from hub.settings import Settings
from hub.staff import audit
from hub.store.database import Database, database_url
from hub.store.migrate import revision
from subscriptions.areas import open_city


class Finding(msgspec.Struct, frozen=True):
    """One line of the report."""

    fine: bool
    what: str


async def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which a hub would meet them."""
    return [finding async for finding in _examine(settings)]


async def _examine(settings: Settings) -> AsyncIterator[Finding]:
    try:
        city = await asyncio.to_thread(open_city, settings.city)
        yield Finding(True, f"city {settings.city}: {len(city.areas)} areas")
        url = database_url(settings.database, Path(settings.data))
        found, wanted = await asyncio.to_thread(revision, url)
        yield Finding(
            found == wanted, f"database: schema {found}" + ("" if found == wanted else f", this release has {wanted}: `tocsin migrate`")
        )
        async with Database(url) as database:
            async for finding in _database(database):
                yield finding
            await keyring_of(settings, database, create=False)
            yield Finding(True, "keyring: opens the addresses")
    except SettingsError as error:
        yield Finding(False, error.detail)
    except (OSError, ValueError) as error:
        yield Finding(False, f"{type(error).__name__}: {error}")
    for name in catalog.KINDS:
        yield _provider(settings, name)


def _provider(settings: Settings, kind: str) -> Finding:
    setting = catalog.KINDS[kind].setting
    if setting is None:
        return Finding(True, f"channel {kind}: needs no provider")
    if getattr(settings, setting):
        return Finding(True, f"channel {kind}: TOCSIN_{setting.upper()} is set")
    where = "delivers to the outbox" if settings.flag("outbox") else f"not configured: set TOCSIN_{setting.upper()}"
    return Finding(True, f"channel {kind}: {where}")


async def _database(database: Database) -> AsyncIterator[Finding]:
    async with database.read() as connection:
        if not database.shared:
            state = (await connection.execute(text("PRAGMA integrity_check"))).scalar_one()
            yield Finding(state == "ok", f"database file: {state}")
        broken = await audit.verify(connection)
        yield Finding(broken is None, "audit log: the chain holds" if broken is None else f"audit log: broken at entry {broken}")
        for what, query in INVARIANTS.items():
            wrong = (await connection.execute(text(query))).scalar_one()
            yield Finding(wrong == 0, f"ledger: {what}" + ("" if wrong == 0 else f", not so for {wrong}"))


INVARIANTS = {
    "every counter equals its rows": (
        # Rows of people who left since have lost their channel: such a mailing can't be compared.
        'SELECT count(*) FROM (SELECT mailing, channel, outcome, SUM("count") AS count FROM counter GROUP BY mailing, channel, outcome) c'
        " WHERE c.outcome NOT IN ('planned', 'possible_duplicate') AND c.count !="
        " (SELECT count(*) FROM delivery d JOIN address a ON a.id=d.address WHERE d.mailing=c.mailing AND a.channel=c.channel"
        " AND d.outcome=CASE c.outcome WHEN 'handed_over' THEN 1 WHEN 'simulated' THEN 2 WHEN 'failed' THEN 3 WHEN 'uncertain' THEN 4"
        " WHEN 'expired' THEN 5 WHEN 'withheld' THEN 6 END) AND NOT EXISTS"
        " (SELECT 1 FROM delivery d LEFT JOIN address a ON a.id=d.address WHERE d.mailing=c.mailing AND a.id IS NULL)"
    ),
    "nothing is planned and forgotten": (
        "SELECT count(*) FROM mailing m WHERE m.state='done' AND (SELECT COALESCE(SUM(c.count), 0) FROM counter c WHERE c.mailing=m.id AND"
        " c.outcome='planned') != (SELECT COALESCE(SUM(c.count), 0) FROM counter c WHERE c.mailing=m.id AND c.outcome NOT IN ('planned',"
        " 'possible_duplicate'))"
    ),
    "every live alert has its launch row": (
        "SELECT count(*) FROM alert a WHERE a.status='live' AND NOT EXISTS (SELECT 1 FROM mailing m WHERE m.alert=a.number)"
    ),
    "no finished mailing has a batch left": "SELECT count(*) FROM batch b JOIN mailing m ON m.id=b.mailing WHERE m.state='done'",
}
"""What must always hold → a query that counts where it doesn't."""
