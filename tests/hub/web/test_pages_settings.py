"""The settings over HTTP, without JavaScript: every choice has a form of its own, and the page says in plain words what it means."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from hub.staff.actor import SYSTEM
from hub.web.language import PAGE_LANGUAGES
from subscriptions.views import SubscriptionView
from tests.hub.web.conftest import Parts
from tests.hub.web.forms import PUSH, errors, page, residents_on, title
from tests.subscriptions.residents import Residents

HOME = {"lat": 40.6937, "lon": -73.9903, "radius_m": 800, "label": "home"}


@pytest.fixture
async def residents(hub: Any) -> Residents:
    return await residents_on(hub)


class Settings:
    """One person's page."""

    def __init__(self, client: TestClient, residents: Residents, token: str) -> None:
        self._client, self._residents, self.token = client, residents, token
        self.path = f"/manage/{token}"

    async def page(self) -> str:
        return await page(self._client, self.path)

    async def send(self, action: str, status: int = 200, **fields: Any) -> str:
        return await page(self._client, self.path, "POST", status=status, data={"action": action} | fields)

    async def view(self) -> SubscriptionView:
        return await self._residents.enrolment.view(self.token)


async def settings(client: TestClient, residents: Residents, **fields: Any) -> Settings:
    return Settings(client, residents, await residents.resident(**fields))


def summary(text: str) -> str:
    found = re.search(r"<p><b>(You will get.*?)</b></p>", text, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"places": [HOME], "topics": ["crime", "weather"], "minimum_severity": "Moderate"},
            "You will get: weather and crime alerts, moderate or worse, within half a mile of home.",
        ),
        ({}, "You will get: all alerts, of any severity, in ZIP code 11201."),
        ({"topics": ["test"], "drills": True}, "You will get: drills and tests, of any severity, in ZIP code 11201."),
        (
            {"places": [{"borough": "Bronx"}, {"zip": "11201", "label": "A & B"}], "topics": ["fire"], "severities": {"fire": "Severe"}},
            "You will get: fire alerts, of any severity (fire: severe or worse), in the Bronx and in ZIP code 11201 (A &amp; B).",
        ),
        (
            {"places": [{"lat": 40.6937, "lon": -73.9903, "radius_m": 3000}, {"citywide": True}], "minimum_severity": "Extreme"},
            "You will get: all alerts, only when lives are in danger, within 1.9 miles of a point in 11201 and anywhere in New York City.",
        ),
    ],
)
async def test_the_page_says_in_a_sentence_what_one_gets(
    residents: Residents, client: TestClient, fields: dict[str, Any], sentence: str
) -> None:
    assert summary(await (await settings(client, residents, **fields)).page()) == sentence


async def test_the_sentence_is_in_the_persons_language(residents: Residents, client: TestClient) -> None:
    shown = await (await settings(client, residents, places=[HOME], topics=["crime"], language="es")).page()
    assert "Recibirá: alertas de delitos, de cualquier gravedad, a menos de media milla de home." in shown


