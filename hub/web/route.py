"""One line of the URL table, and what is said about it to whoever builds on the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

Access = Literal["page", "open", "resident", "staff"]
"""`page`: for people, not part of the API. `open`: open data, any origin. `resident`: no account, secrets in the path. `staff`: a token."""


class Route(msgspec.Struct, frozen=True):
    """`body` and `answer` are the structs on the wire, or media types where there is no JSON; `status` is that of success."""

    method: str
    path: str
    handler: Handler
    access: Access = "page"
    summary: str = ""
    body: Any = None
    answer: Any = None
    status: int = 200
    query: tuple[str, ...] = ()
    header: str | None = None
    """A request header of its own."""
    refusals: tuple[int, ...] = ()
    """Problems beyond those that every such route may answer."""


ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes", tuple)
