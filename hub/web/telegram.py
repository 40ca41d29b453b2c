"""``POST /telegram/{secret}``: what people do in Telegram, when it is posted here."""

from __future__ import annotations

from aiohttp import web

from hub.telegram_inbox import SECRET_HEADER
from hub.web.context import hub


async def receive_update(request: web.Request) -> web.StreamResponse:
    """200 once it was served; 404 without both secrets; 503 while no bot runs here, after which Telegram tries again."""
    inbox = hub(request).inbox
    if not inbox.is_telegram(request.match_info["secret"], request.headers.get(SECRET_HEADER, "")):
        raise web.HTTPNotFound
    if inbox.take is None:
        raise web.HTTPServiceUnavailable
    await inbox.take(await request.read())
    return web.Response()