async def test_places_are_added_named_and_removed_each_with_its_picture(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    assert "Added." in await mine.send("add", place="Astoria", label="work")
    shown = await mine.send("add", point="40.6937, -73.9903", radius_m="400", label="home")
    assert shown.count('<svg class="where"') == 3
    assert "within a quarter mile of home" in summary(shown)
    first, second, third = fields(shown)
    await mine.send("places", **{first: "school", second: "office", third: "home"})
    assert [place.label for place in (await mine.view()).places] == ["school", "office", "home"]
    assert "Removed." in await mine.send("places", remove=buttons(shown)[1], **{first: "school"})
    assert [place.label for place in (await mine.view()).places] == ["school", "home"]


@pytest.mark.parametrize(("typed", "said"), [("11201", "You follow this place already."), ("11201, Astoria", "Added.")])
async def test_a_place_that_one_has_is_not_said_to_be_added(residents: Residents, client: TestClient, typed: str, said: str) -> None:
    mine = await settings(client, residents)
    assert f'role="status">{said}</p>' in await mine.send("add", place=typed)


def fields(shown: str) -> list[str]:
    """What the fields for the places' names are called, in the order of the page."""
    return re.findall(r'<input id="[^"]+" name="(label_[^"]+)"', shown)


def buttons(shown: str) -> list[str]:
    """What the buttons that remove a place send."""
    return re.findall(r'name="remove" value="([^"]+)" aria-describedby="place-', shown)


async def test_a_second_click_and_an_old_tab_remove_no_other_place_and_move_no_name(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents, places=[{"zip": code, "label": f"in {code}"} for code in ("10001", "10025", "11201")])
    tab = await mine.page()
    names = dict(zip(fields(tab), ["first", "second", "third"], strict=True))
    for _ in range(2):
        assert "Removed." in await mine.send("places", remove=buttons(tab)[0], **names)
        assert [(place.zip, place.label) for place in (await mine.view()).places] == [("10025", "second"), ("11201", "third")]
    await mine.send("places", **names)
    assert [(place.zip, place.label) for place in (await mine.view()).places] == [("10025", "second"), ("11201", "third")]


async def test_a_place_that_got_another_name_meanwhile_is_still_the_one_that_is_removed(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents, places=[{"zip": "10001"}, {"zip": "10025", "label": "work"}])
    tab = await mine.page()
    await mine.send("places", **{fields(tab)[1]: "office"})
    await mine.send("places", remove=buttons(tab)[1])
    assert [place.zip for place in (await mine.view()).places] == ["10001"]


async def test_the_last_place_stays(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    (only,) = buttons(await mine.page())
    assert "Keep at least one place" in errors(await mine.send("places", 422, remove=only))["places"]


async def test_a_slip_in_a_new_place_is_mended_by_one_tap(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    shown = await mine.send("add", 422, place="11291", label="work")
    assert "Did you mean 11201?" in errors(shown)["place"]
    assert 'value="work"' in shown
    await mine.send("add", place="10010", wrong="10010", fix="10001")
    assert (await mine.view()).places[-1].zip == "10001"


async def test_whoever_adds_a_place_sees_what_is_in_effect_there(hub: Parts, residents: Residents, client: TestClient) -> None:
    await hub.publishing.submit(json.dumps(hub.alert(area={"zips": ["10001"]})).encode(), SYSTEM)
    mine = await settings(client, residents)
    assert "in effect there now" not in await mine.page()
    assert "1 alert is in effect there now" in await mine.send("add", place="10001")


async def test_choices_are_kept_with_a_level_for_single_topics(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    fields = {
        "topics": ["fire", "crime"],
        "minimum_severity": "Moderate",
        "level_fire": "Minor",
        "level_health": "Severe",
        "language": "es",
    }
    await mine.send("choices", **fields, drills="1", discreet="1")
    view = await mine.view()
    assert (view.topics, view.minimum_severity, view.severities) == (("crime", "fire", "test"), "Moderate", {"fire": "Minor"})
    assert (view.language, view.drills, view.discreet) == ("es", True, True)
    assert "Elija al menos un tema" in errors(await mine.send("choices", 422, minimum_severity="Minor"))["topics"]


async def test_quiet_hours_are_set_and_said_and_taken_back(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    hours = {"quiet": "1", "from": "22:00", "to": "07:00", "timezone": "America/Chicago"}
    shown = await mine.send("quiet", **hours)
    assert "From 10:00 PM to 7:00 AM you get only what can’t wait." in shown.replace("\u202f", " ")
    quiet = (await mine.view()).quiet_hours
    assert quiet
    assert (quiet.timezone, quiet.severe) == ("America/Chicago", False)
    wrong = await mine.send("quiet", 422, **hours | {"to": "22:00"})
    assert "two different times" in errors(wrong)["from"]
    typed = ('name="quiet" value="1" checked', 'name="to" type="time" value="22:00"', '<option value="America/Chicago" selected>')
    assert [kept for kept in typed if kept not in wrong] == []
    await mine.send("quiet", **{"from": "22:00", "to": "07:00", "timezone": "America/Chicago"})
    assert (await mine.view()).quiet_hours is None


async def test_a_pause_ends_on_its_day_or_by_a_button(hub: Parts, residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    shown = await mine.send("pause", until="2026-12-24")
    assert "You have paused all alerts until December 24, 2026." in shown
    until = (await mine.view()).paused_until
    assert until
    assert until.isoformat() == "2026-12-24T05:00:00+00:00"
    assert "Your alerts go on." in await mine.send("pause", resume="1")
    assert (await mine.view()).paused_until is None
    for day in ("2001-01-01", "2036-01-01", "9999-12-31", "soon", ""):
        assert "in the next 12 months" in errors(await mine.send("pause", 422, until=day))["until"]


async def test_addresses_are_added_and_removed_but_for_the_last(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    assert "asked that address to confirm" in await mine.send("reach", kind="sms", phone="718 555 0100")
    await residents.confirm_newest("sms")
    first, second = (channel.id for channel in (await mine.view()).channels)
    assert "Removed." in await mine.send("reach", remove=first)
    assert "last address" in errors(await mine.send("reach", 422, remove=second))["reach"]
    shown = await mine.send("reach", 422, kind="email", email="a@@b")
    assert "not a complete e-mail address" in errors(shown)["email"]
    assert 'value="a@@b"' in shown


async def test_a_browser_is_added_by_its_script(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    fields = {"action": "reach", "kind": "web_push", "subscription": json.dumps(PUSH)}
    answer = await page(client, mine.path, "POST", data=fields, headers={"Accept": "application/json"})
    assert json.loads(answer) == {"status": "asked"}
    assert [channel.kind for channel in (await mine.view()).channels] == ["email", "web_push"]


async def test_a_test_is_sent_on_request_and_a_silent_phone_is_spoken_of(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    assert "stays silent" in await mine.page()
    assert "A test is on its way" in await mine.send("test")
    assert dict((await residents.letters())[-1].parameters) == {"notice": "test"}


async def test_tests_are_limited_with_a_word_of_when(hub: Any, client: TestClient) -> None:
    residents = await residents_on(hub, limits=True)
    mine = await settings(client, residents)
    for _ in range(3):
        await mine.send("test")
    assert "Try again in 1 hour" in errors(await mine.send("test", 429))["reach"]


async def test_everything_can_be_downloaded_and_deleted_in_one_step_that_asks_once(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    shown = await mine.page()
    export = re.search(r'href="(/api/v1/subscriptions/[^"]+/export)"', shown)
    assert export
    assert json.loads(await page(client, export[1]))["addresses"][0]["address"] == "a@example.org"
    folded = re.search(r"<details><summary>Stop all alerts and delete my data</summary>.*?</details>", shown, re.DOTALL)
    assert folded
    assert "<button" in folded[0]
    assert title(await page(client, mine.path + "/end", "POST")) == "Your alerts have ended"
    assert title(await page(client, mine.path, status=410)) == "This link does not work"


@pytest.mark.parametrize("path", ["/manage/{}", "/confirm/{}", "/why/{}"])
async def test_a_link_that_never_was_and_one_that_is_over_get_the_same_page_that_says_what_to_do(
    residents: Residents, client: TestClient, path: str
) -> None:
    mine = await settings(client, residents)
    await residents.enrolment.end(mine.token, source="test")
    guessed = await page(client, path.format("A" * 59), status=410)
    assert "/subscribe" in guessed
    assert title(guessed) == "This link does not work"
    ended = await page(client, mine.path, status=410)
    assert re.sub(r"[\w-]{43,59}", "", ended) == re.sub(r"[\w-]{43,59}", "", await page(client, "/manage/" + "A" * 59, status=410))


async def test_a_form_that_nobody_knows_changes_nothing(residents: Residents, client: TestClient) -> None:
    mine = await settings(client, residents)
    before = await residents.everything()
    await mine.send("surprise", 422)
    assert await residents.everything() == before


async def test_the_way_out_stands_on_the_settings_too(hub: Any, residents: Residents, client: TestClient) -> None:
    shown = await (await settings(client, residents)).page()
    assert re.search(rf'id="leave"[^>]*href="{re.escape(hub.settings.exit_url)}"', shown)


@pytest.mark.parametrize("prefix", ["", "/es"])
async def test_no_link_of_the_pages_after_the_end_leads_nowhere(residents: Residents, client: TestClient, prefix: str) -> None:
    """A second click is answered too: by the page of a link that does not work, which is there in every language."""
    mine = await settings(client, residents)
    for status, ways in ((200, 0), (410, len(PAGE_LANGUAGES) - 1)):
        shown = await page(client, f"{prefix}{mine.path}/end", "POST", status=status)
        found = [html.unescape(link) for link in re.findall(r'<a href="([^"]*)"[^>]* lang=', shown)]
        assert len(found) == ways
        for link in found:
            again = await page(client, link, status=status)
            assert title(again) != title(shown)
        for link in set(re.findall(r'<a [^>]*href="(/[^"]*)"', shown)) - {html.escape(link) for link in found}:
            await page(client, html.unescape(link))
