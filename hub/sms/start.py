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
    return bool(_providers(channels.sms or "", _SMPP | _HTTP)) and _REPLIED_TO.fullmatch(channels.sms_from) is not None


class Receivers:
    """One for each SMSC. None while the hub writes in a name, which nobody can answer."""

    def __init__(self, channels: ChannelSettings, inbox: Inbox) -> None:
        named = bool(channels.sms_from) and not _REPLIED_TO.fullmatch(channels.sms_from)
        urls = [] if named else _providers(channels.sms or "", _SMPP)
        self._all = tuple(Receiver(read_smsc(url), inbox) for url in urls)

    def __bool__(self) -> bool:
        return bool(self._all)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for receiver in self._all:
                group.create_task(receiver.run())

    def bound(self) -> int:
        """At how many SMSCs this node takes messages now."""
        return sum(receiver.state == "ok" for receiver in self._all)

    @property
    def status(self) -> dict[str, str]:
        """``receiver:sms``, ``receiver:sms:2`` and so on → ``ok`` or why not; nothing on a node that takes none."""
        return {
            "receiver:sms" + (f":{place}" if place > 1 else ""): receiver.state
            for place, receiver in enumerate(self._all, 1)
            if receiver.state
        }


def replies_in_words(sms: str, sms_from: str) -> str:
    """How people's text messages reach a hub with these settings, for `tocsin check`."""
    if not sms:
        return "TOCSIN_SMS is not set"
    if sms_from and not _REPLIED_TO.fullmatch(sms_from):
        return "nobody can answer: TOCSIN_SMS_FROM is no number"
    ways = [f"{count} SMPP receiver{'s' if count > 1 else ''}" for count in [len(_providers(sms, _SMPP))] if count]
    ways += ["the webhook /api/v1/sms/inbound"] if _providers(sms, _HTTP) else []
    return " and ".join(ways) or "this provider brings none"


def _providers(sms: str, schemes: frozenset[str]) -> list[str]:
    return [url for url in sms.split() if urlsplit(url).scheme.lower() in schemes]
