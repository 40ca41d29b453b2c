"""The table of channels: what each is called, where its adapter is, and which setting is its provider.

Adapters load when they are first needed: Apprise alone costs hundreds of modules and a second, and most processes never use it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal, cast

import msgspec
from yarl import URL

from channels.contract import Channel, ChannelSettings, InvalidAddress, NotConfigured, Rejected
from channels.failover import Failover
from channels.outbox import Outbox

Via = Literal["real", "outbox", "none"]


class Kind(msgspec.Struct, frozen=True):
    """One line of the table.

    `adapter` and `parser` are ``module:name``; the parser's module is light to load. `setting` is the field of ChannelSettings that
    names the provider, None when the channel needs none.
    """

    adapter: str
    parser: str
    setting: str | None
    description: str
    per_second: float | None = None
    """Hand-overs a second that the provider allows this hub in total; the adapter's `limits` say the same."""
    per_second_each: float | None = None
    """Messages a second that each receiver takes; likewise."""


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "web_push": Kind(
            "channels.web_push:WebPush",
            "channels.push_subscription:parse_subscription",
            None,
            "Notifications in a browser or an installed page (RFC 8030), encrypted to it.",
        ),
        "email": Kind("channels.smtp_email:SmtpEmail", "channels.addresses:parse_email", "smtp", "E-mail through an SMTP server."),
        "sms": Kind(
            "channels.smpp_sms:SmppSms",
            "channels.addresses:parse_phone",
            "sms",
            "SMS over SMPP 3.4, by a Twilio-compatible API, or by an SMS service of Apprise.",
        ),
        "telegram": Kind(
            "channels.telegram:Telegram",
            "channels.addresses:parse_chat",
            "telegram_token",
            "Messages of the hub's own Telegram bot.",
            30.0,
            1.0,
        ),
        "apprise": Kind(
            "channels.apprise_services:AppriseServices",
            "channels.apprise_address:parse_service",
            None,
            "Any of the services that Apprise speaks to, by its URL.",
        ),
        "webhook": Kind(
            "channels.webhook:Webhook", "channels.receiver_url:parse_webhook", None, "A signed POST to a URL (Standard Webhooks)."
        ),
    }
)

_APPRISE_SMS = "channels.apprise_sms:AppriseSms"
_SMS_ADAPTERS = dict.fromkeys(("smpp", "smpps"), KINDS["sms"].adapter) | dict.fromkeys(("http", "https"), "channels.http_sms:HttpSms")
"""By the scheme of TOCSIN_SMS; every other one is Apprise's."""
_SMS_READERS = {
    KINDS["sms"].adapter: "channels.smpp_sms:read_smsc",
    "channels.http_sms:HttpSms": "channels.http_sms:read_api",
    _APPRISE_SMS: "channels.apprise_sms:read_sms_service",
}
_GUARDED = frozenset({"email", "sms", "telegram"})
"""All messages go to the hub's own providers, so that one which fails is left alone and the next takes over."""
HOSTED = frozenset({"web_push", "webhook"})
"""Many people's addresses may be on one host, which has one rate: what `contract.Hosted` says, without loading an adapter."""
_HEAVY = frozenset({"apprise"})
"""A second and many megabytes to load: only a process that uses it pays."""


def open_channel(name: str, settings: ChannelSettings, clock: Callable[[], float] = time.time) -> Channel:
    """The adapter, loaded now; with several providers, all of them as one. Raises NotConfigured, KeyError for an unknown name."""
    opened: list[Channel] = [_load(_adapter(name, own))(own, clock) for own in _each_provider(name, settings)]
    # A class can't say its name before it knows its providers, so this one says it as an object.
    return cast("Channel", Failover(opened)) if name in _GUARDED else opened[0]


def _each_provider(name: str, settings: ChannelSettings) -> tuple[ChannelSettings, ...]:
    """The settings once for each provider that they name, most preferred first."""
    setting = KINDS[name].setting
    urls = (getattr(settings, setting) or "").split() if setting else []
    return tuple(msgspec.structs.replace(settings, **{setting: url}) for url in urls) if setting and urls else (settings,)


def _adapter(name: str, settings: ChannelSettings) -> str:
    if name != "sms" or not settings.sms:
        return KINDS[name].adapter
    return _sms_adapter(settings.sms)


