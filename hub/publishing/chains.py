"""What may follow what: an alert, its updates and its cancel are one chain, and a chain says one thing at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts import lifecycle
from hub.alerts.alert import Alert
from hub.alerts.store import StoredAlert, stored, versions
from hub.errors import Conflict, InvalidInput
from hub.publishing import records
from hub.publishing.draft import Draft
from hub.staff import audit
from hub.staff.actor import Actor
from hub.store import tables
from subscriptions.errors import FieldError
from subscriptions.languages import nearest
from subscriptions.severity import rank


async def join(connection: AsyncConnection, draft: Draft, actor: Actor, now: int) -> tuple[Draft, tuple[str, ...]]:
    """The draft as it is to be stored, and the chains that it takes the place of, the one that it is kept in first; none for one of its
    own. Raises Conflict, InvalidInput."""
    if draft.source == "cap":
        return await _join_of_source(connection, draft, actor, now)
    chain = await chain_of(connection, draft)
    if draft.document.msgType != "Alert" and chain is not None:
        follows = draft.document.references if draft.document.msgType == "Update" else ()
        await check_open(connection, chain, status=draft.document.status, follows=follows)
    return draft, (chain,) if chain is not None else ()


async def _join_of_source(connection: AsyncConnection, draft: Draft, actor: Actor, now: int) -> tuple[Draft, tuple[str, ...]]:
    """Sources tell late, twice, out of order, and of several alerts at once. What one of them corrects or takes back must not go out, or
    go on, however its word came; a message that has nobody to tell is stored as ended."""
    kind = draft.document.msgType
    if kind == "Alert":
        later = await _said_since(connection, draft, actor)
        return (draft, ()) if later is None else (msgspec.structs.replace(draft, expired=True), (later,))
    named = await _named_by_source(connection, draft, actor.agency)
    draft = _still_to_be_told(draft, [alert for every in named.values() for alert in every], now)
    told = []
    for chain, every in named.items():
        if all(_is_of(alert, draft, actor.agency) for alert in every) and (draft.expired or all(alert.live_at is None for alert in every)):
            await _end(connection, every, draft, actor, now)
        elif not draft.expired:
            told.append(chain)
    if told:
        await check_open(connection, told[0], status=draft.document.status)
    elif kind == "Cancel" and named:
        draft = msgspec.structs.replace(draft, expired=True)
    return draft, (*told, *(chain for chain in named if chain not in told))


def _still_to_be_told(draft: Draft, alerts: Sequence[StoredAlert], now: int) -> Draft:
    """A cancel that came late, or was made to end as it was sent, is told as long as people would believe what it takes back (S3, S13)."""
    believed = max((alert.expires_at for alert in alerts if alert.is_believed), default=0)
    if draft.document.msgType != "Cancel" or not draft.expired or believed <= now:
        return draft
    document = msgspec.structs.replace(draft.document, expires=datetime.fromtimestamp(believed / 1000, UTC))
    return msgspec.structs.replace(draft, document=document, expired=False)


async def _said_since(connection: AsyncConnection, draft: Draft, actor: Actor) -> str | None:
    """The chain of an update or a cancel of this alert that came before it."""
    mine = f"{draft.sender},{draft.identifier},"
    same = (tables.alert.c.sender == draft.sender) & (tables.alert.c.agency == actor.agency) & (tables.alert.c.source == "cap")
    found = await connection.execute(select(tables.alert).where(same, tables.alert.c.document.contains(mine, autoescape=True)))
    for alert in map(stored, found):
        for reference in alert.document.references:
            if reference.startswith(mine) and datetime.fromisoformat(reference.removeprefix(mine)).timestamp() * 1000 == draft.sent_at:
                return alert.chain
    return None


async def _named_by_source(connection: AsyncConnection, draft: Draft | StoredAlert, agency: str) -> dict[str, list[StoredAlert]]:
    """The chains that a source's references lead to and that it began, but for those which were called off; else the first, whose it is."""
    found = {chain: await versions(connection, chain) for chain in await _chains(connection, draft)}
    itself = draft.id if isinstance(draft, StoredAlert) else None
    began = {
        chain: every
        for chain, every in found.items()
        if _is_of(every[0], draft, agency) and not _is_called_off([alert for alert in every if alert.id != itself])
    }
    return began or dict(list(found.items())[:1])


async def gather(connection: AsyncConnection, alert: StoredAlert) -> None:
    """What a source says of several of its alerts at once makes one chain of them, as it goes out and no sooner."""
    if alert.source == "cap" and alert.document.msgType != "Alert":
        named = await _named_by_source(connection, alert, alert.agency)
        if alert.chain in named:
            await connection.execute(update(tables.alert).where(tables.alert.c.chain.in_(list(named))).values(chain=alert.chain))


