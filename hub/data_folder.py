"""The data folder of one node: nobody else runs on it, and samples and real people never share it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.errors import SettingsError

DEMO_MARK = "this-is-a-demonstration"


@contextmanager
def held(folder: Path, *, demo: bool) -> Iterator[None]:
    """Lock the folder: a second hub on the same SQLite file would take the first one's leases for void. Raises SettingsError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
    except OSError as error:
        raise SettingsError(f"TOCSIN_DATA: {folder}: {error.strerror}; name a folder that this user can write to") from None
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
