"""Every setting: name, default and meaning in one table; read from the environment (TOCSIN_<NAME>), one TOML file, or the default."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from channels.receiver_url import ascii_url
from hub.errors import SettingsError


class Setting(msgspec.Struct, frozen=True):
    """One line of the table. `secret` values are never printed."""

    name: str
    default: str
    help: str
    secret: bool = False


SETTINGS = (
    Setting("data", "data", "Folder of the database, the keyring and the web push key."),
    Setting("database", "", "sqlite:///FILE or postgresql://user:pass@host/database; empty for tocsin.db in the data folder.", secret=True),
    Setting("redis", "", "redis://… through which several nodes hear each other and share rates; nothing is kept there.", secret=True),
    Setting("host", "127.0.0.1", "Address to listen on."),
    Setting("port", "8080", "Port to listen on; 0 for any free one."),
    Setting("public_url", "", "How people reach this hub, e.g. https://alerts.example.gov; empty for http://HOST:PORT."),
    Setting("senders", "2", "Sender processes of this node."),
    Setting("city", "nyc", "Whose places: nyc, or a folder of GeoJSON layers."),
    Setting("city_name", "New York City", "What the pages and messages call the city."),
    Setting("hub_name", "Tocsin", "What the pages and messages call this hub."),
    Setting("outbox", "", "1: a channel without a provider delivers to the outbox, counted as simulated."),
    Setting(
        "smtp",
        "",
        "smtp://user:pass@host:port or smtps://…; several with spaces between: the next takes over while one fails.",
        secret=True,
    ),
    Setting("mail_from", "", "Sender of e-mail; empty for alerts@ and the public host."),
    Setting("bounces", "", "Mailbox for mails that come back, e.g. bounces@alerts.example.gov, read by `tocsin bounces`; empty for none."),
    Setting(
        "sms",
        "",
        "smpp://user:pass@host:port, https://SID:TOKEN@host (Twilio's API), or an Apprise URL of an SMS service; several as for SMTP.",
        secret=True,
    ),
    Setting("sms_from", "", "Sender number or name of SMS; people can only reply to a number."),
    Setting("telegram_token", "", "The bot's token from @BotFather.", secret=True),
    Setting("telegram_api", "", "Base URL of a Bot API server; empty for Telegram's own."),
    Setting("telegram_webhook", "", "1: Telegram posts what people do to TOCSIN_PUBLIC_URL, instead of being asked for it."),
    Setting(
        "rates",
        "",
        "Hand-overs a second that providers allow all nodes together, e.g. sms=100, telegram=30, sms:2=10 for the second provider, and"
        " web_push/each=500 for each push origin; 0 for no limit.",
    ),
    Setting(
        "vapid_subject", "", "Contact for push services: mailto:name@host or https://host; empty for the e-mail sender, or the public host."
    ),
    Setting("webhook_hosts", "", "host[:port] list of webhook receivers that staff allow, separated by commas."),
    Setting("keyring", "", "The keyring as JSON, instead of the file in the data folder.", secret=True),
    Setting("trusted_proxies", "", "Addresses or networks whose X-Forwarded-For is believed, separated by commas."),
    Setting("allow_private", "", "1: private and loopback receivers are allowed; for tests and benchmarks."),
    Setting("sms_countries", "US", "Countries (ISO 3166) whose numbers may get SMS, separated by commas."),
    Setting("signup_limits", "on", "off: no limits on sign-up; for tests and benchmarks."),
    Setting(
        "geocoder",
        "",
        "Base URL of a geocoder with Nominatim's API, for street addresses; empty: places by ZIP, name and map only.",
        secret=True,
    ),
    Setting("tile_url", "", "Map tiles under our own polygons, e.g. https://tiles.example/{z}/{x}/{y}.png; empty for none."),
    Setting(
        "exit_url",
        "https://www.weather.gov/",
        "Where “Exit this page” leads from sign-up and settings: a page that tells nothing. Asked for only when somebody leaves.",
    ),
    Setting(
        "backup",
        "",
        "Folder that the running hub puts its backups into; empty for none. One node is enough; those that share it take turns.",
    ),
    Setting("backup_every", "6", "Hours between two backups."),
    Setting("backup_keep", "28", "How many backups are kept there; older ones are deleted."),
    Setting(
        "backup_passphrase", "", "What backups are wrapped with, at least 12 characters. Keep a copy away from this machine.", secret=True
    ),
    Setting("clock", "", "An RFC 3339 instant or a shift in seconds; refused outside --demo and tests."),
    Setting("testing", "", "1: this is a test, the clock may be set."),
    Setting("log_level", "info", "debug, info, warning or error."),
)

_BY_NAME = {setting.name: setting for setting in SETTINGS}
_PREFIX = "TOCSIN_"
_ON_OFF = ("on", "off")
_SPELT = frozenset(setting.name for setting in SETTINGS if setting.default in _ON_OFF)
"""Switches of which nothing at all is the default, and not off."""
_SPACED = frozenset({"smtp", "sms"})
"""Lists of URLs, which may hold commas."""
_OTHER_VARIABLES = frozenset({"TOCSIN_CONFIG", "TOCSIN_URL", "TOCSIN_TOKEN", "TOCSIN_CORPUS"})
"""No settings of a hub: the file of settings, what `tocsin publish` talks to, and where the tests' corpus is."""


