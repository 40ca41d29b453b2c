"""The operator log over HTTP, a page at a time, and a check of the whole chain."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.staff import audit
from hub.staff.audit import AuditEntry
from hub.web.api.exchange import choice, json_answer, number, query, requires
from hub.web.context import hub

PAGE = 100


class AuditPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Newest first; `next` is the cursor of the following page. `holds` and `broken_at` only when a check was asked for."""

    entries: tuple[AuditEntry, ...]
    next: str | None
    holds: bool | msgspec.UnsetType = msgspec.UNSET
    broken_at: int | msgspec.UnsetType | None = msgspec.UNSET


@requires("audit")
async def show_audit(request: web.Request) -> web.StreamResponse:
    """``?verify=true`` reads the whole chain first."""
    asked = query(request, "cursor", "verify")
    whole = choice(asked, "verify", ("true", "false")) == "true"
    before = number(asked, "cursor")
    async with hub(request).database.read(long=whole) as connection:
        broken = await audit.verify(connection) if whole else None
        entries = await audit.entries(connection, before=before, limit=PAGE + 1)
    page = AuditPage(entries=entries[:PAGE], next=str(entries[PAGE - 1].seq) if len(entries) > PAGE else None)
    return json_answer(msgspec.structs.replace(page, holds=broken is None, broken_at=broken) if whole else page)
