"""What a power failure leaves of a SQLite database in WAL mode: all that was synchronised, and of the rest whatever the disk pleases.

With ``synchronous=FULL`` SQLite writes a transaction's frames to the log, synchronises it, and only then tells in the index that so many
frames count; before that no commit returns. The index outlives the process that was killed, so it says what must still be there. Pages of
the database file itself are written by checkpoints alone, so any page that the log still holds may be half written.

The formats: https://www.sqlite.org/fileformat2.html#walformat and https://www.sqlite.org/walformat.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from random import Random

_HEADER, _FRAME = 32, 24
_INDEX = struct.Struct("=16xI12x8s")
"""Of the index's head: how many frames count, and the salts of the log that it speaks of."""


@dataclass(frozen=True)
class Log:
    """The log and what of it is on disk for certain."""

    content: bytes
    synced: int
    """Bytes."""
    held: tuple[int, ...]
    """Pages whose newest content is in that part."""
    page_size: int


def read_log(database: Path) -> Log:
    """The log of a database whose processes were killed."""
    log, index = (database.with_name(f"{database.name}-{end}") for end in ("wal", "shm"))
    content = log.read_bytes() if log.exists() else b""
    if len(content) < _HEADER or not index.exists():
        return Log(content, len(content), (), 0)
    frames, salts = _INDEX.unpack_from(index.read_bytes())
    page_size = int.from_bytes(content[8:12])
    if content[16:24] != salts:  # all of it is in the database already, and the next transaction begins the log anew
        return Log(content, len(content), (), page_size)
    starts = range(_HEADER, _HEADER + frames * (_FRAME + page_size), _FRAME + page_size)
    held = {int.from_bytes(content[start : start + 4]) for start in starts}
    return Log(content, starts.stop, tuple(sorted(held)), page_size)


def cut_power(database: Path, random: Random) -> str:
    """Do to the files of a hub that was killed what a power failure may do; says what it was."""
    log = read_log(database)
    cut = random.randint(log.synced, len(log.content))
    rest = random.choice((b"", bytes(4096), random.randbytes(random.randint(1, 9000))))
    database.with_name(f"{database.name}-wal").write_bytes(log.content[:cut] + rest)
    torn = _tear(database, log, random) if random.random() < 0.5 else 0
    if random.random() < 0.5:
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
    return f"the log of {len(log.content)} bytes, {log.synced} of them synced, cut at {cut}; {torn} pages torn"


def _tear(database: Path, log: Log, random: Random) -> int:
    """Half a checkpoint: pages that the log still holds become rubbish. Not the first, whose head says that there is a log."""
    held = [page for page in log.held if 1 < page <= database.stat().st_size // log.page_size]
    chosen = random.sample(held, random.randint(0, len(held)))
    with database.open("r+b") as file:
        for page in chosen:
            file.seek((page - 1) * log.page_size)
            file.write(random.randbytes(log.page_size))
    return len(chosen)
