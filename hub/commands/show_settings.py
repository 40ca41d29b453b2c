"""`tocsin settings`: every setting with its value and where it came from, and which values can't be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from sqlalchemy.exc import ArgumentError

from channels import catalog
from channels.addresses import parse_email
from channels.contract import InvalidAddress, NotConfigured
from channels.http_sms import read_api
from channels.receiver_url import origins
from channels.smpp_sms import read_smsc, read_source
from channels.smtp_email import read_server
from hub.clock import parse_clock
from hub.delivery.rate_limit import read_rates
from hub.errors import SettingsError
from hub.log import read_level
from hub.settings import SETTINGS, Setting, Settings
from hub.store.database import database_url
from hub.web.client_address import read_networks

Rule = Callable[[str], object]
"""Raises an error that says what is expected, for a value that can't be."""


class Expected(ValueError):
    """What a value must be; without the value."""


class Line(msgspec.Struct, frozen=True):
    """One setting as it is shown. `wrong` says what is expected instead, None when the value can be."""

    variable: str
    value: str
    origin: str
    meaning: str
    wrong: str | None


def lines(settings: Settings) -> list[Line]:
    """All settings in the order of the table; secrets only as being set."""
    return [_line(settings, setting) for setting in SETTINGS]


def _line(settings: Settings, setting: Setting) -> Line:
    value = getattr(settings, setting.name)
    variable = f"TOCSIN_{setting.name.upper()}"
    wrong = fault(settings, setting)
    # The column beside it names the variable already.
    said = wrong.removeprefix(f"{variable}: ") if wrong else None
    return Line(variable, "(set)" if setting.secret and value else value, settings.origins[setting.name], setting.help, said)


def fault(settings: Settings, setting: Setting) -> str | None:
    """What is wrong with a value; never with a secret in it."""
    name, value = setting.name, getattr(settings, setting.name)
    try:
        if name in NUMBERS:
            settings.number(name, *NUMBERS[name])
        elif name in SWITCHES:
            settings.flag(name)
        elif name == "rates":
            read_rates(value, catalog.provider_counts(settings))
        elif value and name in RULES:
            RULES[name](value)
    except SettingsError as error:
        return error.detail
    except (NotConfigured, InvalidAddress, Expected) as error:
        return str(error)
    except (ValueError, ArgumentError) as error:
        # The words of a library may quote the value.
        return "can't be read" if setting.secret else str(error)
    return None


def _url(*schemes: str, holding: tuple[str, ...] = ()) -> Rule:
    def rule(value: str) -> None:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname or not all(piece in value for piece in holding):
            raise Expected(
                f"expected {' or '.join(f'{scheme}://…' for scheme in schemes)}" + (f" with {' '.join(holding)}" * bool(holding))
            )
        _ = parts.port

    return rule


def _one_of(*words: str) -> Rule:
    def rule(value: str) -> None:
        if value.strip().lower() not in words:
            raise Expected(f"expected one of {', '.join(words)}")

    return rule


def _like(pattern: str, expected: str) -> Rule:
    def rule(value: str) -> None:
        if not re.fullmatch(pattern, value.strip()):
            raise Expected(f"expected {expected}")

    return rule


def _each(rule: Rule) -> Rule:
    """For a setting that may name several providers."""

    def each(value: str) -> None:
        for url in value.split():
            rule(url)

    return each


def _sms(value: str) -> None:
    scheme = urlsplit(value).scheme.lower()
    if scheme in {"smpp", "smpps"}:
        read_smsc(value)
    elif scheme in {"http", "https"}:
        read_api(value)
    elif not scheme:
        raise Expected("expected smpp://user:pass@host:port, https://SID:TOKEN@host, or the Apprise URL of an SMS service")


def _mailbox(value: str) -> None:
    local = parse_email(value).rpartition("@")[0]
    if "+" in local or len(local) > LONGEST_MAILBOX or not local.isascii():
        raise Expected(
            f"expected a mailbox of at most {LONGEST_MAILBOX} ASCII characters without a plus sign, such as bounces@alerts.example.gov"
        )


def _city(value: str) -> None:
    if value != "nyc" and not Path(value).is_dir():
        raise Expected("expected nyc, or a folder of GeoJSON layers")


def _hosts(value: str) -> None:
    for host in value.split(","):
        origins(host.strip())


def _keyring(value: str) -> None:
    try:
        msgspec.json.decode(value, type=dict[str, object])
    except msgspec.DecodeError:
        raise Expected("expected the JSON of a keyring.json") from None


LONGEST_MAILBOX = 39
"""Characters before the @, so that with a token of 24 behind a plus sign it keeps to the 64 of RFC 5321 §4.5.3.1.1."""
NUMBERS: Mapping[str, tuple[int, int]] = {"port": (0, 65535), "senders": (1, 64), "backup_every": (1, 8760), "backup_keep": (1, 10_000)}
SWITCHES = frozenset({"outbox", "allow_private", "telegram_webhook", "testing"})
RULES: Mapping[str, Rule] = {
    "database": lambda value: database_url(value, Path()),
    "redis": _url("redis", "rediss"),
    "public_url": _url("http", "https"),
    "city": _city,
    "smtp": _each(read_server),
    "mail_from": parse_email,
    "bounces": _mailbox,
    "sms": _each(_sms),
    "sms_from": read_source,
    "telegram_token": _like(r"\d+:[\w-]+", "the token that @BotFather gave, such as 123456789:AAF…"),
    "telegram_api": _url("http", "https"),
    "vapid_subject": _like(r"mailto:\S+@\S+|https://\S+", "mailto:name@example.org or https://…"),
    "keyring": _keyring,
    "webhook_hosts": _hosts,
    "trusted_proxies": lambda value: read_networks(tuple(item.strip() for item in value.split(",") if item.strip())),
    "sms_countries": _like(r"[A-Za-z]{2}(\s*,\s*[A-Za-z]{2})*\s*,?", "two letters for each country, separated by commas"),
    "signup_limits": _one_of("on", "off"),
    "tile_url": _url("http", "https", holding=("{z}", "{x}", "{y}")),
    "backup_passphrase": _like(r".{12,}", "at least 12 characters"),
    "clock": parse_clock,
    "log_level": read_level,
}
"""Setting → what its value must be when it has one."""
