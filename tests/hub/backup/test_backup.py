"""A backup is one moment of a hub, and a restored hub is that hub."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hub.data_folder import VAPID_FILE, held
from hub.errors import BackupError, SettingsError
from hub.store.database import connect
from subscriptions.vault import FILE_NAME, Keyring, open_keyring
from tests.hub.backup.hubs import backup_of, contents, hub_folder, restored_to
from tests.hub.delivery.people import NOW, add_mailing, rows

PEOPLE = [("email", f"person{number}@example.org") for number in range(1, 2501)]
GAP = 10_000_000


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return hub_folder(tmp_path / "old", PEOPLE)


async def test_every_row_and_both_keys_come_back(old: Path, tmp_path: Path) -> None:
    mailing = add_mailing(old / "tocsin.db", expires_at=NOW - 1)
    write(old, f"UPDATE mailing SET state='done' WHERE id={mailing}")
    write(old, f"INSERT INTO delivery(mailing, address, outcome, batch, attempt, at) SELECT {mailing}, id, 1, 1, 1, {NOW} FROM address")
    write(old, "INSERT INTO place(subscriber, lat, lon, radius_m, label) VALUES (7, 40.684999999999995, -73.99, 1e-3, 'Café ☂')")
    taken = await backup_of(old, tmp_path / "file")
    restored = await restored_to(tmp_path / "new", tmp_path / "file")
    before, after = contents(old), contents(tmp_path / "new")
    assert taken.rows == restored.rows == sum(map(len, before.values()))
    for table in before:
        new = [row for row in after[table] if row not in before[table]]
        assert [row for row in before[table] if row not in after[table]] == [], table
        assert len(new) == {"audit": 1, "mailing": 1}.get(table, 0), table
    for key in (FILE_NAME, VAPID_FILE):
        assert (tmp_path / "new" / key).read_bytes() == (old / key).read_bytes()
        assert stat.S_IMODE((tmp_path / "new" / key).stat().st_mode) == 0o600
    assert (restored.taken_at, restored.restored_at) == (NOW, NOW + 60_000)


async def test_the_file_is_its_owners_alone_and_nothing_else_is_left_beside_it(old: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    file = tmp_path / "backups" / "hub.backup"
    taken = await backup_of(old, file)
    assert [path.name for path in file.parent.iterdir()] == ["hub.backup"]
    assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_size) == (0o600, taken.size)


async def test_what_is_written_while_it_is_taken_is_not_in_it(old: Path, tmp_path: Path) -> None:
    written: list[str] = []

    def told(table: str, *_: int) -> None:
        if not written:  # the first thousand rows of the first table have been read, and a hub that runs goes on writing
            write(old, "INSERT INTO place(subscriber, area) VALUES (1, 'zip:10001')")
            write(old, "UPDATE subscriber SET status='ended' WHERE id=2500")
            write(old, "DELETE FROM address WHERE id=2500")
            written.append(table)

    before = contents(old)
    await backup_of(old, tmp_path / "file", told=told)
    await restored_to(tmp_path / "new", tmp_path / "file")
    after = contents(tmp_path / "new")
    assert written
    assert [after[table] for table in ("place", "subscriber", "address")] == [before[table] for table in ("place", "subscriber", "address")]


async def test_numbers_given_out_since_the_backup_never_go_to_somebody_else(old: Path, tmp_path: Path) -> None:
    """The last person is gone, and the lost hub gave out more numbers after its backup: links in its messages name them."""
    write(old, "DELETE FROM subscriber WHERE id=2500")
    mailing = add_mailing(old / "tocsin.db")
    await backup_of(old, tmp_path / "file")
    await restored_to(tmp_path / "new", tmp_path / "file")
    new = tmp_path / "new"
    person = write(
        new, f"INSERT INTO subscriber(public_id, status, language, topics, minimum_severity, created_at) VALUES ('s',1,1,1,1,{NOW})"
    )
    address = write(
        new, f"INSERT INTO address(subscriber, channel, state, lookup, sealed, key_id, created_at) VALUES (1,'',0,'','',1,{NOW})"
    )
    assert (person, address) == (2500 + GAP + 1, 2500 + GAP + 1)
    assert add_mailing(new / "tocsin.db") > mailing + GAP


async def test_log_ins_and_one_use_links_end_with_the_lost_hub(old: Path, tmp_path: Path) -> None:
    write(old, f"INSERT INTO account(id, name, agency, role, password, created_at) VALUES (1,'a','A','author','',{NOW})")
    write(old, f"INSERT INTO session(hash, account, expires_at) VALUES (x'01', 1, {NOW * 2})")
    for purpose in ("manage", "one_use"):
        write(
            old, f"INSERT INTO access(hash, subscriber, purpose, expires_at) VALUES (CAST('{purpose}' AS BLOB), 1, '{purpose}', {NOW * 2})"
        )
    await backup_of(old, tmp_path / "file")
    await restored_to(tmp_path / "new", tmp_path / "file")
    after = contents(tmp_path / "new")
    assert [len(after[table]) for table in ("account", "session")] == [1, 0]
    assert [row[2] for row in after["access"]] == ["manage"]


async def test_the_restore_stands_in_the_operator_log(old: Path, tmp_path: Path) -> None:
    await backup_of(old, tmp_path / "file")
    await restored_to(tmp_path / "new", tmp_path / "file")
    assert rows(tmp_path / "new" / "tocsin.db", "SELECT action, at FROM audit") == [("restored", NOW + 60_000)]


async def test_a_hub_is_never_restored_over(old: Path, tmp_path: Path) -> None:
    await backup_of(old, tmp_path / "file")
    before = contents(old)
    with pytest.raises(BackupError, match=r"is there already|holds a hub already"):
        await restored_to(old, tmp_path / "file")
    assert contents(old) == before
    (old / FILE_NAME).unlink()
    (old / VAPID_FILE).unlink()
    with pytest.raises(BackupError, match="holds a hub already"):
        await restored_to(old, tmp_path / "file")
    assert contents(old) == before


async def test_keys_that_stand_without_a_database_are_not_overwritten(old: Path, tmp_path: Path) -> None:
    await backup_of(old, tmp_path / "file")
    other = open_keyring(tmp_path / "new", create=True).to_bytes()
    with pytest.raises(BackupError, match=r"keyring\.json is there already"):
        await restored_to(tmp_path / "new", tmp_path / "file")
    assert (tmp_path / "new" / FILE_NAME).read_bytes() == other


async def test_a_keyring_from_the_settings_must_be_the_backups(old: Path, tmp_path: Path) -> None:
    await backup_of(old, tmp_path / "file")
    with pytest.raises(BackupError, match="TOCSIN_KEYRING"):
        await restored_to(tmp_path / "new", tmp_path / "file", keyring=Keyring.generate().to_bytes().decode())
    await restored_to(tmp_path / "new", tmp_path / "file", keyring=(old / FILE_NAME).read_text())
    assert not (tmp_path / "new" / FILE_NAME).exists()


@pytest.mark.parametrize("at", [60, 0.5, -1])
async def test_a_damaged_backup_leaves_nothing_behind(old: Path, tmp_path: Path, at: float) -> None:
    taken = await backup_of(old, tmp_path / "file")
    damaged = bytearray((tmp_path / "file").read_bytes())
    damaged[int(at * taken.size) if isinstance(at, float) else at] ^= 1
    (tmp_path / "file").write_bytes(damaged)
    with pytest.raises(BackupError, match="damaged"):
        await restored_to(tmp_path / "new", tmp_path / "file")
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(BackupError):
        await restored_to(tmp_path / "empty", tmp_path / "file")
    assert {path.name for path in (tmp_path / "empty").iterdir()} <= {"lock"}


async def test_a_wrong_passphrase_leaves_nothing_behind(old: Path, tmp_path: Path) -> None:
    await backup_of(old, tmp_path / "file")
    with pytest.raises(BackupError, match="not the passphrase"):
        await restored_to(tmp_path / "new", tmp_path / "file", passphrase="another one altogether")
    assert not (tmp_path / "new").exists()


async def test_a_backup_that_can_not_be_written_says_so_and_leaves_nothing(old: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No such file or directory"):
        await backup_of(old, tmp_path / "nowhere" / "file")
    (tmp_path / "backups").mkdir()
    with pytest.raises(KeyboardInterrupt):
        await backup_of(old, tmp_path / "backups" / "file", told=_interrupt)
    assert list((tmp_path / "backups").iterdir()) == []


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


async def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"SQLite format 3\0" * 10)
    with pytest.raises(BackupError, match="not a backup"):
        await restored_to(tmp_path / "new", tmp_path / "file")


async def test_a_folder_in_which_a_hub_runs_is_refused(old: Path, tmp_path: Path) -> None:
    await backup_of(old, tmp_path / "file")
    with held(tmp_path / "new", demo=False), pytest.raises(SettingsError, match="another hub runs"):
        await restored_to(tmp_path / "new", tmp_path / "file")


def write(folder: Path, statement: str) -> int | None:
    connection = connect(folder / "tocsin.db")
    try:
        return connection.execute(statement).lastrowid
    finally:
        connection.close()
