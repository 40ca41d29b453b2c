"""`tocsin restore`: a hub from a backup, what is not in it any more, and whether everything holds; or only a drill of that."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hub.backup.restoring import Restored, restore
from hub.backup.taking import Told
from hub.clock import instant
from hub.commands.check import Finding, examine
from hub.settings import Settings


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` for people; `findings` of `tocsin check` on what was restored."""

    lines: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def fine(self) -> bool:
        """Whether the restored hub holds in everything that is checked."""
        return all(finding.fine for finding in self.findings)


async def bring_back(settings: Settings, file: Path, passphrase: str, told: Told, *, resume: bool) -> Report:
    """Restore into the empty place that the settings name. Raises BackupError, SettingsError; nothing is left of it then."""
    began = time.monotonic()
    restored = await restore(settings, passphrase, file, time.time, resume=resume, told=told)
    took = time.monotonic() - began
    return Report(lines=(*recovery(restored, took), *aftermath(restored, resume=resume)), findings=tuple(await examine(settings)))


async def drill(settings: Settings, file: Path, passphrase: str, told: Told) -> Report:
    """The same into a folder that is gone afterwards: proves that the backup and its passphrase make a hub, and how long it takes."""
    with tempfile.TemporaryDirectory(prefix="tocsin-drill-") as folder:
        elsewhere = settings.replace("drill", data=str(Path(folder) / "data"), database="", keyring="")
        began = time.monotonic()
        restored = await restore(elsewhere, passphrase, file, time.time, resume=False, told=told)
        took = time.monotonic() - began
        findings = await examine(elsewhere)
    return Report(lines=(*recovery(restored, took), "This was a drill: nothing of it was kept."), findings=tuple(findings))


def recovery(restored: Restored, took: float) -> Iterator[str]:
    """The recovery point and the recovery time."""
    age = max(0.0, (restored.restored_at - restored.taken_at) / 1000)
    moment = instant(restored.taken_at / 1000).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield f"Recovery point: {moment}, {span(age)} before this restore. What happened since is not in it."
    yield f"{restored.rows:,} rows in {span(took)}."


def aftermath(restored: Restored, *, resume: bool) -> Iterator[str]:
    """What a person must know before this hub goes on in place of the lost one."""
    left = restored.unfinished
    if left.messages and resume:
        yield f"{left.messages:,} messages that were under way go out when the hub starts; whom the lost hub had reached gets them twice."
    elif left.messages:
        yield (
            f"{left.messages:,} messages were under way. The lost hub may have sent them: they are uncertain now and do not go out again."
            " To reach those people, publish an update of the alert; a call-off goes to them too."
        )
    if left.alerts:
        yield f"Alerts under way: {', '.join(left.alerts)}"
    if left.unplanned and not resume:
        yield (
            f"Had just gone live, to whom is not known: {', '.join(left.unplanned)}."
            " It stays live. Publish an update: it reaches everyone whom the alert was for."
        )
    if left.owed and not resume:
        yield f"{left.owed:,} people had just joined or moved; what was live then does not go to them."
    if left.awaiting_approval:
        yield f"{left.awaiting_approval} alerts wait for approval: look whether they went out since, before anyone approves them."
    yield "Unsubscriptions, sign-ups and disabled log-ins since the recovery point are lost: see docs/reliability.md for what to do first."


def span(seconds: float) -> str:
    """A duration for people."""
    if seconds < 120:
        return f"{seconds:.1f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
