"""How alerts are written: rows, keys and chains, inside the transactions of `hub.publishing.publishing`."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts import lifecycle
from hub.alerts.alert import Alert
from hub.alerts.store import AlertStore, StoredAlert, fetch, versions
from hub.errors import Conflict, InvalidInput
from hub.publishing.draft import Draft, Source, read_draft
from hub.staff.actor import Actor
from hub.store import tables
from subscriptions.areas import AreaCatalog
from subscriptions.errors import FieldError
from subscriptions.severity import rank
from subscriptions.store.prepared import Prepared, insert_row

KEYS_KEPT_MS = 7 * 24 * 3600 * 1000


def new_row(draft: Draft, actor: Actor, status: str, people: int, chain: str | None, now: int) -> dict[str, Any]:
    """All columns of a new alert but its number."""
    alert_id = f"al_{secrets.token_hex(10)}"
    return {
        "id": alert_id,
        "chain": chain or alert_id,
        "status": status,
        "agency": actor.agency,
        "source": draft.source,
        "identifier": draft.identifier,
        "sender": draft.sender,
        "sent_at": draft.sent_at,
        "grade": draft.grade,
        "document": msgspec.json.encode(draft.document).decode(),
        "area": msgspec.json.encode(draft.area).decode(),
        "hash": draft.hash,
        "audience": people,
        "author": actor.label,
        "created_at": now,
        "live_at": now if status == "live" else None,
        "ended_at": now if status == "ended" else None,
        "expires_at": int(draft.document.expires.timestamp() * 1000),
        "warnings": msgspec.json.encode(draft.warnings).decode(),
    }


def unstored(draft: Draft, actor: Actor, now: int, chain: str | None = None) -> StoredAlert:
    """What a preview renders: an alert that is in no table."""
    return as_stored(new_row(draft, actor, "draft", 0, chain, now), draft, 0)


def as_stored(row: dict[str, Any], draft: Draft, number: int) -> StoredAlert:
    """A new row as it would be read."""
    unset = {"approver": None, "approved_at": None, "send_at": None}
    return StoredAlert(**row | unset | {"document": draft.document, "area": draft.area, "warnings": draft.warnings, "number": number})


def prepared_cancel(alert: StoredAlert) -> bytes:
    """The JSON of a call-off: the alert's own words without what it told people to do, which would contradict it."""
    fields = msgspec.to_builtins(alert.document)
    own = {"msgType", "references", "audience_languages", "onset", "known_since"}
    fields["infos"] = [{"language": info["language"], "headline": info["headline"]} for info in fields["infos"]]
    return msgspec.json.encode({name: value for name, value in fields.items() if name not in own and value not in (None, [], ())})


async def read(raw: bytes, source: Source, alerts: AlertStore, catalog: AreaCatalog, now: float, follows: str | None) -> Draft:
    """As `read_draft`, except that a prepared call-off is not measured again by what an author may write.

    An import may be longer, hold longer and be drawn finer than that, and what people were told must be possible to take back. So its
    place and its grade are those of the alert that it takes back. Once that has run out, the reader says so.
    """
    followed = await alerts.get(follows) if follows is not None else None
    if followed is None or followed.expires_at <= now * 1000 or raw != prepared_cancel(followed):
        return await read_draft(raw, source, catalog, now, follows=follows)
    document = msgspec.structs.replace(msgspec.json.decode(raw, type=Alert), references=(followed.id,))
    return Draft(document=document, area=followed.area, grade=followed.grade, source=source, sent_at=int(now * 1000))


async def earlier(connection: AsyncConnection, draft: Draft, actor: Actor, key: str | None, asked: bytes) -> StoredAlert | None:
    """An alert that this one repeats: by its key, or as a CAP document that came before."""
    if key is not None and (seen := await by_key(connection, actor, key, asked)) is not None:
        return seen
    if draft.identifier is None:
        return None
    if (own := await _own(connection, draft)) is not None:
        return own
    query = select(tables.alert.c.id).where(
        tables.alert.c.sender == draft.sender, tables.alert.c.identifier == draft.identifier, tables.alert.c.sent_at == draft.sent_at
    )
    known = (await connection.execute(query)).scalar_one_or_none()
    alert = await fetch(connection, known) if known is not None else None
    if alert is not None and alert.hash != draft.hash:
        raise Conflict(f"A CAP alert with this identifier, sender and sent is here already as {alert.id}, with other contents.")
    return alert


