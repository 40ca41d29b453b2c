"""Residents' subscriptions for programs: sign up without an account, then see, change or end one with its manage token."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.web.api.exchange import json_answer, query, read_body
from hub.web.context import CLIENT, hub
from subscriptions.subscriber import read_change, read_subscription

SOURCE = "api"
"""What stands in the consent receipts."""


class SignUpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The same for every address, known or not. `manage` and `telegram` are links."""

    id: str
    status: str
    manage: str | None
    telegram: str | None


async def create_subscription(request: web.Request) -> web.StreamResponse:
    """Sign up: 202, since each address must confirm."""
    query(request)
    wanted = read_subscription(await read_body(request))
    done = await hub(request).enrolment.subscribe(wanted, client=request[CLIENT], source=SOURCE)
    manage = hub(request).links.page("access", done.manage) if done.manage else None
    return json_answer(SignUpAnswer(id=done.id, status=done.status, manage=manage, telegram=done.telegram), status=202)


async def show_subscription(request: web.Request) -> web.StreamResponse:
    """The whole subscription."""
    query(request)
    return json_answer(await hub(request).enrolment.view(request.match_info["token"]))


async def export_subscription(request: web.Request) -> web.StreamResponse:
    """All that is kept of one person, as a file to keep."""
    query(request)
    answer = json_answer(await hub(request).enrolment.export(request.match_info["token"]))
    answer.headers["Content-Disposition"] = 'attachment; filename="my-alert-data.json"'
    return answer


async def change_subscription(request: web.Request) -> web.StreamResponse:
    """Change what the body names and leave the rest."""
    query(request)
    change = read_change(await read_body(request))
    return json_answer(await hub(request).enrolment.change(request.match_info["token"], change, source=SOURCE))


async def end_subscription(request: web.Request) -> web.StreamResponse:
    """Delete it, with its places and addresses."""
    query(request)
    await hub(request).enrolment.end(request.match_info["token"], source=SOURCE)
    return web.Response(status=204, headers={"Cache-Control": "no-store"})