class Settings:
    """The values in force and where each came from. Read as attributes: `settings.public_url`, always text."""

    def __init__(self, values: Mapping[str, str], origins: Mapping[str, str]) -> None:
        # A list that holds nothing but spaces, as of two empty variables, names no provider.
        self._values = {name: value.strip() if name in _SPACED else value for name, value in values.items()}
        self.origins = dict(origins)

    def __getattr__(self, name: str) -> str:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def flag(self, name: str) -> bool:
        """Whether a switch is on. Raises SettingsError for a word that is neither on nor off."""
        word = self._values[name].strip().lower()
        if word in {"1", "true", "yes", "on"}:
            return True
        if word in {"", "0", "false", "no", "off"}:
            return False
        raise SettingsError(f"TOCSIN_{name.upper()}: {word!r} is neither 1 nor 0")

    def number(self, name: str, low: int, high: int) -> int:
        """A whole number in a range. Raises SettingsError."""
        word = self._values[name].strip()
        if not re.fullmatch(r"[0-9]{1,9}", word) or not low <= int(word) <= high:
            raise SettingsError(f"TOCSIN_{name.upper()}: {word!r} is not a whole number from {low} to {high}")
        return int(word)

    def public_at(self, port: int | str) -> str:
        """How people reach a hub that listens there, in ASCII, since mails, links and the headers of browsers hold it."""
        return ascii_url(self.public_url.rstrip("/")) or f"http://{self.host}:{port}"

    def items(self, name: str) -> tuple[str, ...]:
        """A list separated by commas."""
        return tuple(part.strip() for part in self._values[name].split(",") if part.strip())

    def replace(self, origin: str, **changes: str) -> Settings:
        """A copy with some values set, for instance by the command line."""
        for name in changes:
            if name not in _BY_NAME:
                raise SettingsError(f"there is no setting {name!r}")
        return Settings(self._values | changes, self.origins | dict.fromkeys(changes, origin))


def load(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Gather all settings. `file` defaults to TOCSIN_CONFIG. Raises SettingsError for unknown names, with the nearest known one."""
    environ = os.environ if environ is None else environ
    if misspelt := unknown_variables(environ):
        raise SettingsError("\n".join(misspelt))
    file = file or (Path(environ["TOCSIN_CONFIG"]) if environ.get("TOCSIN_CONFIG") else None)
    written = _read_file(file) if file else {}
    values, origins = {}, {}
    for setting in SETTINGS:
        variable = f"TOCSIN_{setting.name.upper()}"
        if variable in environ:
            values[setting.name], origins[setting.name] = environ[variable], "environment"
        elif setting.name in written:
            values[setting.name], origins[setting.name] = written[setting.name], str(file)
        else:
            values[setting.name], origins[setting.name] = setting.default, "default"
    return Settings(values, origins)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like a setting and is none: a misspelt one would silently not count."""
    known = {*_OTHER_VARIABLES, *(f"{_PREFIX}{name.upper()}" for name in _BY_NAME)}
    unknown = sorted(name for name in environ if name.startswith(_PREFIX) and name not in known)
    return [f"{name}: there is no such setting; the nearest is {_nearest(name, known)}" for name in unknown]


def _nearest(name: str, known: Iterable[str]) -> str:
    return difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]


def _read_file(file: Path) -> dict[str, str]:
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{file}: line {line} holds the byte 0x{error.object[error.start]:02X}, so it is not UTF-8: save it as UTF-8"
        ) from None
    for name in table:
        if name not in _BY_NAME:
            # In the spelling of a variable it means the same, and only its letters tell what.
            meant = _nearest(name.lower().removeprefix(_PREFIX.lower()), _BY_NAME)
            raise SettingsError(f"{file}: there is no setting {name!r}; the nearest is {meant!r}")
    return {name: _text(value, " " if name in _SPACED else ",", _ON_OFF if name in _SPELT else ("1", "")) for name, value in table.items()}


def _text(value: Any, between: str, words: tuple[str, str]) -> str:
    if isinstance(value, bool):
        return words[0] if value else words[1]
    if isinstance(value, list):
        return between.join(str(item) for item in value)
    return str(value)