def purpose_hash(purpose: str, raw: bytes) -> bytes:
    """What a key is bound to: the body, and what was asked to be done with it, e.g. ``Update al_…``."""
    return hashlib.sha256(purpose.encode() + b"\0" + raw).digest()


async def _own(connection: AsyncConnection, draft: Draft) -> StoredAlert | None:
    """The alert that this document is an export of, for instance come back by way of another hub; Conflict when its words were changed.

    `identifier` and `sent` are those that `hub.alerts.cap_writer` gives an alert. Ids are random: no other message has both.
    """
    alert = await fetch(connection, str(draft.identifier))
    if alert is None or alert.live_at is None or alert.live_at // 1000 != draft.sent_at // 1000:
        return None
    if _told(alert.document) != _told(draft.document):
        raise Conflict(f"This is alert {alert.id} of this hub with other words. To change it, publish an update of it.")
    return alert


def _told(document: Alert) -> tuple[object, ...]:
    """What people are told of; areas, links and references are written in other words when an alert leaves as CAP."""
    words = {(info.language, info.headline, info.description, info.instruction) for info in document.infos}
    return document.event, document.msgType, document.severity, int(document.expires.timestamp()), words


_KEY = tables.idempotency.c
_BY_KEY = Prepared(select(_KEY.body_hash, _KEY.alert).where(_KEY.actor == bindparam("asker"), _KEY.key == bindparam("given")))


async def by_key(connection: AsyncConnection, actor: Actor, key: str, asked: bytes) -> StoredAlert | None:
    """The alert that this key made; InvalidInput when the key came with another body."""
    row = await _BY_KEY.first(connection, asker=actor.label, given=key)
    if row is None:
        return None
    body_hash, alert_id = row
    if body_hash != asked:
        raise InvalidInput((FieldError("", "This Idempotency-Key was used with another body, or for another alert. Use a new key."),))
    return await fetch(connection, alert_id)


async def forget_keys(connection: AsyncConnection, now: int) -> None:
    """Idempotency keys are kept for a week."""
    await connection.execute(delete(tables.idempotency).where(_KEY.at < now - KEYS_KEPT_MS))


def key_row(actor: Actor, key: str, asked: bytes, alert_id: str, now: int) -> dict[str, Any]:
    """Ties a key to the alert that it made; kept for a week."""
    return {"actor": actor.label, "key": key, "body_hash": asked, "alert": alert_id, "at": now}


def priority(alert: StoredAlert) -> int:
    """Of its mailing: 0 goes first."""
    return rank("Extreme") - alert.grade


def status_of(alert: StoredAlert) -> lifecycle.AlertStatus:
    """As the transition table knows it."""
    return alert.status  # type: ignore[return-value]  # only lifecycle.apply writes it


async def move(connection: AsyncConnection, alert: StoredAlert, action: lifecycle.Action, now: int, **more: Any) -> StoredAlert:
    """The one way from a status to the next, with `more` columns that change; raises Conflict when there is none.

    What is stopped or superseded is withheld in the same transaction, so that nothing of it is handed over after a crash either.
    """
    status = lifecycle.apply(status_of(alert), action)
    changes = more | {"status": status} | ({"ended_at": now} if status in {"ended", "stopped"} else {})
    await connection.execute(update(tables.alert).where(tables.alert.c.number == alert.number).values(changes))
    if action in {"stop", "supersede"}:
        await connection.execute(update(tables.mailing).where(tables.mailing.c.alert == alert.number).values(state="stopped"))
    return msgspec.structs.replace(alert, **changes)


async def launch(connection: AsyncConnection, alert: StoredAlert, now: int) -> None:
    """The launch row, and the end of what this alert replaces, in the caller's transaction."""
    kind = alert.document.msgType
    if kind != "Alert":
        await _supersede(connection, alert, now)
    row = {
        "purpose": "alert",
        "alert": alert.number,
        "priority": priority(alert),
        "state": "launched",
        "created_at": now,
        "expires_at": alert.expires_at,
    }
    await insert_row(connection, tables.mailing, row)


async def _supersede(connection: AsyncConnection, alert: StoredAlert, now: int) -> None:
    """An update takes the place of what went before at once: whatever of it is unsent stays unsent."""
    for earlier in await versions(connection, alert.chain):
        if earlier.number < alert.number and earlier.status == "live":
            await move(connection, earlier, "supersede", now)
