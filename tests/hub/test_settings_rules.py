"""What can't be is one list: `tocsin settings` and `tocsin check` show it, and `tocsin serve` starts with nothing that is on it."""

from __future__ import annotations

import json
import re
import shlex
import signal
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from channels import catalog
from channels.mime import compose
from channels.vapid import create_vapid_key
from hub.commands.check import examine
from hub.commands.show_settings import lines
from hub.data_folder import DEMO_MARK, held
from hub.errors import SettingsError
from hub.settings import SETTINGS, Settings, load
from hub.settings_rules import DECORATIONS, SWITCHES, faults, in_force
from hub.wiring import channel_settings
from subscriptions.vault import Keyring
from tests.channels.test_smtp_email import message, person
from tests.faults.node_process import HubProcess
from tests.warm import tocsin

MAIL, SPARE = "smtp://mail.example.org", "smtp://user:pass@spare.example.org:587"
API = "https://AC1:token@api.twilio.com"
RING = Keyring.generate()
ROOT = Path(__file__).parents[2]

CANNOT_BE: list[dict[str, str]] = [
    {"port": "abc"},
    {"port": "70000"},
    {"port": "8" * 5000},
    {"port": "٨٠٨٠"},
    {"senders": "0"},
    {"outbox": "maybe"},
    {"allow_private": "2"},
    {"telegram_webhook": "maybe"},
    {"testing": "x"},
    {"signup_limits": "0"},
    {"public_url": "alerts.example.gov"},
    {"public_url": "ftp://alerts.example.gov"},
    {"public_url": "https://a b"},
    {"public_url": "https://alerts.example.gov/?x=1"},
    {"public_url": "https://user:pass@alerts.example.gov"},
    {"public_url": "https://alerts.example.gov:99999"},
    {"public_url": "https://a\u0378b.example.gov"},
    {"database": "mysql://h/d"},
    {"database": "no database"},
    {"redis": "localhost:6379"},
    {"redis": "redis://h:99999"},
    {"redis": "redis://h/0?ssl_cert_reqs=none"},
    {"redis": "redis://h/0?foo=1"},
    {"redis": "rediss://h/0?ssl_cert_reqs=perhaps"},
    {"redis": "redis://h/0?protocol=9"},
    {"redis": "redis://h/0?protocol=three"},
    {"city": "no-such-folder"},
    {"city": "."},
    {"city": ""},
    {"data": "/dev/null"},
    {"data": "/dev/null/below"},
    {"smtp": "mail.example.org:25"},
    {"smtp": "smtp://u:p@h:99999"},
    {"smtp": "smtp://h:0"},
    {"smtp": "smtp://[h"},
    {"smtp": "smtp://h,smtp://g"},
    {"smtp": f"{MAIL} relay.example.net"},
    {"smtp": f"{MAIL} smtp://h?starttls=maybe"},
    {"mail_from": "nobody"},
    {"mail_from": "näme@example.org"},
    {"mail_from": "name@a\u0378b.example.org"},
    {"mail_from": "City@Night <alerts@city.gov>"},
    {"mail_from": "City:Night <alerts@city.gov>"},
    {"mail_from": "City, Night <alerts@city.gov>"},
    {"mail_from": "a b <x@city.gov> <alerts@city.gov>"},
    {"mail_from": "alerts@city.gov, night@city.gov"},
    {"bounces": "a+b@example.org"},
    {"bounces": "bounces@exämple.gov"},
    {"bounces": "Bounces <bounces@example.org>"},
    {"sms": "twilio"},
    {"sms": "nosuch://x"},
    {"sms": "mailto://u:p@example.com"},
    {"sms": "https://sms.example.org", "sms_from": "+17185550100"},
    {"sms": "smpp://host-without-user"},
    {"sms": "smpp://user:waytoolongpassword@h:2775"},
    {"sms": "smpp://user:pass@h:99999"},
    {"sms": "smpp://user:pass@sms.example.org nosuch://x"},
    {"sms_from": "much too long a name", "sms": "smpp://user:pass@sms.example.org"},
    {"sms_from": "", "sms": API},
    {"sms_from": "MG42" * 4, "sms": f"{API} smpp://user:pass@sms.example.org"},
    {"telegram_token": "secret"},
    {"telegram_token": " 1:x"},
    {"telegram_api": "api.example.org"},
    {"rates": "sms"},
    {"rates": "email:2=5", "smtp": MAIL},
    {"vapid_subject": "nobody"},
    {"vapid_subject": "https://a.gov/contact"},
    {"vapid_subject": "", "public_url": "https://alerts"},
    {"vapid_subject": "", "public_url": "https://alerts", "mail_from": "tocsin@mailhost"},
    {"webhook_hosts": "receiver.example.org,a b"},
    {"webhook_hosts": "10.0.0.0/8"},
    {"webhook_hosts": "receiver.example.org/"},
    {"webhook_hosts": "receiver.example.org?x=1"},
    {"keyring": "{"},
    {"keyring": "{}"},
    {"trusted_proxies": "10.0.0.0/8, proxy"},
    {"sms_countries": "USA"},
    {"sms_countries": "XX"},
    {"sms_countries": "us"},
    {"backup_passphrase": "", "backup": "backups"},
    {"backup_passphrase": "short", "backup": "backups"},
    {"backup_passphrase": "short"},
    {"backup_passphrase": " " * 12},
    {"backup_every": "0.5"},
    {"clock": "noon"},
    {"clock": "+3600"},
    {"log_level": "loud"},
]
"""The first of each is what is wrong; the others are what it stands beside."""
LEFT_OUT: list[dict[str, str]] = [
    {"geocoder": "nominatim"},
    {"geocoder": "ftp://geo.example.org"},
    {"tile_url": "https://tiles.example/{z}.png"},
    {"exit_url": "javascript:alert(1)"},
    {"exit_url": "weather"},
]
CAN_BE: list[dict[str, str]] = [
    {},
    {"port": "0", "senders": "64", "log_level": "WARNING", "outbox": "yes"},
    {"public_url": "https://alerts.example.gov/"},
    {"public_url": "http://[::1]:8080/alerts"},
    {"public_url": "https://alerts.exämple.gov:8443/wärnung"},
    {"database": "sqlite:///data/tocsin.db"},
    {"database": "postgresql://user:pass@127.0.0.1:1/tocsin"},
    {"redis": "redis://:pass@localhost:6379/0"},
    {"redis": "unix:///run/redis.sock"},
    {"redis": "rediss://h/0?ssl_cert_reqs=none&health_check_interval=30"},
    {"data": "not/yet/there"},
    {"smtp": f"{MAIL}\n {SPARE} smtps://two.example.org", "rates": "email=100,email:2=5"},
    {"mail_from": '"City@Night, \\"24 h\\"" <alerts@city.gov>'},
    {"mail_from": "Stadt Zürich (Alarm) <alarm@zürich.example>"},
    {"mail_from": "City Alerts <alerts@city.internal>", "bounces": "bounces@city.internal"},
    {"sms": "smpp://user:pass@sms.example.org:2775", "sms_from": "Tocsin"},
    {"sms": "smpp://user:pass@sms.example.org:2775"},
    {"sms": API, "sms_from": "MG" + "0" * 32},
    {"sms": f"{API} smpps://user:pass@sms.example.org", "sms_from": "+17185550100"},
    {"sms": "seven://apikey"},
    {"sms": "seven://apikey", "sms_from": "Metropolitan Alerts"},
    {"sms": "", "sms_from": "MG" + "0" * 32},
    {"sms": "jsons://user:pass@gateway.example.org/sms"},
    {"telegram_token": "123456789:AAF-x_y", "telegram_api": "http://127.0.0.1:8081"},
    {"vapid_subject": "mailto:alerts@example.org"},
    {"vapid_subject": "https://a.gov"},
    {"vapid_subject": "", "public_url": "http://tocsin:8080"},
    {"vapid_subject": "", "public_url": "http://[::1]:8080"},
    {"vapid_subject": "", "public_url": "https://alerts.example.gov", "mail_from": "tocsin@mailhost"},
    {"vapid_subject": "", "public_url": "https://alerts", "mail_from": "tocsin@example.gov"},
    {"webhook_hosts": "receiver.example.org, localhost:9000,"},
    {"keyring": RING.to_bytes().decode()},
    {"trusted_proxies": "10.0.0.0/8, ::1"},
    {"sms_countries": "US, CA,"},
    {"sms_countries": ""},
    {"signup_limits": "off"},
    {"geocoder": "https://geo.example.org/nominatim"},
    {"tile_url": "https://tiles.example/{z}/{x}/{y}.png?key=1"},
    {"exit_url": "http://news.example.org"},
    {"exit_url": ""},
    {"backup": "backups", "backup_passphrase": "seven quiet harbour words"},
    {"clock": "+3600", "testing": "1"},
]


