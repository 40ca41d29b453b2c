"""A residents' service, and what text messages meet of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from hub.sms.dialog import Dialog, Names
from hub.sms.inbox import Inbound, Inbox
from hub.sms.keywords import keywords
from hub.sms.reading import Reader
from hub.sms.words import Sentences
from subscriptions.areas import AreaCatalog, open_city
from subscriptions.views import SubscriptionView
from tests.subscriptions.residents import Residents, opened

NUMBER, OWN = "+17185550123", "+12125550100"


class Phone:
    """One number that texts to the hub."""

    def __init__(self, residents: Residents, number: str = NUMBER) -> None:
        self.residents, self.number = residents, number
        enrolment = residents.enrolment
        reader, names = Reader(keywords(), residents.catalog), Names("Tocsin", "New York City", "https://alerts.example")
        dialog = Dialog(enrolment.own_address, enrolment.answering, reader, Sentences(), residents.catalog, names, residents.clock)
        self.inbox = Inbox(enrolment.answering, dialog, OWN)
        self._ids = 0

    async def text(self, words: str, **more: object) -> str | None:
        """Send words; what came back to any phone for it, None for nothing."""
        self._ids += 1
        message = {"sender": self.number, "text": words, "id": f"SM{self.number}{self._ids}"} | more
        before = len(await self.answers())
        await self.inbox.receive(Inbound(**message))  # type: ignore[arg-type]  # its fields by name
        said = (await self.answers())[before:]
        assert len(said) <= 1
        return said[0] if said else None

    async def answers(self) -> list[str]:
        letters = await self.residents.letters("sms")
        return [letter.parameters["text"] for letter in letters if letter.purpose == "answer"]

    async def view(self) -> SubscriptionView | None:
        return await self.residents.enrolment.own_address.view("sms", self.number)

    async def places(self) -> list[str | None]:
        view = await self.view()
        return [place.zip or place.neighborhood or place.borough for place in view.places] if view is not None else []


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")


@pytest.fixture
async def residents(store: URL, catalog: AreaCatalog) -> AsyncIterator[Residents]:
    async with opened(store, catalog, limits=True) as service:
        yield service


@pytest.fixture
def phone(residents: Residents) -> Phone:
    return Phone(residents)


@pytest.fixture(scope="session")
def reader(catalog: AreaCatalog) -> Reader:
    return Reader(keywords(), catalog)
