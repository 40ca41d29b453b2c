"""`tocsin bounces`: one mail that came back closes the address it was for, or not. Told without an address, and twice like once.

Whose it is must be proven, since anybody can write to a mailbox: by the return path that it came to, else by our own link in the headers
that it returns, else by its recipient's keyed hash together with the Message-ID that only a mail to that address had.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from channels import mail_reports
from channels.addresses import parse_email
from channels.contract import InvalidAddress
from channels.mail_reports import Report
from hub.clock import Clock, milliseconds
from hub.delivery.sending.delivery_id import DeliveryIds
from hub.keys import keyring_of
from hub.settings import Settings
from hub.store import tables
from hub.store.database import Database, database_url
from hub.store.migrate import current
from subscriptions.addresses import lookup_of
from subscriptions.desk import Work
from subscriptions.errors import LinkInvalid
from subscriptions.links import TOKEN_CHARACTERS, Links
from subscriptions.opting_out import close_addresses
from subscriptions.return_path import ReturnPaths
from subscriptions.store import sql
from subscriptions.vault import Keyring

SOURCE = "e-mail report"
_UNSUBSCRIBE = re.compile(rf"/unsubscribe/([A-Za-z0-9_-]{{{TOKEN_CHARACTERS}}})(?![A-Za-z0-9_-])")
_OPEN = ("active", "unconfirmed")


class Done(msgspec.Struct, frozen=True):
    """What came of one mail."""

    closed: bool
    why: str

    def __str__(self) -> str:
        return f"{'closed one address' if self.closed else 'nothing to do'}: {self.why}"


async def take(settings: Settings, raw: bytes, clock: Clock) -> Done:
    """Read one mail and do what it means. Raises SettingsError; whatever else goes wrong, the same mail may come again."""
    report = mail_reports.read(raw)
    if report is None:
        return Done(closed=False, why="this mail is no delivery report and no complaint")
    if report.outcome not in {"dead", "complaint"}:
        return Done(closed=False, why=_SAID[report.outcome] + (f" ({report.status})" if report.status else ""))
    url = database_url(settings.database, Path(settings.data))
    await asyncio.to_thread(current, url)
    async with Database(url) as database:
        keyring = await keyring_of(settings, database, create=False)
        return await _close(database, keyring, report, milliseconds(clock))


_SAID = {
    "refused": "the mail was refused, the address may be well",
    "passing": "a delay, or something that may pass",
    "nothing": "no complaint of a reader",
}


async def _close(database: Database, keyring: Keyring, report: Report, now: int) -> Done:
    async with database.read() as connection:
        number = await _find(connection, keyring, report)
    if number is None:
        return Done(closed=False, why="it proves no address of this hub")
    complaint = report.outcome == "complaint"
    async with database.write() as connection:
        work = Work(connection, now)
        await close_addresses(work, [number], "dead", action="complained" if complaint else "dead", source=SOURCE)
        if work.changed:
            await sql.note_changes(connection, sorted(work.changed))
    if not work.changed:
        return Done(closed=False, why="the address was closed before, or is gone")
    return Done(
        closed=True, why="its owner complained" if complaint else f"it does not exist any more ({report.status or 'by its server'})"
    )


async def _find(connection: AsyncConnection, keyring: Keyring, report: Report) -> int | None:
    """The number of the address, proven."""
    number = ReturnPaths(keyring.link_key, "").find(report.headers)
    if number is None:
        number = _by_link(keyring, report)
    if number is not None:
        address = await sql.address_by_id(connection, number)
        return number if address is not None and address.channel == "email" else None
    return await _by_recipient(connection, keyring, report)


def _by_link(keyring: Keyring, report: Report) -> int | None:
    links = Links(keyring.link_key, "")
    for token in _UNSUBSCRIBE.findall(report.headers):
        try:
            return links.read("unsubscribe", token).address
        except LinkInvalid:
            continue
    return None


async def _by_recipient(connection: AsyncConnection, keyring: Keyring, report: Report) -> int | None:
    for recipient in report.recipients:
        try:
            lookup = lookup_of(keyring, "email", parse_email(recipient))
        except InvalidAddress:
            continue
        for state in _OPEN:
            for address in await sql.addresses_by_lookup(connection, lookup, state):
                if await _was_sent(connection, keyring, address.id, report):
                    return address.id
    return None


async def _was_sent(connection: AsyncConnection, keyring: Keyring, address: int, report: Report) -> bool:
    """Whether the returned mail is one that went to this address: its Message-ID is a keyed hash that nobody can guess."""
    ids = DeliveryIds(keyring.link_key)
    returned = {message_id.partition("@")[0] for message_id in report.message_ids}
    # By each mailing's key: rows are ordered by mailing, and there is no index by address.
    mailings = select(tables.mailing.c.id).join(tables.delivery, tables.delivery.c.mailing == tables.mailing.c.id)
    sent = await connection.scalars(mailings.where(tables.delivery.c.address == address))
    return any(ids.of(mailing, address) in returned for mailing in sent)
