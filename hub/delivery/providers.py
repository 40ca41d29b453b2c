"""Whether the providers that this hub is configured for can be reached: looked at from time to time, so that /readyz says it before anyone
needs them. A provider that is away stops nothing: its deliveries are retried by the ledger. So do those of a channel that has lost its
provider's setting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import structlog
from yarl import URL

from channels import catalog
from channels.contract import ChannelSettings, NotConfigured
from channels.http_sms import read_api
from channels.smpp_sms import read_smsc
from channels.smtp_email import read_server
from channels.telegram import API

LOOK_EVERY_S = 15.0
CONNECT_S = 3.0
NONE = "no provider is set, and people are reached by it: their messages wait"
UNREADABLE = "its setting can't be read, and nothing goes out by it: see `tocsin settings`"
OF_APPRISE = "a service of Apprise: whether it can be reached shows with the first message"

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
        telegram = (settings.telegram_api or API) if settings.telegram_token else None
        urls = {"email": settings.smtp, "sms": settings.sms, "telegram": telegram}
        self._endpoints = {
            channel if place == 1 else f"{channel}:{place}": _endpoint(channel, url)
            for channel, named in urls.items()
            for place, url in enumerate((named or "").split(), 1)
        }
        self.status: dict[str, str] = dict.fromkeys(self._endpoints, "not looked at yet")

    async def look(self) -> None:
        """One connection to each, opened and closed."""
        answers = await asyncio.gather(*(_reachable(point) for point in self._endpoints.values()))
        missing = set(self._in_demand()) - self._available
        for channel in sorted(missing - self._missing):
            log.error("channel_without_provider", channel=channel, setting=f"TOCSIN_{(catalog.KINDS[channel].setting or '').upper()}")
        self._missing = missing
        self.status = dict(zip(self._endpoints, answers, strict=True)) | dict.fromkeys(missing, NONE)


def _endpoint(channel: str, url: str) -> tuple[str, int] | str:
    """Host and port as the adapter reads them, else why there are none."""
    scheme = url.partition(":")[0].lower()
    try:
        if channel == "email":
            server = read_server(url)
            return server.host, server.port
        if scheme in {"smpp", "smpps"}:
            smsc = read_smsc(url)
            return smsc.host, smsc.port
        if scheme in {"http", "https"}:
            api = URL(read_api(url).url if channel == "sms" else url)
            return (api.host, api.port) if api.host and api.port else UNREADABLE
    except (NotConfigured, ValueError):
        return UNREADABLE
    return OF_APPRISE if channel == "sms" and "://" in url else UNREADABLE


async def _reachable(point: tuple[str, int] | str) -> str:
    if isinstance(point, str):
        return point
    host, port = point
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"
    writer.close()
    return "ok"