def set_to(**values: str) -> Settings:
    return load(environ={}).replace("test", **values)


def shown_wrong(settings: Settings) -> list[str]:
    return [line.variable.removeprefix("TOCSIN_").lower() for line in lines(settings) if line.wrong]


async def found_wrong(settings: Settings) -> list[str]:
    """By `tocsin check`; what it says of other things than settings is left off."""
    told = [finding.what.split()[1] for finding in await examine(settings) if finding.what.startswith("setting ") and not finding.fine]
    return [variable.removeprefix("TOCSIN_").removesuffix(":").lower() for variable in told]


def refused(settings: Settings) -> list[str]:
    try:
        in_force(settings, demo=False)
    except SettingsError as error:
        return [line.partition(":")[0].removeprefix("TOCSIN_").lower() for line in error.detail.splitlines()]
    return []


def brief(values: dict[str, str]) -> str:
    return ",".join(f"{name}={'…' if name == 'keyring' else value[:50]}" for name, value in values.items())


@pytest.mark.parametrize("values", CANNOT_BE, ids=brief)
async def test_what_is_wrong_is_said_by_all_three(values: dict[str, str], tmp_path: Path) -> None:
    settings = set_to(**({"data": str(tmp_path)} | values))
    (name, *_) = values
    assert shown_wrong(settings) == [name]
    assert await found_wrong(settings) == [name]
    assert refused(settings) == [name]


