"""A hub that lost its keyring, or was given another's, says so at once instead of failing each message."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import URL

from channels.vapid import create_vapid_key
from hub.errors import SettingsError
from hub.keys import keyring_of, vapid_of
from hub.settings import Settings, load
from hub.store.database import Database
from subscriptions.vault import Keyring
from tests.databases import rows
from tests.hub.delivery.people import filled


def settings(folder: Path) -> Settings:
    return load(environ={"TOCSIN_DATA": str(folder)})


async def test_an_empty_hub_makes_its_keyring_and_a_used_one_never_does(tmp_path: Path, store: URL) -> None:
    async with Database(store) as database:
        ring = await keyring_of(settings(tmp_path), database)
        assert (await keyring_of(settings(tmp_path), database)).to_bytes() == ring.to_bytes()


async def test_a_lost_keyring_is_said_and_not_replaced(tmp_path: Path, store: URL) -> None:
    async with Database(filled(store, Keyring.generate(), [("email", "a@example.org")])) as database:
        with pytest.raises(SettingsError, match="keyring"):
            await keyring_of(settings(tmp_path), database)
    assert not (tmp_path / "keyring.json").exists()


async def test_another_hubs_keyring_is_refused(tmp_path: Path, store: URL) -> None:
    async with Database(store) as database:
        await keyring_of(settings(tmp_path), database)
        filled(store, Keyring.generate(), [("email", "a@example.org")])
        with pytest.raises(SettingsError, match="keyring"):
            await keyring_of(settings(tmp_path), database)


async def test_all_nodes_of_a_database_have_one_web_push_key_and_one_keyring(tmp_path: Path, store: URL) -> None:
    async with Database(store) as database:
        ring = await keyring_of(settings(tmp_path / "first"), database)
        key = await vapid_of(settings(tmp_path / "first"), database, ring)
        assert await vapid_of(settings(tmp_path / "second"), database, ring) == key
        with pytest.raises(SettingsError, match="keyring"):
            await keyring_of(settings(tmp_path / "second"), database)
    assert key not in str(rows(store, "SELECT * FROM secret"))


async def test_the_web_push_key_of_an_earlier_release_is_taken_over(tmp_path: Path, store: URL) -> None:
    pem = create_vapid_key()
    (tmp_path / "vapid.pem").write_text(pem)
    async with Database(store) as database:
        ring = await keyring_of(settings(tmp_path), database)
        assert await vapid_of(settings(tmp_path), database, ring) == pem
