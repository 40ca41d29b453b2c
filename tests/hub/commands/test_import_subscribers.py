"""`tocsin subscribers import` as it is typed: what it can't read or where there is no hub is one clear line, and nobody is imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from hub.__main__ import app
from hub.store.database import database_url
from hub.store.migrate import upgrade
from subscriptions.csv_import import PEOPLE_AT_ONCE
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
    assert refused.stderr.startswith("tocsin: line 1 must name each column once.")
    assert refused.stderr.endswith(". Nothing was imported.\n")


@pytest.mark.parametrize("spoilt", ['"unclosed', '"closed" too early"'])
def test_a_quote_that_spoils_the_file_is_found_before_anybody_is_taken(hub: Path, spoilt: str) -> None:
    before = "".join(f"11201,email,p{number}@example.org,Fair\n" for number in range(PEOPLE_AT_ONCE + 1))
    rest = "11201,email,z@example.org,Fair\n"
    refused = run(hub, f"{HEADER}{before}11201,email,y@example.org,{spoilt}\n{rest}".encode())
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"tocsin: line {PEOPLE_AT_ONCE + 3}: the row that begins here can't be read (")
    assert refused.stderr.endswith("): look at its quotes. Nothing was imported.\n")
    assert people(hub) == 0
    mended = run(hub, f"{HEADER}{before}11201,email,y@example.org,mended\n{rest}".encode())
    assert (mended.exit_code, people(hub)) == (0, PEOPLE_AT_ONCE + 3)


def test_a_folder_without_a_hub_is_said_and_not_made(tmp_path: Path) -> None:
    mistyped = tmp_path / "dtaa"
    refused = run(mistyped, f"{HEADER}11201,email,a@example.org,Fair\n".encode())
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"tocsin: there is no hub in {mistyped}:")
    assert not mistyped.exists()
