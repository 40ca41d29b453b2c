"""A misspelt setting or a value that can't be is said at once, by name, and never with a secret in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from hub.commands.show_settings import lines
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


@pytest.mark.parametrize("key", ["PORT", "TOCSIN_PORT", "tocsin_port", "prot"])
def test_a_key_in_the_spelling_of_a_variable_is_told_its_own(tmp_path: Path, key: str) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text(f"{key} = 8090\n")
    with pytest.raises(SettingsError, match=f"'{key}'; the nearest is 'port'$"):
        load(file, environ={})


def test_a_byte_order_mark_before_the_file_of_settings_is_no_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text("port = 8090\n", encoding="utf-8-sig")
    assert load(file, environ={}).port == "8090"


def test_several_providers_may_stand_as_a_list_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text('smtp = ["smtp://u:p,q@one.example.org", "smtp://two.example.org"]\nwebhook_hosts = ["a.example", "b.example"]\n')
    settings = load(file, environ={})
    assert settings.smtp.split() == ["smtp://u:p,q@one.example.org", "smtp://two.example.org"]
    assert settings.items("webhook_hosts") == ("a.example", "b.example")


@pytest.mark.parametrize(("written", "word"), [("false", "off"), ("true", "on"), ('"off"', "off")])
def test_a_switch_that_is_on_by_itself_can_be_turned_off_in_the_file(written: str, word: str, tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text(f"signup_limits = {written}\noutbox = false\n")
    settings = load(file, environ={})
    assert (settings.signup_limits, settings.flag("outbox")) == (word, False)


def test_variables_of_the_command_line_and_of_the_tests_are_known() -> None:
    load(environ={"TOCSIN_URL": "http://localhost", "TOCSIN_TOKEN": "t", "TOCSIN_CORPUS": "corpus", "TOCSIN_CONFIG": ""})


def test_all_defaults_can_be() -> None:
    assert wrong() == {}


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
