"""What the command line lists is shown as it is written: a bracket in somebody's words is no markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.store.database import database_url
from hub.store.migrate import upgrade
from tests.databases import rows, write
from tests.warm import tocsin

AGENCIES = ["Fire [/dept]", "A [x]", "[red]Police"]


@pytest.mark.parametrize("agency", AGENCIES)
async def test_an_agency_is_listed_as_it_is_written(agency: str, tmp_path: Path) -> None:
    password = b"three calm words\n"
    for kind, names in (("staff", ["desk"]), ("token", [])):
        added = await tocsin(kind, "add", *names, "--agency", agency, "--role", "author", "--data", tmp_path, given=password)
        assert added.code == 0, added.err
        listed = await tocsin(kind, "list", "--data", tmp_path)
        assert (listed.code, listed.err) == (0, "")
        assert f" {agency} " in listed.out


async def test_a_hub_of_an_earlier_release_is_not_migrated_by_what_is_no_migration(tmp_path: Path) -> None:
    url = database_url("", tmp_path)
    upgrade(url)
    write(url, "UPDATE alembic_version SET version_num='0007'")
    people = b"channel,address,zip,consent_source\nemail,a@example.org,11201,paper\n"
    for command in ("staff list", "token list", "staff disable x", "token disable 1", "token add --agency A --role author"):
        ran = await tocsin(*command.split(), "--data", tmp_path)
        assert (ran.code, ran.out, "`tocsin migrate`" in ran.err) == (1, "", True), ran
    ran = await tocsin("subscribers", "import", "-", "--data", tmp_path, given=people)
    assert (ran.code, "`tocsin migrate`" in ran.err) == (1, True), ran
    assert rows(url, "SELECT version_num FROM alembic_version") == [("0007",)]
    assert rows(url, "SELECT count(*) FROM subscriber") == [(0,)]


async def test_a_folder_with_brackets_in_its_name_is_checked_and_named(tmp_path: Path) -> None:
    missing = tmp_path / "[" / "x]"
    checked = await tocsin("check", "--data", missing)
    assert (checked.code, checked.err) == (1, "")
    assert f"wrong there is no hub in {missing}" in checked.out


async def test_settings_are_shown_from_a_file_with_brackets_in_its_name(tmp_path: Path) -> None:
    file = tmp_path / "[" / "x].toml"
    file.parent.mkdir()
    file.write_text('hub_name = "Ours"\n')
    shown = await tocsin("settings", TOCSIN_CONFIG=str(file))
    assert (shown.code, shown.err) == (0, "")
    assert "Ours" in shown.out
