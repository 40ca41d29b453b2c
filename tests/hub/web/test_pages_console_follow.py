"""What follows an alert in the console keeps what the alert said in languages that an empty form has no fields for."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from tests.hub.web.conftest import Parts
from tests.hub.web.test_pages_console import fields_of, page, press, publish

RUSSIAN = {"language": "ru", "headline": "Вода поднимается", "description": "Идёт дождь.", "instruction": "Не выходите."}
ONSET = "2026-11-18T07:00:00-05:00"


@pytest.fixture
async def followed(hub: Parts) -> Any:
    return await publish(hub, infos=[*hub.alert()["infos"], RUSSIAN], onset=ONSET)


def _typed(form: str) -> dict[str, str]:
    """The fields of a form in which no box is ticked."""
    return {name: text for name, text in fields_of(form).items() if name not in {"boroughs", "citywide", "topics"}}


async def sent(hub: Parts, client: TestClient, form: str, **more: str) -> Any:
    """The document that came of a form: previewed, then sent as it was shown."""
    status, _, shown = await press(client, "/console/compose", "/console/compose/preview", **(_typed(form) | more))
    assert status == 200
    status, location, _ = await press(client, "/console/compose", "/console/compose", **fields_of(shown))
    assert status == 303
    stored = await hub.alerts.get(location.rpartition("/")[2])
    assert stored is not None
    return stored.document


async def test_an_update_shows_and_keeps_the_words_of_other_languages_and_when_it_begins(
    hub: Parts, logged_in: str, client: TestClient, followed: Any
) -> None:
    form = await page(client, f"/console/compose?update={followed.id}")
    assert "In Русский" in form
    assert "Begins at 7:00 AM on Wed, Nov 18, 2026, as the one before said." in form
    chosen = {name: getattr(followed.document, name) for name in ("category", "severity", "urgency", "certainty")}
    update = await sent(hub, client, form, duration="4", **chosen)
    assert update.msgType == "Update"
    assert update.infos == followed.document.infos
    assert update.onset == followed.document.onset


async def test_a_call_off_in_own_words_keeps_the_headline_of_other_languages_and_nothing_to_do(
    hub: Parts, logged_in: str, client: TestClient, followed: Any
) -> None:
    form = await page(client, f"/console/compose?cancel={followed.id}")
    cancel = await sent(hub, client, form)
    assert (cancel.msgType, cancel.onset) == ("Cancel", None)
    assert [(info.language, info.instruction) for info in cancel.infos] == [("en-US", ""), ("ru", "")]
    assert cancel.infos[1].headline == RUSSIAN["headline"]


async def test_an_empty_form_has_fields_for_english_and_spanish_only(logged_in: str, client: TestClient) -> None:
    form = await page(client, "/console/compose")
    assert 'name="headline_es"' in form
    assert 'name="headline_ru"' not in form