def _sms_adapter(url: str) -> str:
    return _SMS_ADAPTERS.get(url.partition(":")[0].lower(), _APPRISE_SMS)


def read_sms(url: str) -> None:
    """Ask the adapter that one URL of TOCSIN_SMS belongs to whether it can read it. Raises NotConfigured."""
    _load(_SMS_READERS[_sms_adapter(url)])(url)


def provider_counts(settings: object) -> dict[str, int]:
    """Channel → how many providers the settings (ChannelSettings, or any with fields of the same names) name for it."""
    return {name: len((getattr(settings, kind.setting) or "").split()) if kind.setting else 0 for name, kind in KINDS.items()}


def open_outbox(name: str, settings: ChannelSettings, clock: Callable[[], float] = time.time) -> Outbox:
    """What keeps this channel's messages instead of sending them."""
    return Outbox(name, settings, clock)


def provider_for(name: str, settings: ChannelSettings, simulated: bool) -> Via:
    """Where a message goes. A sample person's goes to the outbox and nowhere else."""
    setting = KINDS[name].setting
    if simulated:
        return "outbox"
    if setting is None or getattr(settings, setting):
        return "real"
    return "outbox" if settings.outbox else "none"


def open_for(name: str, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, simulated: bool = False) -> Channel:
    """The adapter or the outbox, as `provider_for` says. Raises NotConfigured when it is neither."""
    via = provider_for(name, settings, simulated)
    if via == "none":
        raise NotConfigured(f"{name} has no provider: set TOCSIN_{(KINDS[name].setting or '').upper()}, or TOCSIN_OUTBOX=1 to try it out")
    return open_channel(name, settings, clock) if via == "real" else open_outbox(name, settings, clock)


def available(settings: ChannelSettings) -> frozenset[str]:
    """Channels that residents can be offered."""
    return frozenset(name for name in KINDS if provider_for(name, settings, simulated=False) != "none")


def per_second(name: str) -> float | None:
    """Hand-overs a second that the channel's provider allows this hub in total, None for no limit."""
    return KINDS[name].per_second


def per_second_each(name: str) -> float | None:
    """Messages a second that each of the channel's receivers takes, None for no limit."""
    return KINDS[name].per_second_each


def parse_address(name: str, raw: str) -> str:
    """The canonical form of an address that staff vouch for. Raises InvalidAddress, KeyError for an unknown channel."""
    canonical: str = _load(KINDS[name].parser)(raw)
    return canonical


def parsers() -> dict[str, Callable[[str], str]]:
    """Channel → reader of addresses that staff vouch for, for instance an imported list; each raises InvalidAddress."""
    return {name: partial(parse_address, name) for name in KINDS}


def resident_parsers(settings: ChannelSettings) -> dict[str, Callable[[str], str]]:
    """Channel → reader of addresses that a stranger typed: as `parsers`, and Apprise only for the services that residents may use."""

    def parse_apprise(raw: str) -> str:
        canonical: str = _load("channels.apprise_address:parse_resident")(raw, allow_private=settings.allow_private)
        return canonical

    def parse_webhook(raw: str) -> str:
        canonical = parse_address("webhook", raw)
        _reachable(canonical, settings)
        return canonical

    def parse_push(raw: str) -> str:
        canonical = parse_address("web_push", raw)
        _reachable(_load("channels.push_subscription:read_subscription")(canonical).endpoint, settings)
        return canonical

    return parsers() | {"apprise": parse_apprise, "webhook": parse_webhook, "web_push": parse_push}


def _reachable(url: str, settings: ChannelSettings) -> None:
    """Refuse at sign-up what delivery would refuse, so that nobody waits for a message that can't come."""
    if {URL(url).host, URL(url).authority} & set(settings.webhook_hosts):
        return
    try:
        _load("channels.safe_resolver:check_target")(URL(url), allow_private=settings.allow_private)
    except Rejected as error:
        raise InvalidAddress(error.reason) from None


def load(name: str, settings: ChannelSettings) -> None:
    """Load what `open_channel` will need. It can take seconds: for a thread of a process that has other work."""
    for own in _each_provider(name, settings):
        _load(_adapter(name, own))


def preload(settings: ChannelSettings) -> None:
    """Load the adapters that this hub will surely need, so that its first alert does not wait for them; never the heavy one."""
    for name in KINDS:
        if name not in _HEAVY and provider_for(name, settings, simulated=False) == "real":
            load(name, settings)


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
