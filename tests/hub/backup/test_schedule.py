"""A running hub's own backups: taken when they are due, kept as many as asked for, and loud when they fail."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hub.backup.schedule import AGAIN_AFTER_S, Schedule
from hub.errors import SettingsError
from hub.metrics import Metrics
from tests.hub.backup.hubs import WORDS, Home, file_in, settled_in
from tests.hub.delivery.people import NOW

HOUR = 3600.0


class Clock:
    now = NOW / 1000

    def __call__(self) -> float:
        return self.now


class Watched:
    """The schedule of a hub with two people, every six hours, two kept; with `here` backups are taken in this process, not by a command."""

    def __init__(self, home: Home, folder: Path, *, here: bool = False, **changes: str) -> None:
        wanted = {"backup": str(folder), "backup_passphrase": WORDS, "backup_every": "6", "backup_keep": "2"} | changes
        self.clock, self.metrics, self.folder = Clock(), Metrics(), folder
        self.schedule = Schedule(home.settings(**wanted), self.clock, self.metrics, partial(_take, home) if here else None)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.backup"))

    def figure(self, name: str) -> str:
        (line,) = [line for line in self.metrics.render().decode().splitlines() if line.startswith(name)]
        return line.split()[-1]


async def _take(home: Home, file: Path) -> None:
    await home.back_up(file)


async def _full(_: Path) -> str:
    return "no room"


@pytest.fixture
def home(tmp_path: Path, migrated_sqlite: Path) -> Home:
    made = file_in(tmp_path / "data")
    made.folder.mkdir()
    shutil.copy(migrated_sqlite, made.folder / "tocsin.db")
    return settled_in(made, [("email", "a@example.org"), ("email", "b@example.org")])


async def test_one_is_taken_when_it_is_due_and_can_be_restored(home: Home, tmp_path: Path) -> None:
    hub = Watched(home, tmp_path / "backups")
    assert hub.figure("tocsin_backup_age_seconds") == "+Inf"
    await hub.schedule.look()
    assert (hub.names(), hub.schedule.status) == (["tocsin-20260921T141320Z.backup"], {"backup": "ok"})
    hub.clock.now += 6 * HOUR - 1
    await hub.schedule.look()
    assert (len(hub.names()), hub.figure("tocsin_backup_age_seconds")) == (1, str(6 * HOUR - 1))
    hub.clock.now += 1
    await hub.schedule.look()
    assert (len(hub.names()), hub.figure('tocsin_backups_total{end="taken"}')) == (2, "2.0")
    await file_in(tmp_path / "new").restore(hub.folder / hub.names()[-1])


async def test_the_oldest_goes_when_a_new_one_is_there_and_nothing_of_others_ever(home: Home, tmp_path: Path) -> None:
    hub = Watched(home, tmp_path / "backups", here=True, backup_keep="1")
    hub.folder.mkdir()
    (hub.folder / "tocsin-20250101T000000Z.backup").write_bytes(b"old")
    (hub.folder / "by-hand.backup").write_bytes(b"kept")
    (hub.folder / "tocsin-20261399T000000Z.backup").write_bytes(b"of a thirteenth month")
    await hub.schedule.look()
    assert hub.names() == ["by-hand.backup", "tocsin-20260921T141320Z.backup", "tocsin-20261399T000000Z.backup"]


async def test_one_of_a_clock_ahead_stands_in_no_other_ones_way_and_what_was_left_of_an_unfinished_one_goes(
    home: Home, tmp_path: Path
) -> None:
    hub = Watched(home, tmp_path / "backups", backup_keep="1")
    hub.folder.mkdir()
    (hub.folder / "tocsin-20270301T000000Z.backup").write_bytes(b"of next year")
    (hub.folder / ".tocsin-20260921T141320Z.backup.0123456789abcdef").write_bytes(b"half")
    left, written = (hub.folder / f".tocsin-20260914T{hour:02}0000Z.backup.fedcba9876543210" for hour in (8, 9))
    for draft in (left, written):
        draft.write_bytes(b"of a node that was killed, or of somebody who is at it by hand")
    os.utime(left, (0, 0))
    await hub.schedule.look()
    assert hub.names() == ["tocsin-20260921T141320Z.backup", "tocsin-20270301T000000Z.backup"]
    assert (hub.schedule.status, hub.figure("tocsin_backup_age_seconds")) == ({"backup": "ok"}, "0.0")
    assert list(hub.folder.glob(".tocsin*")) == [written]


async def test_another_hub_on_the_same_folder_finds_it_done(home: Home, tmp_path: Path) -> None:
    one, other = (Watched(home, tmp_path / "backups", here=True) for _ in range(2))
    await one.schedule.look()
    other.clock.now += HOUR
    await other.schedule.look()
    assert (len(one.names()), other.schedule.status, other.figure("tocsin_backup_age_seconds")) == (1, {"backup": "ok"}, str(HOUR))


async def test_a_failure_is_loud_deletes_nothing_and_is_tried_again_soon(home: Home, tmp_path: Path) -> None:
    hub = Watched(home, tmp_path / "backups", backup_keep="1")
    await hub.schedule.look()
    (home.folder / "keyring.json").rename(home.folder / "elsewhere")
    hub.clock.now += 7 * HOUR
    with capture_logs() as logs:
        await hub.schedule.look()
        await hub.schedule.look()
    assert [(line["event"], line["log_level"]) for line in logs] == [("backup_failed", "error")]
    assert "keyring.json is missing" in hub.schedule.status["backup"]
    assert (len(hub.names()), hub.figure('tocsin_backups_total{end="failed"}')) == (1, "1.0")
    (home.folder / "elsewhere").rename(home.folder / "keyring.json")
    hub.clock.now += AGAIN_AFTER_S
    await hub.schedule.look()
    assert (hub.schedule.status, hub.figure("tocsin_backup_age_seconds")) == ({"backup": "ok"}, "0.0")


async def test_a_failure_is_over_when_another_hub_has_taken_one(home: Home, tmp_path: Path) -> None:
    one, other = (Watched(home, tmp_path / "backups", here=True) for _ in range(2))
    one.schedule._take = _full
    await one.schedule.look()
    assert one.schedule.status == {"backup": "the last one failed: no room"}
    other.clock.now += 60
    await other.schedule.look()
    one.clock.now += 61
    await one.schedule.look()
    assert (len(one.names()), one.schedule.status) == (1, {"backup": "ok"})


async def test_a_folder_that_can_not_be_is_a_failure_too(home: Home, tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file")
    hub = Watched(home, tmp_path / "backups")
    await hub.schedule.look()
    assert "failed" in hub.schedule.status["backup"]


async def test_one_that_grew_old_is_named(home: Home, tmp_path: Path) -> None:
    hub = Watched(home, tmp_path / "backups", here=True)
    await hub.schedule.look()
    hub.clock.now += 10 * HOUR
    assert hub.schedule.status == {"backup": "the newest is 10 hours old"}


async def test_none_are_taken_and_nothing_is_said_unless_they_are_asked_for(home: Home, tmp_path: Path) -> None:
    hub = Watched(home, tmp_path / "backups", backup="")
    await hub.schedule.look()
    assert (hub.schedule.status, (tmp_path / "backups").exists()) == ({}, False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"backup_passphrase": "short"}, "PASSPHRASE"), ({"backup_every": "0"}, "BACKUP_EVERY"), ({"backup_keep": "0"}, "BACKUP_KEEP")],
)
def test_settings_that_can_not_be_are_refused_at_start(home: Home, tmp_path: Path, changes: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Watched(home, tmp_path / "backups", **changes)
