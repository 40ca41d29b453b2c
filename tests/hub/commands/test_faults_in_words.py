"""What the system or the database refuses a command is said in one line; a fault of the program keeps its traceback."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from hub.__main__ import run
from hub.store.migrate import upgrade
from tests.hub.backup.hubs import WORDS, file_in, settled_in
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


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    async def faulty() -> None:
        raise LookupError("nobody meant this")

    with pytest.raises(LookupError):
        run(faulty())
