"""A backup is one moment of a hub, and a restored hub is that hub."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest
from sqlalchemy import inspect

from hub.backup.envelope import Sealer
from hub.backup.records import End, Keys, Manifest, Mark, Rows, write
from hub.backup.storage import GAP
from hub.data_folder import held
from hub.errors import BackupError, SettingsError
from hub.store.database import database_url
from hub.store.migrate import upgrade
from subscriptions.vault import FILE_NAME, Keyring, open_keyring
from tests.databases import connected
from tests.hub.backup.conftest import PEOPLE
from tests.hub.backup.hubs import CHEAP, WORDS, Home, Place, file_in, settled_in
from tests.hub.delivery.people import NOW, add_mailing
from tests.peers.postgres import PostgresServer


async def test_every_row_and_the_keyring_come_back(old: Home, place: Place, tmp_path: Path) -> None:
    _give_it_a_past(old)
    taken = await old.back_up(tmp_path / "file")
    restored = await (new := place("new")).restore(tmp_path / "file")
    before, after = old.contents(), new.contents()
    assert taken.rows == restored.rows == sum(map(len, before.values()))
    for table in before:
        added = [row for row in after[table] if row not in before[table]]
        assert [row for row in before[table] if row not in after[table]] == [], table
        assert len(added) <= {"audit": 1, "mailing": 1}.get(table, 0), table
    assert (new.folder / FILE_NAME).read_bytes() == (old.folder / FILE_NAME).read_bytes()
    assert stat.S_IMODE((new.folder / FILE_NAME).stat().st_mode) == 0o600
    assert (restored.taken_at, restored.restored_at) == (NOW, NOW + 60_000)


def _give_it_a_past(home: Home) -> None:
    mailing = add_mailing(home.url, expires_at=NOW - 1)
    home.write("UPDATE mailing SET state='done' WHERE id=?", mailing)
    home.write(f"INSERT INTO delivery(mailing, address, outcome, batch, attempt, at) SELECT {mailing}, id, 1, 1, 1, {NOW} FROM address")
    home.write("INSERT INTO place(subscriber, lat, lon, radius_m, label) VALUES (7, 40.684999999999995, -73.99, 0.001, 'Café ☂\n\t\\N')")
    home.write(
        "INSERT INTO address(subscriber, channel, state, lookup, sealed, key_id, created_at) VALUES (1,'sms','dead',?,?,1,1)",
        b"\0\xff\\", b"\t\n\\.",
    )  # fmt: skip


async def test_what_one_database_held_the_other_can_hold(postgres: PostgresServer, tmp_path: Path) -> None:
    """From SQLite to PostgreSQL and back: every row as it was."""
    first, last = file_in(tmp_path / "first"), file_in(tmp_path / "last")
    middle = Home(tmp_path / "middle", database_url(postgres.new_database(), Path()))
    upgrade(first.url)
    _give_it_a_past(settled_in(first, PEOPLE[:50]))
    for home, after in ((first, middle), (middle, last)):
        await home.back_up(tmp_path / "file")
        await after.restore(tmp_path / "file")
    before, finally_ = first.contents(), last.contents()
    for table in before:
        assert [row for row in before[table] if row not in finally_[table]] == [], table
    assert [len(finally_[table]) for table in ("subscriber", "delivery")] == [50, 50]


async def test_the_file_is_its_owners_alone_and_nothing_else_is_left_beside_it(old: Home, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    file = tmp_path / "backups" / "hub.backup"
    taken = await old.back_up(file)
    assert [path.name for path in file.parent.iterdir()] == ["hub.backup"]
    assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_size) == (0o600, taken.size)


async def test_what_is_written_while_it_is_taken_is_not_in_it(old: Home, place: Place, tmp_path: Path) -> None:
    written: list[str] = []

    def told(table: str, *_: int) -> None:
        if not written:  # the first thousand rows of the first table have been read, and a hub that runs goes on writing
            old.write("INSERT INTO place(subscriber, area) VALUES (1, 'zip:10001')")
            old.write("UPDATE subscriber SET status='ended' WHERE id=1500")
            old.write("DELETE FROM address WHERE id=1500")
            written.append(table)

    before = old.contents()
    await old.back_up(tmp_path / "file", told=told)
    await (new := place("new")).restore(tmp_path / "file")
    after = new.contents()
    assert written
    assert [after[table] for table in ("place", "subscriber", "address")] == [before[table] for table in ("place", "subscriber", "address")]


async def test_numbers_given_out_since_the_backup_never_go_to_somebody_else(old: Home, place: Place, tmp_path: Path) -> None:
    """The lost hub gave out more numbers after its backup: links in its messages name them, also of people who are gone."""
    old.write("DELETE FROM address WHERE subscriber=1500")
    old.write("DELETE FROM subscriber WHERE id=1500")
    mailing = add_mailing(old.url)
    await old.back_up(tmp_path / "file")
    await (new := place("new")).restore(tmp_path / "file")
    person = new.write(
        "INSERT INTO subscriber(public_id, status, language, topics, minimum_severity, created_at)"
        " VALUES ('s','active',1,1,1,1) RETURNING id"
    )
    address = new.write(
        "INSERT INTO address(subscriber, channel, state, lookup, sealed, key_id, created_at) VALUES (1,'sms','dead',?,?,1,1) RETURNING id",
        b"1", b"2",
    )  # fmt: skip
    assert (person, address) == (1500 + GAP + 1, 1500 + GAP + 1)
    assert add_mailing(new.url) > mailing + GAP


async def test_log_ins_one_use_links_and_nodes_end_with_the_lost_hub(old: Home, place: Place, tmp_path: Path) -> None:
    old.write("INSERT INTO account(id, name, agency, role, password, created_at) VALUES (1,'a','A','author','',1)")
    old.write("INSERT INTO session(hash, account, expires_at) VALUES (?, 1, 1)", b"1")
    old.write("INSERT INTO node(name, role, signals, started_at, beat_at) VALUES ('n','all',0,1,1)")
    for purpose in ("manage", "one_use"):
        old.write("INSERT INTO access(hash, subscriber, purpose, expires_at) VALUES (?, 1, ?, 1)", purpose.encode(), purpose)
    await old.back_up(tmp_path / "file")
    await (new := place("new")).restore(tmp_path / "file")
    after = new.contents()
    assert [len(after[table]) for table in ("account", "session", "node")] == [1, 0, 0]
    assert [row[2] for row in after["access"]] == ["manage"]


async def test_the_restore_stands_in_the_operator_log(old: Home, place: Place, tmp_path: Path) -> None:
    await old.back_up(tmp_path / "file")
    await (new := place("new")).restore(tmp_path / "file")
    assert new.rows("SELECT action, at FROM audit") == [("restored", NOW + 60_000)]


async def test_a_hub_is_never_restored_over(old: Home, tmp_path: Path) -> None:
    await old.back_up(tmp_path / "file")
    before = old.contents()
    with pytest.raises(BackupError, match="holds a hub already"):
        await old.restore(tmp_path / "file")
    assert (old.folder / FILE_NAME).exists()
    (old.folder / FILE_NAME).unlink()
    with pytest.raises(BackupError, match="holds a hub already"):
        await old.restore(tmp_path / "file")
    assert old.contents() == before


async def test_a_restore_that_was_cut_off_at_its_last_step_can_be_repeated(old: Home, place: Place, tmp_path: Path) -> None:
    """The keyring was in its place, the database was not."""
    await old.back_up(tmp_path / "file")
    new = place("new")
    new.folder.mkdir()
    shutil.copy2(old.folder / FILE_NAME, new.folder / FILE_NAME)
    await new.restore(tmp_path / "file")
    assert new.rows("SELECT count(*) FROM subscriber") == [(len(PEOPLE),)]


async def test_a_database_of_another_program_is_left_alone(place: Place, old: Home, tmp_path: Path) -> None:
    await old.back_up(tmp_path / "file")
    new = place("new")
    new.folder.mkdir()
    new.write("CREATE TABLE recipes(id INTEGER)")
    with pytest.raises(SettingsError, match=r"not a Tocsin database|holds a hub already"):
        await new.restore(tmp_path / "file")
    with connected(new.url) as connection:
        assert inspect(connection).get_table_names() == ["recipes"]


async def test_a_keyring_that_stands_without_a_database_is_not_overwritten(old: Home, place: Place, tmp_path: Path) -> None:
    await old.back_up(tmp_path / "file")
    other = open_keyring((new := place("new")).folder, create=True).to_bytes()
    with pytest.raises(BackupError, match=r"keyring\.json is there already"):
        await new.restore(tmp_path / "file")
    assert (new.folder / FILE_NAME).read_bytes() == other


async def test_a_keyring_from_the_settings_must_be_the_backups(old: Home, place: Place, tmp_path: Path) -> None:
    await old.back_up(tmp_path / "file")
    with pytest.raises(BackupError, match="TOCSIN_KEYRING"):
        await (new := place("new")).restore(tmp_path / "file", keyring=Keyring.generate().to_bytes().decode())
    await new.restore(tmp_path / "file", keyring=(old.folder / FILE_NAME).read_text())
    assert not (new.folder / FILE_NAME).exists()


@pytest.mark.parametrize("at", [60, 0.5, -1])
async def test_a_damaged_backup_leaves_nothing_behind(old: Home, place: Place, tmp_path: Path, at: float) -> None:
    taken = await old.back_up(tmp_path / "file")
    damaged = bytearray((tmp_path / "file").read_bytes())
    damaged[int(at * taken.size) if isinstance(at, float) else at] ^= 1
    (tmp_path / "file").write_bytes(damaged)
    with pytest.raises(BackupError, match="damaged"):
        await (new := place("new")).restore(tmp_path / "file")
    assert not new.folder.exists()
    (new := place("empty")).folder.mkdir()
    with pytest.raises(BackupError):
        await new.restore(tmp_path / "file")
    assert {path.name for path in new.folder.iterdir()} <= {"lock"}
    if new.url.get_backend_name() == "postgresql":
        with connected(new.url) as connection:
            assert inspect(connection).get_table_names() == []


async def test_a_wrong_passphrase_leaves_nothing_behind(old: Home, place: Place, tmp_path: Path) -> None:
    await old.back_up(tmp_path / "file")
    with pytest.raises(BackupError, match="not the passphrase"):
        await (new := place("new")).restore(tmp_path / "file", passphrase="another one altogether")
    assert not new.folder.exists()


async def test_a_backup_that_can_not_be_written_says_so_and_leaves_nothing(old: Home, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No such file or directory"):
        await old.back_up(tmp_path / "nowhere" / "file")
    (tmp_path / "backups").mkdir()
    with pytest.raises(KeyboardInterrupt):
        await old.back_up(tmp_path / "backups" / "file", told=_interrupt)
    assert list((tmp_path / "backups").iterdir()) == []


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


async def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"SQLite format 3\0" * 10)
    with pytest.raises(BackupError, match="not a backup"):
        await file_in(tmp_path / "new").restore(tmp_path / "file")


async def test_a_folder_in_which_a_hub_runs_is_refused(old: Home, place: Place, tmp_path: Path) -> None:
    await old.back_up(tmp_path / "file")
    new = place("new")
    with held(new.folder, demo=False), pytest.raises(SettingsError, match="another hub runs"):
        await new.restore(tmp_path / "file")


async def test_a_server_that_is_away_is_said_in_plain_words(old: Home, tmp_path: Path) -> None:
    await old.back_up(tmp_path / "file")
    nowhere = Home(tmp_path / "new", database_url("postgresql://nobody@127.0.0.1:1/none", Path()))
    with pytest.raises(SettingsError, match="can't be reached"):
        await nowhere.restore(tmp_path / "file")


async def test_a_backup_of_an_earlier_release_is_brought_to_this_ones_schema(place: Place, tmp_path: Path) -> None:
    columns = ("id", "public_id", "status", "language", "topics", "minimum_severity", "created_at")
    mailing = ("id", "purpose", "priority", "state", "created_at", "expires_at", "first_at", "last_at", "latencies")
    counter = ("mailing", "channel", "outcome", "count")
    with (tmp_path / "file").open("wb") as file:
        sealer = Sealer(file, WORDS, CHEAP)
        rows = {"subscriber": 1, "mailing": 1, "counter": 1}
        for record in (
            Manifest(format=1, release="0.1.0", schema="0001", database="sqlite", taken_at=NOW, rows=rows),
            Keys(Keyring.generate().to_bytes()),
            Mark("subscriber", 12),
            Rows("subscriber", columns, [(7, "sub_7", "active", 0, 1, 1, NOW)]),
            Rows("mailing", mailing, [(3, "notice", 2, "done", 1, 9, 4, 5, bytes(1024))]),
            Rows("counter", counter, [(3, "email", "handed_over", 2)]),
            End(rows),
        ):
            write(sealer, record)
        sealer.close()
    await (new := place("new")).restore(tmp_path / "file")
    assert new.rows("SELECT mailing, outcome, count FROM counter") == [(3, "handed_over", 2)]
    assert new.rows("SELECT first_at, last_at FROM pace WHERE mailing=3") == [(4, 5)]
    person = new.write(
        "INSERT INTO subscriber(public_id, status, language, topics, minimum_severity, created_at)"
        " VALUES ('s','active',1,1,1,1) RETURNING id"
    )
    assert person == 12 + GAP + 1


async def test_a_backup_of_a_later_release_is_refused(place: Place, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        sealer = Sealer(file, WORDS, CHEAP)
        write(sealer, Manifest(format=1, release="9.0", schema="9999", database="sqlite", taken_at=NOW, rows={}))
        write(sealer, Keys(Keyring.generate().to_bytes()))
        write(sealer, End({}))
        sealer.close()
    with pytest.raises(SettingsError, match="later release"):
        await (new := place("new")).restore(tmp_path / "file")
    assert not new.folder.exists()