@pytest.mark.parametrize("values", CAN_BE, ids=brief)
async def test_what_is_right_is_said_by_all_three(values: dict[str, str], tmp_path: Path) -> None:
    settings = set_to(**({"data": str(tmp_path)} | values))
    assert (shown_wrong(settings), await found_wrong(settings), refused(settings)) == ([], [], [])
    assert in_force(settings, demo=False)[1] == []


@pytest.mark.parametrize("values", LEFT_OUT, ids=brief)
async def test_a_decoration_that_cannot_be_is_named_and_left_out(values: dict[str, str], tmp_path: Path) -> None:
    settings = set_to(data=str(tmp_path), **values)
    (name,) = values
    assert (shown_wrong(settings), await found_wrong(settings), refused(settings)) == ([], [], [])
    assert [line.variable for line in lines(settings) if line.fault] == [f"TOCSIN_{name.upper()}"]
    assert any(finding.what.startswith(f"setting TOCSIN_{name.upper()}: ") for finding in await examine(settings))
    started, left_out = in_force(settings, demo=False)
    assert [fault.name for fault in left_out] == [name]
    assert getattr(started, name) == getattr(load(environ={}), name)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{file.name}" for file in sorted((ROOT / "docs").glob("*.md")))])
def test_a_hub_starts_with_what_the_documentation_shows(page: str) -> None:
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
        words = [word for line in re.findall(r"^export (.+)$", block, re.MULTILINE) for word in shlex.split(line)]
        known = {setting.name for setting in SETTINGS} - {"data"}  # a folder of another machine
        shown = {name: value for name, _, value in (word.removeprefix("TOCSIN_").partition("=") for word in words)}
        assert faults(set_to(**{name.lower(): value for name, value in shown.items() if name.lower() in known})) == []


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("database", "mysql://u:hunter2@h/d", "postgresql://user:pass@host/database"),
        ("smtp", "u:hunter2@mail.example.org:25", "write smtp://user:pass@host:port"),
        ("sms", "smpp://:hunter2@h", "write smpp://user:pass@host:port"),
        ("sms", "https://hunter2@h", "write https://SID:TOKEN@host"),
    ],
)
def test_how_to_write_it_is_shown_whole(name: str, value: str, shown: str) -> None:
    said = next(fault.said for fault in faults(set_to(**{name: value})) if fault.name == name)
    assert shown in said
    assert "hunter2" not in said


def test_every_rule_of_a_setting_has_a_value_that_it_refuses() -> None:
    tried = {next(iter(values)) for values in CANNOT_BE + LEFT_OUT}
    free = {"host", "city_name", "hub_name", "backup", "backup_keep"}
    assert {setting.name for setting in SETTINGS} - tried == free
    assert {next(iter(values)) for values in LEFT_OUT} == DECORATIONS


CHANNELS = {"email": {"smtp", "mail_from"}, "sms": {"sms", "sms_from"}, "telegram": {"telegram_token"}, "web_push": {"vapid_subject"}}


@pytest.mark.parametrize(
    ("channel", "values"),
    [(channel, values) for channel, names in CHANNELS.items() for values in CAN_BE if names & set(values)],
    ids=lambda value: value if isinstance(value, str) else brief(value),
)
async def test_what_the_rules_let_pass_opens_its_channel(channel: str, values: dict[str, str]) -> None:
    settings = set_to(**values)
    told = channel_settings(settings, settings.public_at(8080), RING, create_vapid_key(), outbox=False)
    if catalog.provider_for(channel, told, simulated=False) == "real":
        await catalog.open_channel(channel, told).aclose()


