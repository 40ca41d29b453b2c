"""The envelope of a backup: a passphrase opens it, and a file that was cut, reordered, changed or lengthened does not open.

::

    header   magic 8 | version 1 | Argon2id passes 4, KiB 4, lanes 4 | salt 16 | proof 32 | checksum 8
    chunk    length 4 | AES-256-GCM of at most 1 MiB, deflated; as many as there are
    last     the same, marked as the last

The nonce of a chunk is its number and whether it is the last (the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár 2015), the
header is associated data of each. Key and proof are the two halves of one Argon2id (RFC 9106, section 4, second recommendation) of the
passphrase under a salt that no other file has: the proof tells a wrong passphrase from a damaged file, and a guess costs as much as ever.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import zlib
from typing import BinaryIO

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import BackupError

CHUNK = 1 << 20
_MAGIC = b"TOCSINBK"
_VERSION = 1
_HEAD = struct.Struct(">8sBIII16s32s")
_LENGTH = struct.Struct(">I")
_NONCE = struct.Struct(">QI")
_CHECKSUM_BYTES = 8
_LONGEST = CHUNK + 4096  # deflate makes what can't be packed a little longer, and the tag takes 16


class Cost(msgspec.Struct, frozen=True):
    """What one guess of the passphrase costs: passes over so many KiB of memory in so many lanes."""

    passes: int = 3
    kibibytes: int = 64 * 1024
    lanes: int = 4


_MOST = Cost(passes=32, kibibytes=1 << 20, lanes=64)
"""A header that asks for more was not written by us and would only stall whoever reads it."""


class Sealer:
    """Writes an envelope; what is not closed has no end and is refused by every reader."""

    def __init__(self, file: BinaryIO, passphrase: str, cost: Cost = Cost()) -> None:  # noqa: B008 - frozen
        salt = os.urandom(16)
        key, proof = _derive(passphrase, salt, cost)
        head = _HEAD.pack(_MAGIC, _VERSION, cost.passes, cost.kibibytes, cost.lanes, salt, proof)
        self._file, self._cipher, self._header = file, AESGCM(key), head + _checksum(head)
        self._number = 0
        self._waiting = bytearray()
        file.write(self._header)

    def write(self, data: bytes) -> None:
        """Add some bytes."""
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def close(self) -> None:
        """Write the chunk that says: this is all."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, data: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_NONCE.pack(self._number, last), zlib.compress(data, 1), self._header)
        self._file.write(_LENGTH.pack(len(sealed)) + sealed)
        self._number += 1


class Opener:
    """Reads an envelope from its start. Raises BackupError, always before a changed byte is given out."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._file = file
        self._header = _read_header(file)
        _, _, passes, kibibytes, lanes, salt, proof = _HEAD.unpack(self._header[: _HEAD.size])
        key, expected = _derive(passphrase, salt, Cost(passes, kibibytes, lanes))
        if not hmac.compare_digest(proof, expected):
            raise BackupError("this is not the passphrase that the backup was wrapped with")
        self._cipher = AESGCM(key)
        self._number = 0
        self._open = bytearray()
        self._ended = False

    def read(self, count: int) -> bytes:
        """Exactly so many bytes. Raises BackupError when there are fewer."""
        while len(self._open) < count:
            if self._ended:
                raise BackupError("the backup's contents end too early: it was not written by a release of this hub")
            self._open += self._next()
        taken = bytes(self._open[:count])
        del self._open[:count]
        return taken

    def finish(self) -> None:
        """Raises BackupError unless everything was read and nothing follows."""
        while not self._ended:
            self._open += self._next()
        if self._open or self._file.read(1):
            raise BackupError("the backup goes on behind its end: it was put together by somebody else")

    def _next(self) -> bytes:
        sealed = self._sealed()
        for last in (False, True):
            try:
                deflated = self._cipher.decrypt(_NONCE.pack(self._number, last), sealed, self._header)
            except InvalidTag:
                continue
            self._number += 1
            self._ended = last
            return zlib.decompressobj().decompress(deflated, CHUNK)
        raise BackupError(f"the backup is damaged: part {self._number + 1} was changed, or stands where another one belongs")

    def _sealed(self) -> bytes:
        raw = self._file.read(_LENGTH.size)
        if len(raw) == _LENGTH.size:
            (length,) = _LENGTH.unpack(raw)
            if length > _LONGEST:
                raise BackupError(f"the backup is damaged: part {self._number + 1} has an impossible length")
            sealed = self._file.read(length)
            if len(sealed) == length:
                return sealed
        raise BackupError(f"the backup is cut off after part {self._number}: copy it again, whole, or take an older one")


def _read_header(file: BinaryIO) -> bytes:
    header = file.read(_HEAD.size + _CHECKSUM_BYTES)
    if header[: len(_MAGIC)] != _MAGIC:
        raise BackupError("this file is not a backup of a hub")
    if len(header) < _HEAD.size + _CHECKSUM_BYTES:
        raise BackupError("the backup is cut off in its first bytes: copy it again, whole, or take an older one")
    _, version, passes, kibibytes, lanes, _, _ = _HEAD.unpack(header[: _HEAD.size])
    if version != _VERSION:
        raise BackupError(f"the backup is of format {version}, this release reads {_VERSION}: restore it with the release that wrote it")
    wild = passes > _MOST.passes or kibibytes > _MOST.kibibytes or lanes > _MOST.lanes
    if wild or header[_HEAD.size :] != _checksum(header[: _HEAD.size]):
        raise BackupError("the backup is damaged in its first bytes: take another copy")
    return header


def _checksum(head: bytes) -> bytes:
    return hashlib.sha256(head).digest()[:_CHECKSUM_BYTES]


def _derive(passphrase: str, salt: bytes, cost: Cost) -> tuple[bytes, bytes]:
    raw = hash_secret_raw(passphrase.encode(), salt, cost.passes, cost.kibibytes, cost.lanes, 64, Type.ID)
    return raw[:32], raw[32:]
