"""The key by which browsers know this hub's pushes."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.web.api.exchange import public_answer, query
from hub.web.context import hub

KEY_SECONDS = 3600


class VapidKey(msgspec.Struct, frozen=True):
    """`applicationServerKey` of PushManager.subscribe(): an uncompressed P-256 point, base64url (RFC 8292)."""

    key: str


async def vapid_key(request: web.Request) -> web.StreamResponse:
    """The VAPID public key."""
    query(request)
    return public_answer(request, msgspec.json.encode(VapidKey(hub(request).vapid_public_key)), "application/json", max_age=KEY_SECONDS)