SENT_FROM = {
    '"City@Night, \\"24 h\\"" <alerts@city.gov>': ('City@Night, "24 h"', "alerts@city.gov"),
    "Stadt Zürich (Alarm) <alarm@zürich.example>": ("Stadt Zürich (Alarm)", "alarm@xn--zrich-kva.example"),
    "City Alerts <alerts@city.internal>": ("City Alerts", "alerts@city.internal"),
}


@pytest.mark.parametrize("values", [values for values in CAN_BE if {"mail_from", "public_url"} & set(values)], ids=brief)
def test_what_the_rules_let_pass_is_the_one_sender_of_a_mail_and_stands_in_ascii(values: dict[str, str]) -> None:
    settings = set_to(**values)
    told = channel_settings(settings, settings.public_at(8080), RING, "", outbox=False)
    assert settings.public_at(8080).isascii()
    mail = compose(message(), told.mail_from)
    (author,) = message_from_bytes(mail.stamp(person()), policy=default)["From"].addresses
    assert (author.display_name, author.addr_spec) == SENT_FROM.get(settings.mail_from, ("", mail.sender))


@pytest.mark.parametrize(("name", "channel"), [("smtp", "email"), ("sms", "sms")])
async def test_a_list_of_providers_that_holds_only_spaces_names_none(name: str, channel: str, tmp_path: Path) -> None:
    (tmp_path / "tocsin.toml").write_text(f'{name} = [" ", ""]\n')
    for settings in (set_to(**{name: " \n "}), load(environ={f"TOCSIN_{name.upper()}": " "}), load(tmp_path / "tocsin.toml", environ={})):
        told = channel_settings(settings, "https://alerts.example.gov", RING, "", outbox=False)
        assert channel not in catalog.available(told)
        found = [finding.what for finding in await examine(settings.replace("test", data=str(tmp_path)))]
        assert f"channel {channel}: not configured: set TOCSIN_{name.upper()}" in found


async def test_a_hub_names_all_that_is_wrong_before_it_writes_anything(tmp_path: Path) -> None:
    data = tmp_path / "data"
    wrong = {"TOCSIN_SMTP": f"{MAIL} smtp://u:hunter2@h?starttls=maybe", "TOCSIN_SMS": "twilio", "TOCSIN_REDIS": "127.0.0.1"}
    started = await tocsin("serve", "--data", data, **wrong)
    assert (started.code, started.out) == (1, "")
    named = [line.removeprefix("tocsin: ").partition(":")[0] for line in started.err.splitlines()]
    assert named == ["TOCSIN_REDIS", "TOCSIN_SMTP", "TOCSIN_SMS"]
    assert "?starttls=never, for smtp:// alone (number 2 of 2)" in started.err
    assert "hunter2" not in started.err
    assert not data.exists()
    looked = await tocsin("check", "--data", data, **wrong)
    assert looked.code == 1
    assert [line.split(":")[0] for line in looked.out.splitlines() if line.startswith("wrong setting")] == [
        f"wrong setting {name}" for name in named
    ]


async def test_a_hub_starts_without_a_decoration_and_says_so(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "data", log=tmp_path / "log", tile_url="https://tiles.example/{z}.png", outbox="1")
    await hub.start()
    assert await hub.end(signal.SIGTERM) == 0
    (told,) = [told for told in map(json.loads, (tmp_path / "log").read_text().splitlines()) if told["event"] == "setting_left_out"]
    assert (told["setting"], told["reason"]) == ("TOCSIN_TILE_URL", "expected http://… or https://… with {z} {x} {y}")


def test_a_demonstration_may_have_a_clock_of_its_own(tmp_path: Path) -> None:
    settings = set_to(data=str(tmp_path), clock="+3600")
    assert [fault.name for fault in faults(settings)] == ["clock"]
    assert faults(settings, demo=True) == []
    (tmp_path / DEMO_MARK).touch()
    assert faults(settings) == []
    assert [fault.name for fault in faults(set_to(data=str(tmp_path), clock="noon"), demo=True)] == ["clock"]


def test_every_switch_is_looked_at() -> None:
    assert {setting.name for setting in SETTINGS if setting.help.startswith("1: ")} == SWITCHES


def test_a_data_folder_that_cannot_be_made_is_a_sentence() -> None:
    with (
        pytest.raises(SettingsError, match=r"^TOCSIN_DATA: /proc/1/x: .+; name a folder that this user can write to$"),
        held(Path("/proc/1/x"), demo=False),
    ):
        pass


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
@pytest.mark.parametrize("value", ["redis://u:hunter2@x", "https://u:hunter2@h", "x://u:hunter2\u2100@h", "ftp://u:hunter2@h:x"])
def test_no_log_in_is_ever_shown_right_or_wrong(name: str, value: str) -> None:
    assert "hunter2" not in repr(lines(set_to(**{name: value})))
