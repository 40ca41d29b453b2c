"""Whether the providers that this hub is configured for can be reached: looked at from time to time, so that /readyz says it before anyone
needs them. A provider that is away stops nothing: its deliveries are retried by the ledger. So do those of a channel that has lost its
provider's setting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

import structlog

from channels import catalog
from channels.contract import ChannelSettings

LOOK_EVERY_S = 15.0
CONNECT_S = 3.0
NONE = "no provider is set, and people are reached by it: their messages wait"
_PORTS = {"smtp": 25, "smtps": 465, "smpp": 2775, "http": 80, "https": 443}

log = structlog.get_logger()


class Providers:
    """`status` maps a configured provider, and a channel that has none and needs one, to ``ok`` or to what is wrong, without names or
    passwords.

    A channel's first provider has the channel's name, its second one ``email:2``, and so on.
    """

    def __init__(self, settings: ChannelSettings, in_demand: Callable[[], Collection[str]] = tuple) -> None:
        """`in_demand` names the channels that people are reached by."""
        self._in_demand, self._available = in_demand, catalog.available(settings)
        self._missing: set[str] = set()
        urls = {"email": settings.smtp, "sms": settings.sms, "telegram": settings.telegram_api if settings.telegram_token else None}
        self._endpoints = {
            channel if place == 1 else f"{channel}:{place}": point
            for channel, named in urls.items()
            for place, url in enumerate((named or "").split(), 1)
            if (point := _endpoint(url))
        }
        self.status: dict[str, str] = dict.fromkeys(self._endpoints, "not looked at yet")

    async def look(self) -> None:
        """One connection to each, opened and closed."""
        answers = await asyncio.gather(*(_reachable(*point) for point in self._endpoints.values()))
        missing = set(self._in_demand()) - self._available
        for channel in sorted(missing - self._missing):
            log.error("channel_without_provider", channel=channel, setting=f"TOCSIN_{(catalog.KINDS[channel].setting or '').upper()}")
        self._missing = missing
        self.status = dict(zip(self._endpoints, answers, strict=True)) | dict.fromkeys(missing, NONE)


def _endpoint(url: str) -> tuple[str, int] | None:
    """Host and port of a provider whose protocol we speak ourselves; an Apprise URL has neither in a common place."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.hostname, parts.port or _PORTS[parts.scheme]


async def _reachable(host: str, port: int) -> str:
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"
    writer.close()
    return "ok"
