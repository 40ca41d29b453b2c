"""Web push: the key by which browsers know this hub, and the news that one of them has another address."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.web.api.exchange import public_answer, query, read_body
from hub.web.context import CLIENT, hub
from subscriptions.renewal import read_renewal

KEY_SECONDS = 3600


class VapidKey(msgspec.Struct, frozen=True):
    """`applicationServerKey` of PushManager.subscribe(): an uncompressed P-256 point, base64url (RFC 8292)."""

    key: str


async def vapid_key(request: web.Request) -> web.StreamResponse:
    """The VAPID public key."""
    query(request)
    return public_answer(request, msgspec.json.encode(VapidKey(hub(request).vapid_public_key)), "application/json", max_age=KEY_SECONDS)


async def renewed(request: web.Request) -> web.StreamResponse:
    """A browser's push subscription has a successor: 204, whether the old one was known or not."""
    query(request)
    await hub(request).enrolment.renew(read_renewal(await read_body(request)), client=request[CLIENT], source="browser")
    return web.Response(status=204, headers={"Cache-Control": "no-store"})
