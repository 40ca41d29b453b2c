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
    """Where a handler is found, and what it does."""

    method: str
    path: str
    handler: Handler
    access: Access = "page"
    summary: str = ""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler of the API reads and answers: `body` and `answer` are structs, or media types where there is no JSON."""

    body: Any = None
    body_required: bool = True
    answer: Any = None
    status: int = 200
    """That of success."""
    query: tuple[str, ...] = ()
    header: str | None = None
    """A request header of its own."""
    refusals: tuple[int, ...] = ()
    """Statuses of problems beyond those that every such route may answer with."""
