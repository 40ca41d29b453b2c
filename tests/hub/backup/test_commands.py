"""`tocsin backup` and `tocsin restore` as they are typed, on a hub that is at work."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from channels import catalog
from hub.application import Hub, open_hub
from hub.backup.records import Keys
from hub.backup.restoring import restore
from hub.backup.taking import take
from hub.commands.backup import back_up
from hub.commands.check import examine
from hub.errors import BackupError
from hub.settings import Settings, load
from hub.staff.actor import Actor
from hub.store.migrate import upgrade
from subscriptions.csv_import import import_csv
from tests.hub.backup.hubs import CHEAP, WORDS, file_in, settled_in, untold
from tests.waiting import progressed
from tests.warm import tocsin

PUBLISHER = Actor(kind="staff", id=2, name="publisher", agency="Test", role="publisher")
PEOPLE = 2000


def settings_of(folder: Path) -> Settings:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    return load(environ=environ | {"TOCSIN_DATA": str(folder), "TOCSIN_OUTBOX": "1", "TOCSIN_SENDERS": "1", "TOCSIN_TESTING": "1"})


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """A running hub of people in one ZIP, who get e-mail into the outbox."""
    async with open_hub(settings_of(tmp_path / "old"), demo=False, port=0) as running:
        lines = ["person,zip,channel,address,consent_source,sample", *(f"{n},11201,email,p{n}@example.org,test,1" for n in range(PEOPLE))]
        await import_csv(running.database, running.keyring, catalog.parsers(), running.catalog, lines)
        yield running


def flood() -> bytes:
    return msgspec.json.encode(
        {
            "category": "Met",
            "event": "Flash Flood Warning",
            "urgency": "Immediate",
            "severity": "Moderate",
            "certainty": "Likely",
            "expires": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
            "infos": [{"language": "en", "headline": "Flash flooding", "description": "Water rises.", "instruction": "Go up."}],
            "area": {"zips": ["11201"]},
        }
    )


async def test_a_hub_backed_up_in_the_middle_of_an_alert_stands_again_and_sends_nobody_anything_twice(hub: Hub, tmp_path: Path) -> None:
    alert = await hub.publishing.submit(flood(), PUBLISHER)
    await progressed(hub.publishing, alert.id, lambda state: bool(state.settled))
    await take(hub.database, Keys(hub.keyring.to_bytes()), WORDS, tmp_path / "file", time.time, told=untold, cost=CHEAP)
    await restore(settings_of(tmp_path / "new"), WORDS, tmp_path / "file", time.time, resume=False, told=untold)
    async with open_hub(settings_of(tmp_path / "new"), demo=False, port=0) as again:
        assert again.keyring.to_bytes() == hub.keyring.to_bytes()
        assert again.vapid_public_key == hub.vapid_public_key
        state = await again.publishing.progress(alert.id)
        assert (state.finished, state.simulated + state.uncertain) == (True, PEOPLE)
        after = await again.publishing.submit(flood(), PUBLISHER)
        state = await progressed(again.publishing, after.id)
        assert (state.matched, state.simulated) == (PEOPLE, PEOPLE)
        assert [finding.what for finding in await examine(again.settings) if not finding.fine] == []


async def test_a_drill_says_whether_it_would_work_and_keeps_nothing(hub: Hub, tmp_path: Path) -> None:
    del hub
    secret = {"TOCSIN_BACKUP_PASSPHRASE": WORDS, "TOCSIN_DATA": str(tmp_path / "old")}
    assert (await tocsin("backup", tmp_path / "file", **secret)).code == 0
    (tmp_path / "tmp").mkdir()
    ran = await tocsin("restore", tmp_path / "file", "--drill", TMPDIR=str(tmp_path / "tmp"), **secret)
    assert (ran.code, "This was a drill" in ran.out, "ledger: every counter equals its rows" in ran.out) == (0, True, True), ran
    assert list((tmp_path / "tmp").iterdir()) == []
    damaged = bytearray((tmp_path / "file").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "file").write_bytes(damaged)
    ran = await tocsin("restore", tmp_path / "file", "--drill", TMPDIR=str(tmp_path / "tmp"), **secret)
    assert (ran.code, ran.out, ran.err.count("\n"), "damaged" in ran.err) == (1, "", 1, True), ran
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "set TOCSIN_BACKUP_PASSPHRASE, or run this on a terminal"),
        ({"TOCSIN_BACKUP_PASSPHRASE": "short"}, "at least 12 characters"),
        ({"TOCSIN_BACKUP_PASSPHRASE": WORDS}, "there is no hub in"),
    ],
)
async def test_what_is_missing_is_said_in_one_line(tmp_path: Path, variables: dict[str, str], named: str) -> None:
    ran = await tocsin("backup", tmp_path / "file", "--data", tmp_path / "none", **variables)
    assert (ran.code, ran.out, named in ran.err, ran.err.count("\n")) == (1, "", True, 1), ran
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["fifo", "folder", "device", "open", "astray", "-", "missing/file", "letter/file"])
async def test_a_backup_takes_the_place_of_nothing_but_a_file(tmp_path: Path, where: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "letter").write_text("mine")
    (tmp_path / "device").symlink_to("/dev/full")
    (tmp_path / "open").symlink_to("/proc/self/exe")  # a regular file at its end, as /dev/stdout is behind >
    (tmp_path / "astray").symlink_to("missing/file")
    before = sorted(tmp_path.iterdir())
    settings = settings_of(tmp_path / "none")  # which is not even looked for
    with pytest.raises(BackupError, match=r"is no file|is no folder|standard output"):
        await back_up(settings, Path("-") if where == "-" else tmp_path / where, WORDS, untold)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "fifo").is_fifo()
    assert (tmp_path / "open").is_symlink()


async def test_a_backup_lands_where_a_link_leads(tmp_path: Path) -> None:
    home = file_in(tmp_path / "hub")
    upgrade(home.url)
    settled_in(home, [("email", "a@example.org")])
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "older").write_text("old")
    (tmp_path / "second").symlink_to("disk/older")
    (tmp_path / "latest").symlink_to("second")
    taken = await back_up(home.settings(), tmp_path / "latest", WORDS, untold)
    assert ((tmp_path / "latest").is_symlink(), (tmp_path / "second").is_symlink()) == (True, True)
    assert (tmp_path / "disk" / "older").stat().st_size == taken.size > len("old")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(BackupError, match="round: Too many levels"):
        await back_up(home.settings(), tmp_path / "round", WORDS, untold)
