"""What a hub needs to take text messages: made once, and run on the first of its nodes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from channels.contract import ChannelSettings
from channels.smpp_sms import read_smsc
from hub.settings import Settings
from hub.sms.dialog import Dialog, Names
from hub.sms.inbox import Inbox
from hub.sms.keywords import keywords
from hub.sms.reading import Reader
from hub.sms.receiver import Receiver
from hub.sms.words import Sentences
from subscriptions.areas import AreaCatalog
from subscriptions.enrolment import Enrolment

_SMPP = frozenset({"smpp", "smpps"})
_HTTP = frozenset({"http", "https"})
_REPLIED_TO = re.compile(r"\+?[0-9]+|MG[0-9a-f]+")
"""A number, a short code or a messaging service; nobody can answer a name."""


def open_inbox(enrolment: Enrolment, catalog: AreaCatalog, settings: Settings, public_url: str, clock: Callable[[], float]) -> Inbox:
    """The inbox of a hub."""
    names = Names(settings.hub_name, settings.city_name, public_url)
    reader = Reader(keywords(), catalog)
    dialog = Dialog(enrolment.own_address, enrolment.answering, reader, Sentences(), catalog, names, clock)
    return Inbox(enrolment.answering, dialog, settings.sms_from)


def takes_replies(channels: ChannelSettings) -> bool:
    """Whether people can answer what this hub texts: its words say so."""
    return bool(_providers(channels, _SMPP | _HTTP)) and _REPLIED_TO.fullmatch(channels.sms_from) is not None


def receivers(channels: ChannelSettings, inbox: Inbox) -> tuple[Receiver, ...]:
    """One for each SMSC. None while the hub writes in a name, which nobody can answer."""
    if channels.sms_from and not _REPLIED_TO.fullmatch(channels.sms_from):
        return ()
    return tuple(Receiver(read_smsc(url), inbox) for url in _providers(channels, _SMPP))


async def run_all(running: tuple[Receiver, ...]) -> None:
    """Until cancelled."""
    async with asyncio.TaskGroup() as group:
        for receiver in running:
            group.create_task(receiver.run())


def _providers(channels: ChannelSettings, schemes: frozenset[str]) -> list[str]:
    return [url for url in (channels.sms or "").split() if urlsplit(url).scheme.lower() in schemes]
