"""A stolen log-in must not flood a city: changes to alerts are limited per account, in the console as in the API (safeguard S12)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from hub.errors import HubError, TooMany
from hub.staff.actor import Actor
from hub.web.middlewares import LIMITS


@contextmanager
def turn(request: web.Request, actor: Actor) -> Iterator[None]:
    """One publication of this account's allowance; whatever is refused costs nothing. Raises TooMany."""
    allowance = request.app[LIMITS].publishing
    after = allowance.take(actor.label)
    if after:
        raise TooMany(f"This log-in has published very much just now. Try again in {after:.0f} seconds.", after)
    try:
        yield
    except HubError:
        allowance.give_back(actor.label)
        raise
