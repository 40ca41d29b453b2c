"""People subscribed by a channel whose provider's setting is gone: everybody who should know is told, and nothing is promised."""

from __future__ import annotations

from pathlib import Path

from hub.delivery.providers import NONE
from tests.hub.one_node import bring, opened
from tests.hub.publishing.conftest import PUBLISHER, document


async def test_authors_and_whoever_runs_the_hub_are_told_of_a_channel_without_a_provider(tmp_path: Path) -> None:
    async with opened(tmp_path, outbox="0") as hub:
        await bring(hub, "email", "one@example.org", "two@example.org")
        preview = await hub.publishing.preview(document(), PUBLISHER)
        assert preview.by_channel == {"email": 2}
        assert (preview.forecast.seconds, preview.forecast.unprovided) == (None, {"email": 2})
        assert "This hub has no provider for email: 2 messages wait until it has one." in preview.warnings
        await hub.providers.look()
        readiness = await hub.readiness()
        assert readiness["provider:email"] == NONE
        assert (readiness["publish"], readiness["delivery"]) == ("ok", "ok")
    async with opened(tmp_path, outbox="1") as hub:
        preview = await hub.publishing.preview(document(), PUBLISHER)
        assert (preview.forecast.unprovided, preview.warnings) == ({}, [])
        await hub.providers.look()
        assert "provider:email" not in await hub.readiness()
