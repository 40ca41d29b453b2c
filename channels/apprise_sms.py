"""SMS through an SMS service of Apprise (TOCSIN_SMS=seven://KEY, for instance): its URL, and a person's number as the target."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

import msgspec

from channels.addresses import parse_phone
from channels.apprise_address import parse_service, takes_numbers
from channels.apprise_services import TIMEOUT, AppriseServices, ServiceDraft
from channels.contract import ChannelSettings, InvalidAddress, Limits, Message, NotConfigured, Receipt, Recipient


class AppriseSms:
    """SMS by Apprise: without segments' answers, receipts or reasons."""

    name: ClassVar[str] = "sms"
    limits: ClassVar[Limits] = AppriseServices.limits

    def __init__(self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeout: float = TIMEOUT) -> None:
        """`timeout` in seconds is for one hand-over."""
        if not settings.sms:
            raise NotConfigured("set TOCSIN_SMS to smpp://user:pass@host:port or to the Apprise URL of an SMS service")
        self._url = read_sms_service(settings.sms)
        self._services = AppriseServices(settings, clock, timeout=timeout, fits=True)

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """E.164."""
        return parse_phone(raw)

    def compose(self, message: Message) -> ServiceDraft:
        """The text alone; an SMS has no title."""
        return self._services.compose(msgspec.structs.replace(message, parts={"text": message.parts["text"]}))

    async def deliver(self, draft: ServiceDraft, to: Recipient) -> Receipt:
        """Hand over as `AppriseServices` does."""
        return await self._services.deliver(draft, msgspec.structs.replace(to, address=_target(self._url, to.address)))

    async def aclose(self) -> None:
        """Close the threads."""
        await self._services.aclose()


def read_sms_service(url: str) -> str:
    """TOCSIN_SMS=SERVICE://… as it is. Raises NotConfigured with what is wrong, without the log-in."""
    try:
        target = parse_service(_target(url, "+17185550100"))
    except InvalidAddress:
        raise NotConfigured(
            "TOCSIN_SMS: Apprise can't use this URL with a phone number at its end; write smpp://…, https://SID:TOKEN@host, or compare it"
            " with the service's page on appriseit.com"
        ) from None
    if not takes_numbers(target):
        raise NotConfigured(
            f"TOCSIN_SMS: {target.partition(':')[0]}:// sends no text messages to phone numbers; name an SMS service of Apprise"
        )
    return url


def _target(url: str, number: str) -> str:
    place, mark, parameters = url.partition("?")
    return f"{place.rstrip('/')}/{number}{mark}{parameters}"
