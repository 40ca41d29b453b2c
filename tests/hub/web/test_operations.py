"""The probes."""

from __future__ import annotations

import pytest

from hub.errors import HubError, SettingsError


async def test_it_lives_whatever_else_is_away(client, hub) -> None:
    hub.parts = {"publish": "the disk is full", "delivery": "no sender process runs"}
    async with client.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"publish": "ok", "delivery": "ok"}, 200),
        ({"publish": "ok", "delivery": "ok", "provider:email": "refused the connection"}, 200),
        ({"publish": "the disk is full", "delivery": "ok"}, 503),
        ({"publish": "ok", "delivery": "no sender process runs"}, 503),
        ({"publish": "ok"}, 503),
    ],
)
async def test_it_is_ready_when_it_can_publish_and_hand_over_and_names_what_is_away(client, hub, parts, status: int) -> None:
    hub.parts = parts
    async with client.get("/readyz") as response:
        assert (response.status, await response.json()) == (status, {"ready": status == 200, "parts": parts})


async def test_figures_are_in_prometheus_format(client) -> None:
    async with client.get("/metrics") as response:
        text = await response.text()
        assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert "# TYPE tocsin_people gauge" in text


async def test_every_kind_of_error_is_explained_at_its_type(client) -> None:
    kinds = [kind for kind in HubError.__subclasses__() if kind is not SettingsError]
    for slug in [kind.slug for kind in kinds] + ["internal", "method-not-allowed"]:
        async with client.get(f"/problems/{slug}") as response:
            body = await response.json()
        assert (response.status, body["type"]) == (200, f"http://alerts.example/problems/{slug}")
        assert body["meaning"]
    async with client.get("/problems/nothing") as response:
        assert response.status == 404
