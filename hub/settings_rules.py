"""What is wrong with the settings: the one list that `tocsin settings` and `tocsin check` show and `tocsin serve` refuses to start with.

A rule asks what will read the value later, so that neither is stricter than the other. Nothing outside is asked but for the folders that
settings name: whether a server answers is no property of a setting.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import phonenumbers
from redis.exceptions import RedisError
from sqlalchemy.exc import ArgumentError

from channels import catalog
from channels.contract import InvalidAddress, NotConfigured
from channels.mail_sender import default_sender, read_sender
from channels.receiver_url import ascii_url, origins
from channels.smpp_sms import read_source
from channels.smtp_email import read_server
from channels.telegram import read_token
from channels.vapid import Vapid, create_vapid_key, default_subject
from hub.backup.schedule import SHORTEST_PASSPHRASE
from hub.clock import parse_clock
from hub.data_folder import DEMO_MARK
from hub.delivery.rate_limit import read_rates
from hub.errors import SettingsError
from hub.log import read_level
from hub.settings import SETTINGS, Setting, Settings
from hub.signals import redis_at
from hub.store.database import database_url
from hub.web.client_address import read_networks
from subscriptions import folder_city
from subscriptions.errors import CityUnreadable, VaultError
from subscriptions.vault import Keyring

Rule = Callable[[str], object]
"""Raises an error that says what is expected, for a value that can't be."""


class Expected(ValueError):
    """What a value must be; without the value."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one setting, and how to mend it; never with a secret in it."""

    name: str
    said: str

    @property
    def left_out(self) -> bool:
        """Whether the hub starts all the same, as if it were not set: nobody waits in vain for a message then."""
        return self.name in DECORATIONS

    def __str__(self) -> str:
        return f"TOCSIN_{self.name.upper()}: {self.said}" + ("; it is left out until then" if self.left_out else "")


def in_force(settings: Settings, *, demo: bool) -> tuple[Settings, list[Fault]]:
    """What a hub may start with, and what was left out of it. Raises SettingsError with all faults at once when it may not."""
    found = faults(settings, demo=demo)
    if any(not fault.left_out for fault in found):
        raise SettingsError("\n".join(str(fault) for fault in found if not fault.left_out))
    defaults = {setting.name: setting.default for setting in SETTINGS}
    return settings.replace("left out", **{fault.name: defaults[fault.name] for fault in found}), found


def faults(settings: Settings, *, demo: bool = False) -> list[Fault]:
    """All that is wrong, in the order of the table. The folder of a demonstration is known as one."""
    demo = demo or _of_demonstration(Path(settings.data))
    return [
        Fault(setting.name, masked(_PREFIX.sub("", said)))
        for setting in SETTINGS
        if (said := _said(settings, setting, demo=demo)) is not None
    ]


def _of_demonstration(folder: Path) -> bool:
    try:
        return (folder / DEMO_MARK).exists()
    except PermissionError:
        return False


def masked(text: str) -> str:
    """A URL, or a sentence that quotes one, without the user and password that may stand in it."""
    return _LOG_IN.sub("//(set)@", text)


def _said(settings: Settings, setting: Setting, *, demo: bool) -> str | None:
    name, value = setting.name, getattr(settings, setting.name)
    try:
        if name in NUMBERS:
            settings.number(name, *NUMBERS[name])
        elif name in SWITCHES:
            settings.flag(name)
        elif name in TOGETHER:
            TOGETHER[name](settings)
        elif value and name in RULES:
            RULES[name](value)
            if name == "clock" and not demo:
                _keeps_real_time(settings)
    except SettingsError as error:
        return error.detail
    except (NotConfigured, InvalidAddress, Expected, CityUnreadable, VaultError) as error:
        return str(error)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    except (ValueError, ArgumentError) as error:
        # The words of a library may quote the value.
        return f"can't be read. It is: {setting.help}" if setting.secret else str(error)
    return None