async def _end(connection: AsyncConnection, alerts: Sequence[StoredAlert], draft: Draft, actor: Actor, now: int) -> None:
    """They wait for nobody's approval any more, and nothing more of them is handed over."""
    for alert in alerts:
        if lifecycle.may(records.status_of(alert), "supersede"):
            await records.move(connection, alert, "supersede", now)
            details = {"by": draft.identifier, "msgType": draft.document.msgType}
            await audit.append(connection, now, actor.label, "superseded", alert.id, details)


def _is_of(alert: StoredAlert, draft: Draft | StoredAlert, agency: str) -> bool:
    return (alert.agency, alert.sender) == (agency, draft.sender)


def _is_called_off(every: Sequence[StoredAlert]) -> bool:
    """People were told so."""
    return any(alert.live_at is not None and alert.document.msgType == "Cancel" for alert in every)


def _named(reference: str) -> ColumnElement[bool]:
    """An alert by our id, or by a CAP reference triple ``sender,identifier,sent`` of its own sender."""
    sender, _, rest = reference.partition(",")
    identifier = rest.partition(",")[0]
    foreign = (tables.alert.c.sender == sender) & (tables.alert.c.identifier == identifier)
    return (tables.alert.c.id == (identifier or reference)) | foreign


async def chain_of(connection: AsyncConnection, draft: Draft) -> str | None:
    """The chain that the references lead to. An author's must exist, and all be of one; a foreign document's may have come before its
    alert, and the first that is here counts."""
    found = await _chains(connection, draft)
    if draft.source != "cap" and len(found) > 1:
        said = "These are alerts of different things: write about each by itself."
        raise InvalidInput((FieldError("/references", said),))
    return found[0] if found else None


async def _chains(connection: AsyncConnection, draft: Draft | StoredAlert) -> list[str]:
    """Those that the references lead to, each once. Raises InvalidInput for an author's that is nowhere."""
    found = []
    for position, reference in enumerate(draft.document.references):
        chain = (await connection.execute(select(tables.alert.c.chain).where(_named(reference)))).scalars().first()
        if chain is not None:
            found.append(str(chain))
        elif draft.source != "cap":
            raise InvalidInput((FieldError(f"/references/{position}", f"There is no alert {reference!r}."),))
    return list(dict.fromkeys(found))


async def weight(connection: AsyncConnection, *chains: str) -> int:
    """How severe is what these chains tell people now, by its own word or our grade: what replaces it frightens or calms as many (S1).

    One that was stopped is what they know still, so who stops it alone may not go on to lower it alone.
    """
    in_force = list[StoredAlert]()
    for chain in chains:
        told = await _told_of(connection, chain)
        in_force += [alert for alert in told if alert.status == "live" or (alert.status == "stopped" and alert is told[-1])]
    return max((max(rank(alert.document.severity), alert.grade) for alert in in_force if alert.document.status == "Actual"), default=0)


async def _told_of(connection: AsyncConnection, chain: str) -> list[StoredAlert]:
    """The versions that people were told, in their order."""
    return [alert for alert in await versions(connection, chain) if alert.live_at is not None]


async def check_open(
    connection: AsyncConnection,
    chain: str,
    waited: StoredAlert | None = None,
    status: str | None = None,
    follows: Sequence[str] = (),
) -> None:
    """Only what people were told can be followed, not after it was called off, and not by what a later version has overtaken.

    `waited` is an update or a cancel that waited for approval, `status` what it says it is, `follows` are ids of which one must be what
    people were told last. Raises Conflict, InvalidInput.
    """
    told = await _told_of(connection, chain)
    if not told and waited is not None and waited.source == "cap":
        return  # a source's correction of what nobody approved
    if not told:
        raise Conflict("This alert was never published, so there is nothing to update or to call off.")
    if _is_called_off(told):
        raise Conflict("This alert has been called off. Publish a new one.")
    if waited is not None and any(alert.number > waited.number for alert in told):
        raise _overtaken(told[-1])
    if follows and told[-1].id not in follows:
        raise _overtaken(told[-1])
    if status not in {None, told[-1].document.status}:
        raise other_status(told[-1])


def _overtaken(latest: StoredAlert) -> Conflict:
    return Conflict(f"A later version of this alert has gone out meanwhile, {latest.id}. Write the change anew on top of that one.")


def same_readers(document: Alert, followed: Alert) -> tuple[str, ...] | None:
    """Whose readers an update or a cancel is for: those of an edition in one language, unless it is written in more."""
    readers = followed.audience_languages
    return readers if readers and {nearest(info.language) for info in document.infos} <= set(readers) else None


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
