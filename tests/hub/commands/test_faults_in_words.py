"""What the system or the database refuses a command is said in one line; a fault of the program keeps its traceback."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from hub.__main__ import run
from hub.commands.in_words import in_words
from hub.store.migrate import upgrade
from tests.databases import connected
from tests.hub.backup.hubs import WORDS, file_in, settled_in
from tests.peers.postgres import PostgresServer
from tests.warm import tocsin

HERE = Path(__file__).parents[3]
SECRET = {"TOCSIN_BACKUP_PASSPHRASE": WORDS}


@pytest.fixture
async def kept(tmp_path: Path) -> Path:
    """A backup of a hub."""
    home = file_in(tmp_path / "old")
    upgrade(home.url)
    await settled_in(home, [("email", "a@example.org")]).back_up(tmp_path / "file")
    return tmp_path / "file"


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("serve", "--port", "0"),
        ("backup", "file"),
        ("mirror", "site"),
        ("staff", "list"),
        ("token", "add", "--agency", "A", "--role", "author"),
    ],
)
async def test_a_file_that_is_no_database_is_said_in_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "tocsin.db").write_bytes(b"no database at all" * 999)
    words = [str(tmp_path / word) if word in {"file", "site"} else word for word in command]
    ran = await tocsin(*words, "--data", tmp_path, **SECRET)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1), ran
    assert "database: DatabaseError: file is not a database. Mend: " in ran.err


async def test_a_data_folder_that_is_a_file_is_said_in_one_line(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "taken").write_text("a letter")
    ran = await tocsin("restore", kept, "--data", tmp_path / "taken", **SECRET)
    assert (ran.code, ran.out, ran.err) == (
        1,
        "",
        f"tocsin: TOCSIN_DATA: {tmp_path / 'taken'}: File exists; name a folder that this user can write to\n",
    )


async def test_a_restore_onto_a_full_disk_is_said_in_one_line_and_leaves_nothing(tmp_path: Path, kept: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")} | SECRET
    ran = subprocess.run(
        [sys.executable, "-m", "hub", "restore", str(kept), "--data", str(tmp_path / "new")],
        cwd=HERE,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)),
    )
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (1, "", False), ran
    assert "tocsin: database: OperationalError: " in ran.stderr
    assert not (tmp_path / "new").exists()


async def test_a_drill_refuses_what_it_can_not_do(tmp_path: Path) -> None:
    ran = await tocsin("restore", tmp_path / "file", "--drill", "--resume", **SECRET)
    assert (ran.code, ran.out, "leave out --resume" in ran.err) == (1, "", True), ran


FAULTY = [
    "INSERT INTO alembic_version VALUES (NULL)",
    "SELECT nothing FROM alembic_version",
    "SELECT * FROM nowhere",
    "SELEKT 1",
    "INSERT INTO alembic_version VALUES ('1'), ('1')",
]


@pytest.mark.parametrize("query", FAULTY)
def test_a_query_that_is_wrong_keeps_its_traceback(query: str, store: URL) -> None:
    with connected(store) as connection, pytest.raises(DBAPIError) as refused:
        connection.exec_driver_sql(query)
    assert in_words(refused.value) is None


def test_what_another_process_holds_is_said_to_be_held(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "file")) as one, closing(sqlite3.connect(tmp_path / "file", timeout=0)) as other:
        one.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as refused:
            other.execute("BEGIN IMMEDIATE")
        assert in_words(refused.value) == "database: OperationalError: database is locked. Mend: another process writes to it, try again"


def test_a_server_that_is_away_or_ends_a_connection_is_said(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with pytest.raises(psycopg.OperationalError) as absent:
        psycopg.connect(url.rpartition("/")[0] + "/nowhere")
    with pytest.raises(psycopg.OperationalError) as ended, psycopg.connect(url) as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    for refused in (absent, ended):
        assert str(in_words(refused.value)).startswith("database: ")


def test_a_part_of_the_program_that_is_missing_keeps_its_traceback(tmp_path: Path) -> None:
    elsewhere = tmp_path / "nothing"
    for missing, said in ((HERE / "templates" / "nothing", None), (elsewhere, f"{elsewhere}: No such file or directory")):
        with pytest.raises(FileNotFoundError) as refused:
            missing.read_text()
        assert in_words(refused.value) == said


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    async def faulty() -> None:
        raise LookupError("nobody meant this")

    with pytest.raises(LookupError):
        run(faulty())