def _url(*schemes: str, holding: tuple[str, ...] = (), bare: bool = False) -> Rule:
    """`bare`: a path may follow the host, and nothing else may stand in it."""
    expected = f"expected {' or '.join(f'{scheme}://…' for scheme in schemes)}"
    expected += f" with {' '.join(holding)}" * bool(holding) + " without spaces, a log-in, ? or #" * bare

    def rule(value: str) -> None:
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:  # whose words would quote the log-in
            raise Expected(f"{expected}, and a port from 1 to 65535 where one is named") from None
        more = bare and (parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", value))
        if parts.scheme not in schemes or not parts.hostname or more or not all(piece in value for piece in holding):
            raise Expected(expected)

    return rule


def _one_of(*words: str) -> Rule:
    def rule(value: str) -> None:
        if value.strip().lower() not in words:
            raise Expected(f"expected one of {', '.join(words)}")

    return rule


def _each(rule: Rule) -> Rule:
    """For a setting that may name several providers; one that can't be would end the others with it."""

    def each(value: str) -> None:
        urls = value.split()
        for place, url in enumerate(urls, 1):
            try:
                rule(url)
            except (NotConfigured, Expected) as error:
                raise Expected(_PREFIX.sub("", str(error)) + f" (number {place} of {len(urls)})" * (len(urls) > 1)) from None

    return each


def _sms_from(settings: Settings) -> None:
    """Each kind of provider reads it in its own way; an API's owner knows what names it takes."""
    schemes = {url.partition(":")[0].lower() for url in settings.sms.split()}
    if schemes & _HTTP and not settings.sms_from:
        raise Expected("TOCSIN_SMS names an https:// API, which needs the number, short code or messaging service (MG…) that it gave you")
    if schemes & _SMPP:
        read_source(settings.sms_from)


def _public_url(value: str) -> None:
    _url("http", "https", bare=True)(value)
    ascii_url(value)


def _mailbox(value: str) -> None:
    address = read_sender(value)[1]
    local = address.partition("@")[0]
    if value != address or "+" in local or len(local) > LONGEST_MAILBOX:
        raise Expected(
            f"expected a mailbox of at most {LONGEST_MAILBOX} ASCII characters without a plus sign, such as bounces@alerts.example.gov"
        )


def _redis(value: str) -> None:
    """What an option may be only a connection says, which is made here and not opened."""
    try:
        redis_at(value).connection_pool.make_connection()  # type: ignore[no-untyped-call]  # of redis-py
    except (TypeError, RedisError):
        raise Expected(
            "its options (behind the ?) hold one that this connection doesn't know or can't use: leave it out; those of TLS (ssl_…) are for"
            " rediss:// alone"
        ) from None


def _city(value: str) -> None:
    if value == "nyc":
        return
    if not Path(value).is_dir():
        raise Expected("expected nyc, or a folder of GeoJSON layers")
    folder_city.city(Path(value))


def _data(value: str) -> None:
    folder = Path(value).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise Expected(f"{there} is no folder: name one, or a place where it can be made")
    if not os.access(there, os.W_OK | os.X_OK):
        raise Expected(f"{there} can't be written to by this user: give it to them, or name another folder")


def _hosts(value: str) -> None:
    for host in filter(None, (part.strip() for part in value.split(","))):
        origins(host)


def _countries(value: str) -> None:
    for country in filter(None, (part.strip() for part in value.split(","))):
        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise Expected(
                f"{country!r} is no country of ISO 3166: expected two capital letters for each, separated by commas, such as US, CA"
            )


def _vapid_subject(settings: Settings) -> None:
    if settings.vapid_subject:
        Vapid(create_vapid_key(), settings.vapid_subject)
        return
    try:
        public_url = settings.public_at(settings.port)
        _, sender = read_sender(settings.mail_from or default_sender(public_url))
    except ValueError:  # which the rule of that setting says
        return
    default_subject(sender, public_url)


def _passphrase(settings: Settings) -> None:
    wanted = settings.backup or settings.backup_passphrase
    if wanted and len(settings.backup_passphrase.strip()) < SHORTEST_PASSPHRASE:
        raise Expected(f"expected at least {SHORTEST_PASSPHRASE} characters" + " for the backups in TOCSIN_BACKUP" * bool(settings.backup))


def _keeps_real_time(settings: Settings) -> None:
    if not settings.flag("testing"):
        raise Expected("a hub that warns people keeps real time: leave it out, since a set clock is for --demo and tests")


_LOG_IN = re.compile(r"//(?!user:pass@|SID:TOKEN@)[^/@\s]*@")
"""None of our own examples, which say how to write one."""
_PREFIX = re.compile(r"^TOCSIN_[A-Z_]+: ")
_SMPP, _HTTP = frozenset({"smpp", "smpps"}), frozenset({"http", "https"})
LONGEST_MAILBOX = 39
"""Characters before the @, so that with a token of 24 behind a plus sign it keeps to the 64 of RFC 5321 §4.5.3.1.1."""
NUMBERS: Mapping[str, tuple[int, int]] = {"port": (0, 65535), "senders": (1, 64), "backup_every": (1, 8760), "backup_keep": (1, 10_000)}
SWITCHES = frozenset({"outbox", "allow_private", "telegram_webhook", "testing"})
DECORATIONS = frozenset({"geocoder", "tile_url", "exit_url"})
"""Not worth a hub that does not start: without them addresses are given as a ZIP or on the map, the map has no streets, and “Exit this
page” leads where it does by default."""
RULES: Mapping[str, Rule] = {
    "data": _data,
    "database": lambda value: database_url(value, Path()),
    "redis": _redis,
    "public_url": _public_url,
    "smtp": _each(read_server),
    "mail_from": read_sender,
    "bounces": _mailbox,
    "sms": _each(catalog.read_sms),
    "telegram_token": read_token,
    "telegram_api": _url("http", "https"),
    "webhook_hosts": _hosts,
    "keyring": Keyring.from_bytes,
    "trusted_proxies": lambda value: read_networks(tuple(item.strip() for item in value.split(",") if item.strip())),
    "sms_countries": _countries,
    "signup_limits": _one_of("on", "off"),
    "geocoder": _url("http", "https"),
    "tile_url": _url("http", "https", holding=("{z}", "{x}", "{y}")),
    "exit_url": _url("http", "https"),
    "clock": parse_clock,
    "log_level": read_level,
}
"""Setting → what its value must be when it has one."""
TOGETHER: Mapping[str, Callable[[Settings], object]] = {
    "city": lambda settings: _city(settings.city),
    "sms_from": _sms_from,
    "vapid_subject": _vapid_subject,
    "rates": lambda settings: read_rates(settings.rates, catalog.provider_counts(settings)),
    "backup_passphrase": _passphrase,
}
"""Setting → what it must be beside others, or also when it is empty."""
