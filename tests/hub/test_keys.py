"""A hub that lost its keyring, or was given another's, says so at once instead of failing each message."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.keys import keyring_of
from hub.settings import Settings, load
from hub.store.database import Database
from subscriptions.vault import Keyring
from tests.hub.delivery.people import filled


def settings(folder: Path) -> Settings:
    return load(environ={"TOCSIN_DATA": str(folder)})


async def test_an_empty_hub_makes_its_keyring_and_a_used_one_never_does(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{filled(tmp_path, Keyring.generate(), [])}") as database:
        ring = await keyring_of(settings(tmp_path), database)
        assert (await keyring_of(settings(tmp_path), database)).to_bytes() == ring.to_bytes()


async def test_a_lost_keyring_is_said_and_not_replaced(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{filled(tmp_path, Keyring.generate(), [('email', 'a@example.org')])}") as database:
        with pytest.raises(SettingsError, match="keyring"):
            await keyring_of(settings(tmp_path), database)
    assert not (tmp_path / "keyring.json").exists()


async def test_another_hubs_keyring_is_refused(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{filled(tmp_path / 'b', Keyring.generate(), [])}") as database:
        await keyring_of(settings(tmp_path), database)
    async with Database(f"sqlite:///{filled(tmp_path, Keyring.generate(), [('email', 'a@example.org')])}") as database:
        with pytest.raises(SettingsError, match="keyring"):
            await keyring_of(settings(tmp_path), database)
