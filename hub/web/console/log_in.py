"""Logging in and out of the console."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from hub.errors import TooMany, Unauthenticated
from hub.web.console import form as forms
from hub.web.console.form import Form
from hub.web.console.staff import page, see_other
from hub.web.context import CLIENT, hub
from hub.web.security import clear_session, session_secret, set_session


async def log_in_page(request: web.Request) -> web.StreamResponse:
    """``GET /console/log-in``."""
    return _page(request, name="", next_path=request.query.get("next", ""), errors={}, status=200)


def ask(request: web.Request, typed: Form) -> web.Response:
    """In the middle of writing an alert: what was typed goes through the log-in and back to its form."""
    return _page(request, name="", next_path="", errors={}, status=401, typed=typed)


async def log_in_submit(request: web.Request) -> web.StreamResponse:
    """``POST /console/log-in``: one answer for a wrong name and a wrong password."""
    data = await request.post()
    name, password, next_path = (str(data.get(field, "")) for field in ("name", "password", "next"))
    typed = forms.read(data) if "typed" in data else None
    try:
        secret = await hub(request).staff.log_in(name, password, client=request[CLIENT])
    except Unauthenticated:
        return _page(request, name=name, next_path=next_path, errors={"name": "Wrong name or password."}, status=422, typed=typed)
    except TooMany as limit:
        said = f"Too many tries. Wait {max(1, round(limit.after / 60))} min and try again."
        refused = _page(request, name=name, next_path=next_path, errors={"name": said}, status=429, typed=typed)
        refused.headers["Retry-After"] = str(max(1, round(limit.after)))
        return refused
    # The browser sends the same form there once more, now with its session (RFC 9110 §15.4.8).
    response = see_other(_own(next_path)) if typed is None else web.Response(status=307, headers={"Location": "/console/compose/preview"})
    set_session(request, response, secret)
    return response


async def log_out(request: web.Request) -> web.StreamResponse:
    """``POST /console/log-out``."""
    secret = session_secret(request)
    if secret:
        await hub(request).staff.log_out(secret)
    response = see_other("/console/log-in")
    clear_session(request, response)
    return response


def _own(path: str) -> str:
    """Where to go after the log-in: a page for staff, never another site, and nothing that can't stand in a header."""
    ours = path in {"/console", "/outbox"} or path.startswith("/console/")
    return path if ours and path.isprintable() else "/console"


def _page(
    request: web.Request, *, name: str, next_path: str, errors: Mapping[str, str], status: int, typed: Form | None = None
) -> web.Response:
    return page(
        request,
        "log_in.html",
        status=status,
        name=name[:80],
        next=_own(next_path),
        errors=errors,
        typed=None if typed is None else typed.hidden(),
        log_ins=hub(request).demo_log_ins(),
    )
