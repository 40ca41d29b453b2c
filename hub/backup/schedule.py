"""Backups that the running hub takes by itself: due when the newest in its folder is old enough, whichever process took that one.

Each is taken by `tocsin backup` in a process of its own with a low priority, so an alert that goes out meanwhile is not held up. One that
fails is said in the log, in a metric and in /readyz, and tried again soon; older ones are deleted only after a new one is there.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias

import structlog

from hub.clock import Clock, instant
from hub.errors import SettingsError
from hub.metrics import Metrics
from hub.settings import Settings

LOOK_EVERY_S = 60.0
AGAIN_AFTER_S = 900.0
LATE = 1.5
"""A backup older than this many intervals is late, and /readyz says so."""
AHEAD_S = 300.0
"""How much the clocks of hubs that share a folder may differ."""
LEFT_S = 3600.0
"""Nobody has written to an unfinished backup for so long: nobody will."""
SHORTEST_PASSPHRASE = 12
"""Characters: the file may lie anywhere, and whoever has it may guess for years."""
_NAME = re.compile(r"tocsin-(\d{8}T\d{6})Z\.backup")
_DRAFT = re.compile(r"\.tocsin-\d{8}T\d{6}Z\.backup\..+")
"""Of one that was being taken."""
_TIME = "%Y%m%dT%H%M%S"
_CHILDS = ("database", "keyring", "backup_passphrase", "data")
"""Settings that the process must be told, wherever ours came from."""

Take: TypeAlias = Callable[[Path], Awaitable[str | None]]
"""Takes a backup into a file; returns why it failed, None when it did not."""

log = structlog.get_logger()


class Schedule:
    """One hub's backups. Raises SettingsError when it can't work as it is set."""

    def __init__(self, settings: Settings, clock: Clock, metrics: Metrics, take: Take | None = None) -> None:
        self.folder = Path(settings.backup) if settings.backup else None
        self._take, self._clock, self._metrics = take or partial(by_command, settings), clock, metrics
        self._every_s = settings.number("backup_every", 1, 8760) * 3600.0
        self._keep = settings.number("backup_keep", 1, 10_000)
        if self.folder is not None and len(settings.backup_passphrase) < SHORTEST_PASSPHRASE:
            raise SettingsError(f"TOCSIN_BACKUP needs TOCSIN_BACKUP_PASSPHRASE, of at least {SHORTEST_PASSPHRASE} characters")
        self._newest: float | None = None
        self._failed, self._failed_at = "", 0.0
        self._not_before = 0.0
        if self.folder is not None:
            metrics.backup_age.set_function(lambda: self._clock() - self._newest if self._newest is not None else float("inf"))

    @property
    def status(self) -> dict[str, str]:
        """For /readyz: the part ``backup``, or nothing when none are asked for."""
        if self.folder is None:
            return {}
        if self._failed:
            return {"backup": f"the last one failed: {self._failed}"}
        if self._newest is None:
            return {"backup": "there is none yet"}
        age = self._clock() - self._newest
        return {"backup": "ok" if age < LATE * self._every_s else f"the newest is {age / 3600:.0f} hours old"}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Take a backup if one is due."""
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _alone(self.folder) as ours:
                self._newest = max(self._found().values(), default=None)
                if self._newest is not None and self._newest > self._failed_at:  # another hub's went well
                    self._failed = ""
                if ours and self._due():
                    await self._backup(self.folder)
        except OSError as error:
            self._fail(f"{error.strerror}: {self.folder}")

    def _due(self) -> bool:
        now = self._clock()
        if self._not_before - now > AGAIN_AFTER_S:  # by a clock that was ahead
            self._not_before = now
        return now >= self._not_before and (self._newest is None or now - self._newest >= self._every_s)

    def _found(self) -> dict[Path, float]:
        """Our backups and when each was begun; nothing else in the folder is looked at, and never deleted.

        Nor is one that is yet to be begun: a clock was ahead then, and no other would be due until that time has come.
        """
        assert self.folder is not None  # noqa: S101 - asked only with one
        begun = ((path, _begun(path.name)) for path in self.folder.iterdir())
        return {path: at for path, at in begun if at is not None and at <= self._clock() + AHEAD_S}

    async def _backup(self, folder: Path) -> None:
        _sweep(folder)
        began = self._clock()
        file = folder / f"tocsin-{instant(began).strftime(_TIME)}Z.backup"
        if (why := await self._take(file)) is not None:
            self._fail(why)
            return
        self._newest, self._failed = float(int(began)), ""
        log.info("backup_taken", file=str(file), bytes=file.stat().st_size, seconds=round(self._clock() - began, 1))
        self._metrics.backups.labels("taken").inc()
        for old in sorted(self._found(), reverse=True)[self._keep :]:
            old.unlink()

    def _fail(self, why: str) -> None:
        self._failed, self._failed_at = why, self._clock()
        self._not_before = self._failed_at + AGAIN_AFTER_S
        log.error("backup_failed", reason=why)
        self._metrics.backups.labels("failed").inc()


def _sweep(folder: Path) -> None:
    """What was begun there by somebody who was killed meanwhile. Who is at it by hand, or outlives the hub that began it, still writes."""
    for draft in folder.iterdir():
        with suppress(FileNotFoundError):  # whoever wrote it may have ended this moment
            if _DRAFT.fullmatch(draft.name) and time.time() - draft.stat().st_mtime > LEFT_S:
                draft.unlink()


def _begun(name: str) -> float | None:
    """When a backup of this name was begun; None for whatever else lies there."""
    named = _NAME.fullmatch(name)
    try:
        return datetime.strptime(named[1], _TIME).replace(tzinfo=UTC).timestamp() if named else None
    except ValueError:  # a thirteenth month
        return None


async def by_command(settings: Settings, file: Path) -> str | None:
    """Run `tocsin backup FILE`; returns why it failed, None when it did not."""
    told = {f"TOCSIN_{name.upper()}": getattr(settings, name) for name in _CHILDS}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "backup", str(file), env=os.environ | told,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        for draft in file.parent.glob(f".{file.name}.*"):
            draft.unlink(missing_ok=True)  # of a process that was ended in the middle
    if process.returncode == 0:
        return None
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("tocsin: ") if lines else f"exit code {process.returncode}"


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else is at it: nodes that share a folder take turns, and then find that nothing is due."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
