"""The data folder of one hub: nobody else runs on it, samples and real people never share it, and its keys are made once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from channels.vapid import create_vapid_key
from hub.errors import SettingsError

DEMO_MARK = "this-is-a-demonstration"
VAPID_FILE = "vapid.pem"


@contextmanager
def held(folder: Path, *, demo: bool) -> Iterator[None]:
    """Lock the folder: a second hub on the same SQLite file would take the first one's leases for void. Raises SettingsError."""
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "lock", f"the data folder {folder}"):
        _mark(folder, demo=demo)
        yield


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock file while one hub runs. Raises SettingsError when another holds it."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"another hub runs on {what}: stop it, or choose another with --data") from None
        yield


def _mark(folder: Path, *, demo: bool) -> None:
    mark, used = folder / DEMO_MARK, any(folder.glob("*.db"))
    if demo and used and not mark.exists():
        raise SettingsError(f"{folder} belongs to a real hub: start the demonstration with another --data folder")
    if not demo and mark.exists():
        raise SettingsError(f"{folder} belongs to a demonstration: choose another --data folder")
    if demo:
        mark.touch()


def vapid_key(folder: Path) -> str:
    """PEM of the P-256 key that identifies this hub to push services. Losing it ends every web push subscription."""
    file = folder / VAPID_FILE
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(create_vapid_key())
            out.flush()
            os.fsync(out.fileno())
    return file.read_text(encoding="ascii")
