"""A sign-up with several addresses may be a stranger's: whoever confirms one of them says whose the others are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from tests.subscriptions.residents import Residents, service_on

ALONE = "Yes, for this address alone"


@pytest.fixture
async def residents(hub: Any) -> Residents:
    """The residents' service in place of the one that the frame's tests do without."""
    service = await service_on(hub.database, hub.catalog)
    hub.enrolment, hub.links = service.enrolment, service.links
    return service


async def links(residents: Residents, *addresses: str) -> list[str]:
    await residents.subscribe(*addresses)
    return ["/confirm/" + residents.token("confirm", letter) for letter in await residents.letters()]


@pytest.mark.parametrize(("fields", "shared"), [({"alone": "1"}, 1), ({}, 2)])
async def test_an_address_named_beside_others_shares_them_only_if_its_owner_says_so(
    residents: Residents, client: TestClient, fields: dict[str, str], shared: int
) -> None:
    other, own = await links(residents, "mallory@example.org", "a@example.org")
    async with client.post(other) as answer:
        assert answer.status == 200
    async with client.get(own) as answer:
        shown = await answer.text()
    assert "can see, change and end these alerts" in shown
    assert ALONE in shown
    async with client.post(own, data=fields) as answer:
        manage = re.search(r"/manage/([\w-]+)", await answer.text())
    assert manage is not None
    assert len((await residents.enrolment.view(manage[1])).channels) == shared


async def test_who_signed_up_alone_is_asked_nothing_of_others(residents: Residents, client: TestClient) -> None:
    (link,) = await links(residents, "a@example.org")
    async with client.get(link) as answer:
        assert ALONE not in await answer.text()
