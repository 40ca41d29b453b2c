"""A resident's video in an alert: only while it is public, and asked anew for each text that goes out (V3)."""

from __future__ import annotations

import json

import msgspec

from hub.incidents.video import VideoChanges
from tests.hub.publishing.conftest import PUBLISHER, City, document

URL = "https://video.example/watch/1"


async def words(city: City, incident: str) -> str:
    """The e-mail of a new alert about an incident."""
    alert = await city.publishing.submit(document(incident=incident), PUBLISHER)
    await city.finished(alert.id)
    ((copy,),) = await city.table("SELECT copy FROM outbox ORDER BY id DESC LIMIT 1")
    text: str = msgspec.json.decode(copy)["parts"]["text"]
    return text


async def test_a_video_is_shown_when_it_is_public_and_is_gone_when_it_is_taken_back(city: City) -> None:
    await city.people("zip=11201")
    opened = await city.hub.incidents.create(
        json.dumps({"title": "Flood", "place": {"zip": "11201"}}).encode(), PUBLISHER, city.hub.catalog
    )
    added = await city.hub.incidents.add_video(opened.id, json.dumps({"url": URL}).encode(), PUBLISHER)
    assert "/v/" not in await words(city, opened.id)
    await city.hub.incidents.change_video(added.manage, VideoChanges(public=True))
    shown = await words(city, opened.id)
    assert f"{city.hub.public_url}/v/{added.id}" in shown
    assert URL not in shown  # the link asks for consent at each click, the address itself would not
    await city.hub.incidents.remove_video(added.manage)
    assert "/v/" not in await words(city, opened.id)
    assert await city.hub.incidents.video_url(added.id) is None
