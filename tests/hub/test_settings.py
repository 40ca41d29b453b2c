"""A misspelt setting or a value that can't be is said at once, by name, and never with a secret in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from hub.commands.show_settings import SWITCHES, lines
from hub.errors import SettingsError
from hub.settings import SETTINGS, load
from tests.warm import tocsin


def wrong(**values: str) -> dict[str, str]:
    """Variable without its prefix, in lower case → what is wrong with it."""
    shown = lines(load(environ={f"TOCSIN_{name.upper()}": value for name, value in values.items()}))
    return {line.variable.removeprefix("TOCSIN_").lower(): line.wrong for line in shown if line.wrong}


@pytest.mark.parametrize(
    ("misspelt", "meant"), [("TOCSIN_PROT", "TOCSIN_PORT"), ("TOCSIN_SMPT", "TOCSIN_SMTP"), ("TOCSIN_PUBLICURL", "TOCSIN_PUBLIC_URL")]
)
def test_a_misspelt_variable_is_an_error_that_names_the_nearest(misspelt: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=f"{misspelt}: .* {meant}$"):
        load(environ={misspelt: "1", "HOME": "/"})


def test_a_misspelt_key_of_the_file_is_one_too(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text("sendres = 3\n")
    with pytest.raises(SettingsError, match="'sendres'; the nearest is 'senders'"):
        load(environ={"TOCSIN_CONFIG": str(file)})


def test_a_file_of_settings_that_is_no_utf_8_says_where(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_bytes('port = "8080"\nhub_name = "Café"\n'.encode("cp1252"))
    with pytest.raises(SettingsError, match=r"tocsin\.toml: line 2 holds the byte 0xE9, so it is not UTF-8: save it as UTF-8$"):
        load(environ={"TOCSIN_CONFIG": str(file)})


def test_several_providers_may_stand_as_a_list_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text('smtp = ["smtp://u:p,q@one.example.org", "smtp://two.example.org"]\nwebhook_hosts = ["a.example", "b.example"]\n')
    settings = load(file, environ={})
    assert settings.smtp.split() == ["smtp://u:p,q@one.example.org", "smtp://two.example.org"]
    assert settings.items("webhook_hosts") == ("a.example", "b.example")


def test_variables_of_the_command_line_and_of_the_tests_are_known() -> None:
    load(environ={"TOCSIN_URL": "http://localhost", "TOCSIN_TOKEN": "t", "TOCSIN_CORPUS": "corpus", "TOCSIN_CONFIG": ""})


def test_all_defaults_can_be() -> None:
    assert wrong() == {}


@pytest.mark.parametrize(
    "values",
    [
        {"port": "abc"},
        {"port": "70000"},
        {"senders": "0"},
        {"outbox": "maybe"},
        {"allow_private": "2"},
        {"telegram_webhook": "maybe"},
        {"testing": "x"},
        {"signup_limits": "0"},
        {"public_url": "alerts.example.gov"},
        {"database": "mysql://h/d"},
        {"database": "no database"},
        {"redis": "localhost:6379"},
        {"city": "no-such-folder"},
        {"smtp": "mail.example.org:25"},
        {"mail_from": "nobody"},
        {"sms": "https://sms.example.org"},
        {"sms": "smpp://host-without-user"},
        {"sms": "smpp://user:pass@sms.example.org https://sms.example.org"},
        {"smtp": "smtp://mail.example.org mail.example.org:25"},
        {"sms_from": "much too long a name"},
        {"telegram_token": "secret"},
        {"telegram_api": "api.example.org"},
        {"vapid_subject": "nobody"},
        {"webhook_hosts": "receiver.example.org,a b"},
        {"keyring": "{"},
        {"trusted_proxies": "10.0.0.0/8, proxy"},
        {"sms_countries": "USA"},
        {"tile_url": "https://tiles.example/{z}.png"},
        {"clock": "noon"},
        {"log_level": "loud"},
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_marked(values: dict[str, str]) -> None:
    assert list(wrong(**values)) == list(values)


def test_values_as_the_table_of_settings_gives_them_can_be() -> None:
    good = {
        "port": "0",
        "public_url": "https://alerts.example.gov",
        "database": "sqlite:///data/tocsin.db",
        "redis": "redis://localhost:6379/0",
        "outbox": "1",
        "smtp": "smtp://user:pass@mail.example.org:587",
        "mail_from": "alerts@example.org",
        "sms": "smpp://user:pass@sms.example.org:2775",
        "sms_from": "Tocsin",
        "telegram_token": "123456789:AAF-x_y",
        "telegram_api": "http://127.0.0.1:8081",
        "vapid_subject": "mailto:alerts@example.org",
        "webhook_hosts": "receiver.example.org,localhost:9000",
        "keyring": "{}",
        "trusted_proxies": "10.0.0.0/8, ::1",
        "sms_countries": "US, CA",
        "signup_limits": "off",
        "tile_url": "https://tiles.example/{z}/{x}/{y}.png",
        "clock": "+3600",
        "log_level": "debug",
    }
    assert wrong(**good) == {}
    assert wrong(sms="clicksend://user:key") == {}
    assert wrong(sms="https://AC1:token@api.twilio.com smpp://user:pass@sms.example.org") == {}
    assert wrong(smtp="smtp://one.example.org\n smtps://user:pass@two.example.org") == {}


def test_every_switch_is_looked_at() -> None:
    assert {setting.name for setting in SETTINGS if setting.help.startswith("1: ")} == SWITCHES


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS if setting.secret])
@pytest.mark.parametrize("value", ["redis://u:hunter2/x", "smtp://u:hunter2:y@h:x", "hunter2", "smpp://[hunter2", "x://u:hunter2\u2100@h"])
def test_no_secret_is_ever_shown_right_or_wrong(name: str, value: str) -> None:
    shown = lines(load(environ={f"TOCSIN_{name.upper()}": value}))
    assert "hunter2" not in repr(shown)


async def test_the_command_line_says_what_is_wrong_and_fails() -> None:
    wide = os.environ | {"TOCSIN_PORT": "abc", "COLUMNS": "200"}  # which the console asks for as it is imported
    marked = subprocess.run([sys.executable, "-m", "hub", "settings"], env=wide, capture_output=True, text=True, check=False)
    assert marked.returncode == 1
    assert re.search(r"^TOCSIN_PORT +abc +environment +wrong: 'abc' is not a whole number", marked.stdout, re.MULTILINE)
    for command in (["settings"], ["serve", "--demo"]):
        refused = await tocsin(*command, TOCSIN_PROT="1")
        assert (refused.code, refused.out) == (1, "")
        assert refused.err == "tocsin: TOCSIN_PROT: there is no such setting; the nearest is TOCSIN_PORT\n"


async def test_a_level_of_logs_that_is_none_stops_the_hub_with_a_sentence(tmp_path: Path) -> None:
    refused = await tocsin("serve", "--data", str(tmp_path), TOCSIN_LOG_LEVEL="loud")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "tocsin: TOCSIN_LOG_LEVEL: 'loud' is none of debug, info, warning, error\n"


def test_the_command_line_says_which_release_it_is() -> None:
    shown = subprocess.run([sys.executable, "-m", "hub", "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"tocsin {version('tocsin')}\n"


def test_a_rate_of_a_second_provider_is_one_only_with_a_second_provider() -> None:
    one, two = "smtp://one.example.org", "smtp://one.example.org smtp://two.example.org"
    assert wrong(smtp=two, rates="email=100,email:2=5") == {}
    assert list(wrong(smtp=one, rates="email=100,email:2=5")) == ["rates"]
