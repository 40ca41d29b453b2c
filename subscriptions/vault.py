"""The keys of a hub, and what is done with them: addresses are sealed at rest and found again only by a keyed hash.

Sealing is AES-GCM (NIST SP 800-38D) with a random 12-byte nonce in front and the channel as associated data, so that a sealed mail
address can't be passed off as a phone number. The id of the sealing key stands beside each row: new rows take the newest key and any
key still in the ring opens, which is all that a rotation needs. The index key never rotates, since lookups must keep finding.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from subscriptions.errors import VaultError

FILE_NAME = "keyring.json"
KEY_BYTES = 32
NONCE_BYTES = 12
_HOW_TO_MEND = "restore keyring.json from the backup that goes with this database"


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """keyring.json; msgspec writes bytes as base64."""

    active: int
    seal: dict[int, bytes]
    index: bytes
    links: bytes
    webhooks: bytes

    def __repr__(self) -> str:
        return "<keyring document>"


class Keyring:
    """All keys of one hub. Its repr and its errors show none of them."""

    def __init__(self, document: _Document) -> None:
        _check(document)
        self._document = document
        self._active = document.active
        self._ciphers = {key_id: AESGCM(key) for key_id, key in document.seal.items()}
        self._index = hashlib.blake2b(key=document.index, digest_size=32, person=b"address")
        self.link_key = document.links
        self.webhook_key = document.webhooks

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._ciphers)} sealing keys, active {self._active}>"

    @classmethod
    def generate(cls) -> Keyring:
        """A new ring of random keys, kept nowhere."""
        seal = {1: secrets.token_bytes(KEY_BYTES)}
        index, links, webhooks = (secrets.token_bytes(KEY_BYTES) for _ in range(3))
        return cls(_Document(active=1, seal=seal, index=index, links=links, webhooks=webhooks))

    @classmethod
    def from_bytes(cls, raw: bytes | str) -> Keyring:
        """The ring that `to_bytes` wrote. Raises VaultError without a word of the contents."""
        try:
            return cls(msgspec.json.decode(raw, type=_Document))
        except (msgspec.DecodeError, ValueError):
            # The parser's own message may quote a key.
            raise VaultError(f"the keyring is not readable: {_HOW_TO_MEND}") from None

    def to_bytes(self) -> bytes:
        """The whole ring as JSON: for the file, and for sender processes over their own pipe."""
        return msgspec.json.encode(self._document)

    def seal(self, channel: str, text: str) -> tuple[int, bytes]:
        """Encrypt an address with the newest key. Returns the key's id and nonce + ciphertext + tag."""
        nonce = os.urandom(NONCE_BYTES)
        return self._active, nonce + self._ciphers[self._active].encrypt(nonce, text.encode(), channel.encode())

    def open(self, channel: str, key_id: int, sealed: bytes) -> str:
        """Decrypt an address. Raises VaultError when the key is not here, or the bytes or the channel are not those that were sealed."""
        try:
            return self._ciphers[key_id].decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], channel.encode()).decode()
        except KeyError:
            raise VaultError(f"the keyring has no sealing key {key_id}: {_HOW_TO_MEND}") from None
        except (InvalidTag, ValueError):
            raise VaultError(f"a sealed {channel} address does not open with key {key_id}: wrong keyring or damaged row") from None

    def lookup(self, channel: str, canonical: str) -> bytes:
        """32 bytes by which an address is found again: keyed BLAKE2b (RFC 7693) of its channel and canonical form."""
        state = self._index.copy()
        state.update(f"{channel}\0{canonical}".encode())
        return state.digest()


def open_keyring(folder: Path, inline: str = "", *, create: bool = False) -> Keyring:
    """The ring in the setting when there is one, else that of ``keyring.json`` in the folder; with `create` it is made when there is none.

    Whoever has sealed addresses already never creates: a new ring would open none of them.

    Raises VaultError when it can't be read, or when others than its owner may read the file.
    """
    if inline:
        return Keyring.from_bytes(inline)
    file = folder / FILE_NAME
    if not file.exists():
        if not create:
            raise VaultError(f"{file} is missing, and without it no address can be opened: bring it back from a backup")
        _create(file, Keyring.generate().to_bytes())
    _refuse_loose_mode(file)
    try:
        return Keyring.from_bytes(file.read_bytes())
    except OSError as error:
        raise VaultError(f"{file}: {error.strerror}") from None


def _check(document: _Document) -> None:
    if document.active not in document.seal:
        raise VaultError(f"the keyring's active key is not in it: {_HOW_TO_MEND}")
    if {len(key) for key in (*document.seal.values(), document.index, document.links, document.webhooks)} != {KEY_BYTES}:
        raise VaultError(f"each key of the keyring must be the base64 of {KEY_BYTES} bytes")


def _create(file: Path, content: bytes) -> None:
    """Write the file whole or not at all; when another process was faster, its ring stands."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{FILE_NAME}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # A link fails where a rename would overwrite the keys of a process that started at the same moment.
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_loose_mode(file: Path) -> None:
    if os.name == "posix" and file.stat().st_mode & 0o077:
        raise VaultError(f"{file} may be read by others than its owner: chmod 600 {file}")


def hash_token(token: str) -> bytes:
    """How a random token is kept: SHA-256, since 32 random bytes need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    """32 random bytes as base64url, 43 characters."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
