"""A video that somebody shares: a link, two separate choices that both start as no, and a receipt for each choice (V1, V4).

It is shown only while its owner allows it, it was not withdrawn, and a person of staff has looked at it (S14).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts.faults import Faults
from hub.alerts.json_fields import Fields, decode
from hub.clock import instant
from hub.errors import Gone, NotFound
from hub.store.tables import video

POLICY = "2026-11"
"""Version of what the choices mean, kept in each receipt: a later policy never widens an old consent."""

LONGEST_URL = 2000
MOST_LINKS = 3
"""Links of one incident in one message; the oldest first."""

COPIES_PERSIST = "Copies that others made while it was public may persist."

Scope = Literal["public", "share_with_agencies"]
_SCOPES: tuple[Scope, ...] = ("public", "share_with_agencies")


class VideoRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is posted."""

    url: str
    public: bool = False
    share_with_agencies: bool = False


class VideoChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is patched. The link itself can't change: staff looked at that one."""

    public: bool | None = None
    share_with_agencies: bool | None = None


class ConsentReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """One choice at one time."""

    scope: Scope
    given: bool
    at: datetime
    policy: str
    note: str | None = None


class AddedVideo(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to whoever added it. `manage` is shown once and is the only way to change or withdraw it."""

    id: str
    manage: str
    receipt: tuple[ConsentReceipt, ...]
    waits_for_review: bool


class VideoView(msgspec.Struct, frozen=True, kw_only=True):
    """What its owner sees."""

    id: str
    public: bool
    share_with_agencies: bool
    waits_for_review: bool
    receipt: tuple[ConsentReceipt, ...]


_receipts = msgspec.json.Decoder(tuple[ConsentReceipt, ...])


def read_request(raw: bytes) -> VideoRequest:
    """Raises BadRequest, or InvalidInput with every fault."""
    faults = Faults()
    fields = Fields(decode(raw), "", faults)
    url = fields.text("url", LONGEST_URL, required=True)
    if url and (fault := url_fault(url)):
        fields.fault("url", fault)
    fields.refuse("upload", "is not yet supported: put the video somewhere and give its url")
    wish = VideoRequest(url=url, public=fields.flag("public"), share_with_agencies=fields.flag("share_with_agencies"))
    fields.close()
    faults.check()
    return wish


def read_changes(raw: bytes) -> VideoChanges:
    """Raises BadRequest, or InvalidInput with every fault."""
    faults = Faults()
    fields = Fields(decode(raw), "", faults)
    given = {name: fields.flag(name) for name in _SCOPES if fields.given(name)}
    fields.refuse("url", "can't be changed: withdraw this video and add the other one")
    fields.close(_SCOPES)
    if not given and not faults:
        faults.add("", f"names nothing to change: give {' or '.join(_SCOPES)}")
    faults.check()
    return VideoChanges(**given)


def url_fault(url: str) -> str | None:
    """Why people can't be sent to this link, None when they can."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no web address: write it like https://video.example/watch/1"
    if parts.scheme not in {"http", "https"} or not host or not url.isascii() or " " in url or "\\" in url:
        return "must be an http or https address in ASCII, like https://video.example/watch/1"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or a password"
    return None


async def add(connection: AsyncConnection, incident: str, wish: VideoRequest, reviewer: str | None, now: int) -> AddedVideo:
    """Store it in the caller's write transaction."""
    number, manage = f"vid_{secrets.token_hex(10)}", secrets.token_urlsafe(32)
    receipts = (_receipt("public", wish.public, now), _receipt("share_with_agencies", wish.share_with_agencies, now))
    values = {
        "id": number,
        "incident": incident,
        "url": wish.url,
        "public": int(wish.public),
        "share_with_agencies": int(wish.share_with_agencies),
        "manage_hash": _hash(manage),
        "receipt": msgspec.json.encode(receipts).decode(),
        "reviewer": reviewer,
        "created_at": now,
    }
    await connection.execute(insert(video).values(values))
    return AddedVideo(id=number, manage=manage, receipt=receipts, waits_for_review=reviewer is None)


async def review(connection: AsyncConnection, video_id: str, reviewer: str) -> None:
    """Note who looked at it. Raises NotFound, Gone."""
    row = (await connection.execute(select(video.c.removed_at).where(video.c.id == video_id))).first()
    if row is None:
        raise NotFound("There is no such video.")
    if row.removed_at is not None:
        raise Gone("This video was withdrawn.")
    await connection.execute(update(video).where(video.c.id == video_id).values(reviewer=reviewer))


async def change(connection: AsyncConnection, manage: str, changes: VideoChanges, now: int) -> tuple[VideoView, bool]:
    """Apply choices and append their receipts; a choice that stands already is none. Returns whether what is shown changed, too.

    Raises NotFound, Gone.
    """
    row = await _managed(connection, manage)
    if row.removed_at is not None:
        raise Gone("This video was withdrawn.")
    wanted = {scope: given for scope in _SCOPES if (given := getattr(changes, scope)) not in {None, bool(getattr(row, scope))}}
    receipts = (*_receipts.decode(row.receipt), *(_receipt(scope, given, now) for scope, given in wanted.items()))
    values: dict[str, Any] = {scope: int(given) for scope, given in wanted.items()} | {"receipt": msgspec.json.encode(receipts).decode()}
    if wanted:
        await connection.execute(update(video).where(video.c.id == row.id).values(values))
    view = VideoView(
        id=row.id,
        public=wanted.get("public", bool(row.public)),
        share_with_agencies=wanted.get("share_with_agencies", bool(row.share_with_agencies)),
        waits_for_review=row.reviewer is None,
        receipt=receipts,
    )
    return view, "public" in wanted and row.reviewer is not None


async def remove(connection: AsyncConnection, manage: str, now: int) -> tuple[tuple[ConsentReceipt, ...], bool]:
    """Forget the link and keep the receipts. Returns whether it had been shown, too. Raises NotFound."""
    row = await _managed(connection, manage)
    receipts = _receipts.decode(row.receipt)
    if row.removed_at is not None:
        return receipts, False
    receipts += tuple(_receipt(scope, False, now, COPIES_PERSIST if row.public else None) for scope in _SCOPES)
    values = {"url": "", "public": 0, "share_with_agencies": 0, "removed_at": now, "receipt": msgspec.json.encode(receipts).decode()}
    await connection.execute(update(video).where(video.c.id == row.id).values(values))
    return receipts, bool(row.public) and row.reviewer is not None


async def public_videos(connection: AsyncConnection, incident: str) -> tuple[str, ...]:
    """Ids of an incident's videos that may be shown, the oldest first, at most MOST_LINKS."""
    query = select(video.c.id).where(video.c.incident == incident, _shown()).order_by(video.c.created_at, video.c.id).limit(MOST_LINKS)
    return tuple((await connection.execute(query)).scalars())


async def public_url(connection: AsyncConnection, video_id: str) -> str | None:
    """The link while it may be shown."""
    return (await connection.execute(select(video.c.url).where(video.c.id == video_id, _shown()))).scalar_one_or_none()


def _shown() -> Any:
    return (video.c.public == 1) & video.c.removed_at.is_(None) & video.c.reviewer.is_not(None)


async def _managed(connection: AsyncConnection, manage: str) -> Row[Any]:
    row = (await connection.execute(select(video).where(video.c.manage_hash == _hash(manage)))).first()
    if row is None:
        raise NotFound("This address is not valid. It was shown once, when the video was added.")
    return row


def _receipt(scope: Scope, given: bool, now: int, note: str | None = None) -> ConsentReceipt:
    return ConsentReceipt(scope=scope, given=given, at=instant(now / 1000), policy=POLICY, note=note)


def _hash(manage: str) -> bytes:
    return hashlib.sha256(manage.encode()).digest()
