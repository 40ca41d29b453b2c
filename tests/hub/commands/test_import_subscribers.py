"""`tocsin subscribers import` as it is typed: what it can't read or where there is no hub is one clear line, and nobody is imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from hub.__main__ import app
from hub.store.database import database_url
from hub.store.migrate import upgrade
from tests.databases import forget, rows

HEADER = "zip,channel,address,consent_source\n"


def people(url_of: Path) -> int:
    url = database_url("", url_of)
    found = rows(url, "SELECT count(*) FROM subscriber")[0][0]
    forget(url)
    return int(found)


def run(folder: Path, content: bytes) -> Result:
    return CliRunner().invoke(app, ["subscribers", "import", "-", "--data", str(folder)], input=content)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    upgrade(database_url("", tmp_path / "data"))
    return tmp_path / "data"


def test_a_file_in_utf_8_is_taken_with_or_without_its_mark(hub: Path) -> None:
    for mark, name in ((b"", "a"), (b"\xef\xbb\xbf", "b")):
        done = run(hub, mark + f"{HEADER}11201,email,{name}@example.org,Café\n".encode())
        assert (done.exit_code, done.stdout) == (0, "1 rows, 1 people taken, 0 rows refused\n")
    assert people(hub) == 2


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("spoilt", "what"), [("Café".encode("cp1252"), "the byte 0xE9"), (b"Caf\0", "a NUL character")], ids=["cp1252", "NUL"]
)
def test_a_file_that_is_no_utf_8_says_where_and_how_to_mend_it(hub: Path, mark: bytes, spoilt: bytes, what: str) -> None:
    refused = run(hub, mark + HEADER.encode() + b"11201,email,a@example.org,Fair\n11201,email,b@example.org," + spoilt + b"\n")
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert refused.stderr == (
        f"tocsin: line 3 is not UTF-8 text: it holds {what}."
        " Save it as UTF-8 (in Excel “CSV UTF-8”) and import it again; nothing was imported.\n"
    )
    assert people(hub) == 0


def test_a_header_that_names_no_address_is_one_line_too(hub: Path) -> None:
    refused = run(hub, b"name\nAnn\n")
    assert refused.exit_code == 1
    assert "\ntocsin: line 1 must name each column once." in refused.stderr


def test_a_folder_without_a_hub_is_said_and_not_made(tmp_path: Path) -> None:
    mistyped = tmp_path / "dtaa"
    refused = run(mistyped, f"{HEADER}11201,email,a@example.org,Fair\n".encode())
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"tocsin: there is no hub in {mistyped}:")
    assert not mistyped.exists()
