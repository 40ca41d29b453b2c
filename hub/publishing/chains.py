"""What may follow what: an alert, its updates and its cancel are one chain, and a chain says one thing at a time."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts import lifecycle
from hub.alerts.store import StoredAlert, stored
from hub.errors import Conflict, InvalidInput
from hub.publishing.draft import Draft
from hub.staff import audit
from hub.staff.actor import Actor
from hub.store import tables
from subscriptions.errors import FieldError
from subscriptions.severity import rank


async def join(connection: AsyncConnection, draft: Draft, actor: Actor, now: int) -> tuple[Draft, str | None]:
    """The draft as it is to be stored, and the chain that it belongs to; None for one of its own. Raises Conflict, InvalidInput.

    What a source corrects or takes back before anybody approved it must not go out afterwards: it ends here. The cancel itself is stored
    as ended then, since there is nobody to tell.
    """
    chain = await chain_of(connection, draft)
    kind = draft.document.msgType
    if kind == "Alert" or chain is None or draft.expired:
        return draft, chain
    if draft.source == "cap" and await _overtake(connection, chain, draft, actor, now):
        return (msgspec.structs.replace(draft, expired=True) if kind == "Cancel" else draft), chain
    await check_open(connection, chain, status=draft.document.status)
    return draft, chain


async def _overtake(connection: AsyncConnection, chain: str, draft: Draft, actor: Actor, now: int) -> bool:
    """End whatever waits for approval in a chain of which nobody was told. False when somebody was, or it is not this source's."""
    every = [stored(row) for row in await connection.execute(select(tables.alert).where(tables.alert.c.chain == chain))]
    if any(alert.live_at is not None or (alert.agency, alert.sender) != (actor.agency, draft.sender) for alert in every):
        return False
    for alert in every:
        if alert.status == "awaiting_approval":
            changes = {"status": lifecycle.apply("awaiting_approval", "supersede"), "ended_at": now}
            await connection.execute(update(tables.alert).where(tables.alert.c.id == alert.id).values(changes))
            details = {"by": draft.identifier, "msgType": draft.document.msgType}
            await audit.append(connection, now, actor.label, "superseded", alert.id, details)
    return True


def _named(reference: str) -> ColumnElement[bool]:
    """An alert by our id, or by a CAP reference triple ``sender,identifier,sent`` of its own sender."""
    sender, _, rest = reference.partition(",")
    identifier = rest.partition(",")[0]
    foreign = (tables.alert.c.sender == sender) & (tables.alert.c.identifier == identifier)
    return (tables.alert.c.id == (identifier or reference)) | foreign


async def chain_of(connection: AsyncConnection, draft: Draft) -> str | None:
    """The chain that the references lead to. An author's must exist; a foreign document's may have come before its alert."""
    for position, reference in enumerate(draft.document.references):
        chain = (await connection.execute(select(tables.alert.c.chain).where(_named(reference)))).scalars().first()
        if chain is not None:
            return str(chain)
        if draft.source != "cap":
            raise InvalidInput((FieldError(f"/references/{position}", f"There is no alert {reference!r}."),))
    return None


async def weight(connection: AsyncConnection, chain: str | None) -> int:
    """How severe is what a chain tells people now, by its own word or our grade: what replaces it frightens or calms as many (S1).

    One that was stopped is what they know still, so who stops it alone may not go on to lower it alone.
    """
    if chain is None:
        return 0
    told = await _told_of(connection, chain)
    in_force = [alert for alert in told if alert.status == "live" or (alert.status == "stopped" and alert is told[-1])]
    return max((max(rank(alert.document.severity), alert.grade) for alert in in_force if alert.document.status == "Actual"), default=0)


async def _told_of(connection: AsyncConnection, chain: str) -> list[StoredAlert]:
    """The versions that people were told, in their order."""
    query = select(tables.alert).where(tables.alert.c.chain == chain, tables.alert.c.live_at.is_not(None)).order_by(tables.alert.c.number)
    return [stored(row) for row in await connection.execute(query)]


async def check_open(connection: AsyncConnection, chain: str, waited: StoredAlert | None = None, status: str | None = None) -> None:
    """Only what people were told can be followed, not after it was called off, and not by what a later version has overtaken.

    `waited` is an update or a cancel that waited for approval, `status` what it says it is. Raises Conflict, InvalidInput.
    """
    told = await _told_of(connection, chain)
    if not told and waited is not None and waited.source == "cap":
        return  # a source's correction of what nobody approved
    if not told:
        raise Conflict("This alert was never published, so there is nothing to update or to call off.")
    if any(alert.document.msgType == "Cancel" for alert in told):
        raise Conflict("This alert has been called off. Publish a new one.")
    if waited is not None and any(alert.number > waited.number for alert in told):
        raise Conflict("A later version of this alert has gone out meanwhile. Write the change anew on top of that one.")
    if status not in {None, told[-1].document.status}:
        raise other_status(told[-1])


def other_status(followed: StoredAlert) -> InvalidInput:
    """A drill is never turned into a real alert, nor a real one into a test: those it goes to are not the same people (S2)."""
    said = f"It follows an alert of status {followed.document.status}: leave this out, or publish a new alert."
    return InvalidInput((FieldError("/status", said),))


def following(raw: bytes, followed: StoredAlert) -> bytes:
    """A document that does not say what it is, is what it follows. Whatever can't be read is left for the reader to name."""
    if followed.document.status == "Actual":
        return raw  # as any that does not say
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return raw
    if not isinstance(document, dict) or "status" in document:
        return raw
    return msgspec.json.encode(document | {"status": followed.document.status})
