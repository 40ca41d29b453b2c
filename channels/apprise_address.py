"""Which Apprise URLs are addresses: any for staff, few for residents.

Residents may use only services that (1) live at fixed hosts, so that nobody makes the hub call an inside machine, (2) reach an app
or a chat and no phone number or mailbox, which could be a stranger's (S25), (3) need no password of the person's account, and
(4) are named below. The first three are computed from Apprise's own descriptions, so that a service that changes drops out; the
fourth keeps new ones out until someone has looked. Parameters (``?…``) are refused from residents, since some of them name files,
other receivers or other hosts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import apprise
from apprise.manager_plugins import NotificationManager

from channels import apprise_failures
from channels.contract import InvalidAddress

RESIDENT_SERVICES = frozenset(
    {
        "chanify",  # Chanify, on a phone
        "cliq",  # Zoho Cliq
        "discord",
        "feishu",
        "gchat",  # Google Chat
        "groupme",
        "guilded",
        "ifttt",
        "join",
        "kook",
        "lark",
        "lauther",
        "notifiarr",
        "pover",  # Pushover
        "prowl",
        "push",  # Techulus Push
        "pushme",
        "pushy",
        "qq",
        "revolt",
        "ryver",
        "schan",  # ServerChan
        "signalgrid",
        "spugpush",
        "stackfield",
        "webex",  # Cisco Webex
        "wecombot",
        "wxteams",  # Cisco Webex, its old name
        "youlmk",
        "zalo",
        "zcliq",
        "zohocliq",
        "zoom",
    }
)

ASSET = apprise.AppriseAsset(
    app_id="Tocsin",
    app_desc="Tocsin alerts",
    app_url="",
    async_mode=False,
    http_redirects=False,
    secure_logging=True,
    storage_mode="memory",
    service_timeout=0,
    allow_templates=False,
)
"""Without a service timeout of Apprise's own, it works in the thread that calls it and not in its pool of few.
Nothing is kept on disk, redirects are not followed, and ``${NAME}`` in a URL is not looked up in the hub's environment."""

_PLUGINS = NotificationManager()  # type: ignore[no-untyped-call]  # Apprise leaves this one untyped
_SCHEME = re.compile(r"[a-z0-9]+", re.ASCII)
_OWN_GATEWAYS = frozenset({"json", "jsons", "form", "forms", "xml", "xmls"})
_LONGEST_URL = 2000
_REACHES_OTHERS = re.compile(r"phone|email|contact|short_?code|callsign")
_HOLDS_A_LOG_IN = re.compile(r"^user$|password|^email$|keyfile|subfile")

apprise_failures.listen()


def parse_service(raw: str) -> str:
    """Any address that Apprise can use, for staff. Raises InvalidAddress.

    Canonical is: no spaces around it, the scheme in lower case, no slash at the end; the rest as it was written.
    """
    scheme, url = _read(raw)
    if scheme in {"http", "https"}:
        return _from_native(url)
    if _plugin(url) is None:
        raise InvalidAddress("Apprise can't use this address; compare it with the service's page on appriseit.com")
    return url


def parse_resident(raw: str, *, allow_private: bool = False) -> str:
    """An address that a stranger may enter. With `allow_private`, any service on this machine too. Raises InvalidAddress."""
    scheme, url = _read(raw)
    if allow_private and _is_here(url):
        return parse_service(url)
    if scheme in {"http", "https"}:
        url = parse_service(url)
        scheme = url.partition(":")[0]
    if scheme not in resident_schemes():
        raise InvalidAddress(f"this service can't be used here; you can use {', '.join(sorted(resident_schemes()))}")
    if "?" in url or "#" in url:
        raise InvalidAddress("leave off everything from ? or # on; parameters are not taken")
    return parse_service(url)


@cache
def resident_schemes() -> frozenset[str]:
    """The schemes of services that residents may use."""
    return RESIDENT_SERVICES & harmless_schemes()


@cache
def harmless_schemes() -> frozenset[str]:
    """Schemes of all services that keep rules (1) to (3), read from Apprise's descriptions."""
    services = apprise.Apprise(asset=ASSET).details()["schemas"]
    return frozenset(scheme for service in services if _is_harmless(service["details"]) for scheme in _schemes(service))


def open_service(url: str) -> apprise.NotifyBase | None:
    """Apprise's own object for an address, None when it can't be one. New for each use: it holds state of its last message."""
    return _plugin(url)


def takes_numbers(url: str) -> bool:
    """Whether a number at the end of the URL is a phone that gets a text message, or something that one's own gateway finds in its path."""
    scheme = url.partition(":")[0]
    tokens: Mapping[str, Mapping[str, Any]] = _PLUGINS[scheme].template_tokens
    return scheme in _OWN_GATEWAYS or any(
        about.get("map_to") == "targets" and "phone" in f"{token} {about.get('name', '')}".lower() for token, about in tokens.items()
    )


def service_of(url: str) -> str:
    """Who answers for an address: the service, by its scheme, or the host where the service is one that people run themselves."""
    scheme = url.partition(":")[0]
    return f"{scheme}://{urlsplit(url).netloc.rpartition('@')[2]}" if _has_own_hosts(scheme) else scheme


def load_services() -> None:
    """Read what services there are: a tenth of a second, and else a part of the first question about one."""
    _has_own_hosts("json")


@cache
def _has_own_hosts(scheme: str) -> bool:
    return scheme in _PLUGINS and any("{host" in template for template in _PLUGINS[scheme].templates)


def _is_harmless(details: Mapping[str, Any]) -> bool:
    tokens, templates = details["tokens"], " ".join(details["templates"])
    return not (
        "host" in tokens
        or "{host" in templates
        or any(_REACHES_OTHERS.search(name) or _HOLDS_A_LOG_IN.search(name) for name in tokens)
        or set(tokens) == {"schema"}
    )


def _schemes(service: Mapping[str, Any]) -> list[str]:
    return [*(service["protocols"] or ()), *(service["secure_protocols"] or ())]


def _read(raw: str) -> tuple[str, str]:
    """The scheme and the URL with its scheme in lower case."""
    scheme, mark, rest = raw.strip().partition("://")
    scheme = scheme.lower()
    if not mark or not _SCHEME.fullmatch(scheme) or not rest.strip("/"):
        raise InvalidAddress("write the address as Apprise does, for instance discord://webhook_id/webhook_token")
    if len(raw) > _LONGEST_URL or re.search(r"[\x00-\x20\x7f]|\$\{", rest):
        raise InvalidAddress(f"an Apprise address has at most {_LONGEST_URL} characters, and no spaces or ${{…}} in it")
    return scheme, f"{scheme}://{rest if '?' in rest else rest.rstrip('/')}"


def _from_native(url: str) -> str:
    """Some services give people a web address (Discord's webhooks); Apprise knows which service it belongs to."""
    plugin = _plugin(url)
    if plugin is None or plugin.schema in {"http", "https", "json", "jsons", "form", "forms", "xml", "xmls"}:
        raise InvalidAddress("no service of Apprise gives out such a web address; for a receiver of your own choose webhook")
    own = str(plugin.url(privacy=False))  # type: ignore[no-untyped-call]  # Apprise leaves this one untyped
    return own.partition("?")[0].rstrip("/")


def _plugin(url: str) -> apprise.NotifyBase | None:
    plugin: apprise.NotifyBase | None = apprise.Apprise.instantiate(url, asset=ASSET)
    return plugin


def _is_here(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
