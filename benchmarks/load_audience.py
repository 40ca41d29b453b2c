"""A start's reading of everyone into the audience, ready to be matched. Prints seconds."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from hub.delivery.audience_sync import AudienceSync
from hub.store.database import Database, database_url
from subscriptions.areas import open_city
from subscriptions.audience import Audience


async def main(folder: Path) -> None:
    """Load once."""
    catalog = open_city("nyc")
    async with Database(database_url("", folder)) as database:
        sync = AudienceSync(database, Audience(catalog), catalog)
        start = time.perf_counter()
        await sync.load()
        print(time.perf_counter() - start)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
