"""What was stopped elsewhere, and how long that knowledge holds: whoever has not heard the others for so long begins nobody.

A signal tells of a stop at once. It may be lost, its node may hang or be cut off, and a stop must end hand-overs all the same: so a sender
begins somebody only for HEED_S after stops were last looked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from hub.delivery.ledger.ledger import Ledger

LOOK_S = 0.5
HEED_S = 1.8
"""With a moment for what has just been begun, a stop ends hand-overs within two seconds on every node."""

log = structlog.get_logger()


class Stops:
    """`run` looks until it is cancelled."""

    def __init__(self, ledger: Ledger, held: Callable[[], set[int]], hold: Callable[[int], None], looked: Callable[[], None]) -> None:
        """`held` names the mailings in hand here, `hold` is told those of them that were stopped, `looked` is called after each look."""
        self._ledger, self._held, self._hold, self._looked = ledger, held, hold, looked
        self._at = time.monotonic()
        self.unwritten = set[int]()
        """Mailings whose stop could not be written yet: each new sender is told."""

    @property
    def known_until(self) -> float:
        """By `time.monotonic`. Where one process has the database, stops are its own."""
        return (self._at if self._ledger.is_shared else time.monotonic()) + HEED_S

    async def run(self) -> None:
        """A look that fails is tried again, and what is known grows old meanwhile."""
        while True:
            began = time.monotonic()
            try:
                held = self._held()
                for mailing in await self._ledger.stopped(held) if held else []:
                    self._hold(mailing)
                self._at = began
            except Exception as error:  # noqa: BLE001 - whatever the database has
                log.error("stops_not_read", error=type(error).__name__)  # noqa: TRY400 - a traceback may hold the database's address
            self._looked()
            await asyncio.sleep(LOOK_S)
