"""Keys: made once, kept private, rotated without losing what older keys had sealed."""

from __future__ import annotations

import base64
import json
import stat
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from subscriptions.errors import VaultError
from subscriptions.vault import Keyring, open_keyring

ADDRESS = "someone@example.org"


def test_the_first_start_makes_a_private_file_and_later_starts_read_it(tmp_path: Path) -> None:
    first = open_keyring(tmp_path, create=True)
    key_id, sealed = first.seal("email", ADDRESS)
    assert open_keyring(tmp_path, create=True).open("email", key_id, sealed) == ADDRESS
    assert stat.S_IMODE((tmp_path / "keyring.json").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["keyring.json"]


def test_processes_that_start_together_agree_on_one_ring(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        rings = list(pool.map(lambda _: open_keyring(tmp_path, create=True).to_bytes(), range(64)))
    assert len(set(rings)) == 1


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_keyring(tmp_path, create=True)
    (tmp_path / "keyring.json").chmod(0o644)
    with pytest.raises(VaultError, match="chmod 600"):
        open_keyring(tmp_path, create=True)


def test_the_setting_takes_the_place_of_the_file(tmp_path: Path) -> None:
    ring = Keyring.generate()
    assert open_keyring(tmp_path, ring.to_bytes().decode()).to_bytes() == ring.to_bytes()
    assert list(tmp_path.iterdir()) == []


def test_equal_addresses_are_sealed_differently_and_found_alike() -> None:
    ring = Keyring.generate()
    assert ring.seal("email", ADDRESS) != ring.seal("email", ADDRESS)
    assert ring.lookup("email", ADDRESS) == ring.lookup("email", ADDRESS)
    assert ring.lookup("email", ADDRESS) != ring.lookup("sms", ADDRESS)
    assert ring.lookup("email", ADDRESS) != Keyring.generate().lookup("email", ADDRESS)
    assert ADDRESS.encode() not in ring.seal("email", ADDRESS)[1]


def test_a_sealed_address_opens_only_as_what_it_was_sealed(tmp_path: Path) -> None:
    """Another channel, another ring, a changed bit and a cut row all fail, and no error shows the address or a key."""
    ring = Keyring.generate()
    key_id, sealed = ring.seal("email", ADDRESS)
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for opener, channel, number, data in (
        (ring, "sms", key_id, sealed),
        (Keyring.generate(), "email", key_id, sealed),
        (ring, "email", key_id, flipped),
        (ring, "email", key_id, sealed[:5]),
        (ring, "email", key_id, b""),
        (ring, "email", key_id + 1, sealed),
    ):
        with pytest.raises(VaultError) as caught:
            opener.open(channel, number, data)
        assert ADDRESS not in "".join(traceback.format_exception(caught.value))


def test_a_new_key_seals_and_an_old_one_still_opens() -> None:
    ring = Keyring.generate()
    old_id, old = ring.seal("email", ADDRESS)
    document = json.loads(ring.to_bytes())
    document["seal"]["2"] = base64.b64encode(b"k" * 32).decode()
    document["active"] = 2
    rotated = Keyring.from_bytes(json.dumps(document))
    assert rotated.open("email", old_id, old) == ADDRESS
    assert rotated.seal("email", ADDRESS)[0] == 2
    assert rotated.lookup("email", ADDRESS) == ring.lookup("email", ADDRESS)


@pytest.mark.parametrize(
    "change",
    [
        {"active": 9},
        {"index": base64.b64encode(b"short").decode()},
        {"links": "not base64!"},
        {"extra": 1},
        {"seal": {}},
        {"webhooks": None},
    ],
)
def test_a_damaged_ring_is_refused_without_its_contents(change: dict[str, object]) -> None:
    document = json.loads(Keyring.generate().to_bytes())
    secrets = [*document["seal"].values(), document["index"], document["links"], document["webhooks"]]
    with pytest.raises(VaultError) as caught:
        Keyring.from_bytes(json.dumps(document | change))
    assert not any(secret in "".join(traceback.format_exception(caught.value)) for secret in secrets)


def test_no_repr_shows_a_key() -> None:
    ring = Keyring.generate()
    document = json.loads(ring.to_bytes())
    shown = f"{ring!r} {ring} {vars(ring)}"
    for secret in (*document["seal"].values(), document["index"]):
        assert secret not in shown
        assert repr(base64.b64decode(secret)) not in shown


def test_a_ring_that_is_missing_is_not_made_anew_for_addresses_that_are_sealed(tmp_path):
    with pytest.raises(VaultError, match="missing"):
        open_keyring(tmp_path)
    assert not list(tmp_path.iterdir())
