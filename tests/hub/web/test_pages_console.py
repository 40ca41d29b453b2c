"""What staff are shown before they decide: nothing chosen for them, no answer given away, and of a call-off what goes out and no more."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import insert, select

from hub.delivery.forecast import ChannelForecast, Forecast
from hub.delivery.outcome_check import Stalled
from hub.staff.actor import SYSTEM, Actor
from hub.store import tables
from hub.web.console.words import OUTCOMES, time_to_last
from hub.web.middlewares import LIMITS
from tests.hub.web.conftest import PASSWORD, Parts

OTHER = Actor(kind="staff", id=99, name="other desk", agency="Emergency Management", role="publisher")


async def page(client: TestClient, path: str, *, status: int = 200) -> str:
    async with client.get(path) as response:
        assert response.status == status, path
        return await response.text()


async def press(client: TestClient, at: str, action: str, /, **fields: str) -> tuple[int, str, str]:
    """(status, location, text) of a form on the page `at`, with the token of its session."""
    token = re.search(r'name="csrf" value="(\w+)"', await page(client, at))
    assert token
    async with client.post(action, data={"csrf": token[1]} | fields, allow_redirects=False) as response:
        return response.status, response.headers.get("Location", ""), await response.text()


async def publish(hub: Parts, actor: Actor = SYSTEM, **changes: Any) -> Any:
    return await hub.publishing.submit(json.dumps(hub.alert(**changes)).encode(), actor)


def fields_of(text: str) -> dict[str, str]:
    """The hidden and text fields of a page's forms, without the token."""
    found = re.findall(r'<input[^>]* name="(\w+)"(?: type="text")? value="([^"]*)"', text)
    found += re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)</textarea>', text)
    return {name: html.unescape(value) for name, value in found if name != "csrf"}


async def test_an_empty_form_has_chosen_neither_that_it_is_real_nor_how_grave_it_is(logged_in: str, client: TestClient) -> None:
    shown = await page(client, "/console/compose")
    assert re.findall(r'name="(?:status|severity)"[^>]* checked', shown) == []
    for name in ("urgency", "certainty", "category"):
        assert re.search(rf'<select id="{name}"[^>]*><option value="">Choose…</option>', shown)


async def test_a_form_says_everything_that_is_not_chosen_at_once(logged_in: str, client: TestClient) -> None:
    status, _, shown = await press(client, "/console/compose", "/console/compose/preview", headline_en="Water", zips="11201", duration="4")
    assert status == 422
    assert "6 problems to fix" in shown
    assert "Choose whether it is real, a drill or a test." in shown


async def test_an_alert_written_again_asks_anew_whether_it_is_real(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    shown = await page(client, f"/console/compose?copy={alert.id}")
    assert re.findall(r'name="status"[^>]* checked', shown) == []


async def test_an_update_is_as_real_as_what_it_follows(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub, status="Exercise")
    shown = await page(client, f"/console/compose?update={alert.id}")
    assert fields_of(shown)["status"] == "Exercise"
    assert "Is it real?" not in shown


async def test_a_wrong_number_of_people_does_not_tell_the_right_one(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub, OTHER, severity="Severe")
    path = f"/console/alerts/{alert.id}"
    status, _, shown = await press(client, path, f"{path}/approve", expected_hash=alert.hash, people="0", typed="7")
    assert status == 422
    assert re.findall(r'id="typed-error">(.*?)</p>', shown) == [
        '<span class="hidden">Error:</span> That is not the number of people shown above. Look again.'
    ]
    stored = await hub.alerts.get(alert.id)
    assert stored is not None
    assert stored.status == "awaiting_approval"


async def test_a_call_off_is_shown_first_and_takes_one_press(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    path = f"/console/alerts/{alert.id}"
    assert "Call it off now" not in await page(client, path)
    asked = await page(client, f"{path}?call-off")
    assert "Cancelled: Flooding possible in Brooklyn Heights" in asked
    assert f"/console/compose?cancel={alert.id}" in asked
    once = fields_of(asked)["once"]
    made = [await press(client, path, f"{path}/call-off", once=once) for _ in range(2)]
    assert made[0][:2] == made[1][:2]
    called_off = await hub.alerts.get(made[0][1].rpartition("/")[2])
    assert called_off is not None
    assert (called_off.document.msgType, called_off.status) == ("Cancel", "live")


async def test_what_was_stopped_is_called_off_or_updated_from_its_page(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    path = f"/console/alerts/{alert.id}"
    await press(client, path, f"{path}/stop")
    shown = await page(client, path)
    assert f"/console/compose?update={alert.id}" in shown
    assert "Call it off now" in await page(client, f"{path}?call-off")
    status, location, _ = await press(client, f"{path}?call-off", f"{path}/call-off")
    assert (status, location.startswith("/console/alerts/")) == (303, True)
    for query in ("", "?call-off"):
        shown = await page(client, path + query)
        assert f'It was called off since: <a href="{location}">' in shown
        assert "Call it off" not in shown
        assert "Send an update" not in shown


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ({"planned": 1500, "simulated": 1200}, "0 messages had gone and 1,200 are in the outbox, 0 will not go. 300 were on their way"),
        ({"planned": 1500, "handed_over": 1100, "withheld": 400}, "1,100 messages had gone, 400 will not go."),
    ],
)
async def test_a_stop_counts_as_the_table_below_it(
    hub: Parts, logged_in: str, client: TestClient, counted: dict[str, int], said: str
) -> None:
    alert = await publish(hub)
    async with hub.database.write() as connection:
        mailing = select(tables.mailing.c.id).where(tables.mailing.c.alert == alert.number).scalar_subquery()
        for outcome, count in counted.items():
            row = {"mailing": mailing, "channel": "email", "outcome": outcome, "node": 1, "count": count}
            await connection.execute(insert(tables.counter).values(row))
    _, _, answer = await press(client, f"/console/alerts/{alert.id}", f"/console/alerts/{alert.id}/stop")
    assert f"Stopped. {said}" in answer


async def test_a_severe_alert_is_called_off_without_a_second_person(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub, OTHER, severity="Severe")
    path = f"/console/alerts/{alert.id}"
    await press(client, path, f"{path}/approve", expected_hash=alert.hash, people="0", typed="0")
    _, location, _ = await press(client, path, f"{path}/call-off")
    assert 'class="status live"' in await page(client, location)


async def test_who_may_not_publish_sends_a_call_off_for_approval(hub: Parts, client: TestClient) -> None:
    await hub.staff.add("writer", PASSWORD, agency="Emergency Management", role="author")
    client.session.cookie_jar.update_cookies({"tocsin": await hub.staff.log_in("writer", PASSWORD)}, client.make_url("/"))
    alert = await publish(hub)
    path = f"/console/alerts/{alert.id}"
    asked = await page(client, f"{path}?call-off")
    assert "Send the call-off for approval" in asked
    assert "Call it off now" not in asked
    _, location, _ = await press(client, path, f"{path}/call-off")
    assert "Waits for approval" in await page(client, location)


async def test_what_is_called_off_can_not_be_called_off_again_and_says_it_once(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    path = f"/console/alerts/{alert.id}"
    _, location, _ = await press(client, path, f"{path}/call-off")
    status, _, shown = await press(client, path, f"{path}/call-off")
    assert status == 409
    assert "Only an alert that is live, or was stopped, can be called off." in shown
    for query in ("", "?call-off"):
        own = await page(client, location + query)
        assert "Call it off" not in own
        assert "Send an update" not in own
    public = await page(client, location.replace("/console", ""))
    assert public.count("You no longer need to act on it.") == 1
    assert "called off." not in public


async def test_a_call_off_in_own_words_asks_for_words_only_and_repeats_no_prefix(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    form = await page(client, f"/console/compose?cancel={alert.id}")
    assert "Until when?" not in form
    fields = fields_of(form)
    assert (fields["headline_en"], fields["instruction_en"]) == (alert.document.infos[0].headline, "")
    hub.clock.now += 60
    status, _, shown = await press(client, "/console/compose", "/console/compose/preview", **fields)
    assert status == 200
    assert "Cancelled: Flooding possible in Brooklyn Heights" in shown
    assert "Over: " not in shown
    assert "nothing says what to do" not in shown
    assert "Call it off now and tell" in shown


async def test_two_hours_are_chosen_still_when_it_is_changed_once_more_and_count_from_the_last_preview_though_the_clocks_go_back(
    hub: Parts, logged_in: str, client: TestClient
) -> None:
    hub.clock.now = datetime.fromisoformat("2026-11-01T00:40:00-04:00").timestamp()
    typed = {"event": "Flood Advisory", "headline_en": "Water is rising at the canal", "zips": "11201", "duration": "2"}
    typed |= {"status": "Actual", "category": "Met", "severity": "Moderate", "urgency": "Expected", "certainty": "Likely"}
    _, _, first = await press(client, "/console/compose", "/console/compose/preview", **typed)
    _, _, edited = await press(client, "/console/compose", "/console/compose/preview", **fields_of(first), action="edit")
    assert 'name="duration" value="2" checked' in edited
    assert 'type="datetime-local" value=""' in edited
    assert not {"expires_fold", "chosen"} & fields_of(edited).keys()
    hub.clock.now += 600
    _, _, second = await press(client, "/console/compose", "/console/compose/preview", **typed)
    hub.clock.now += 60
    status, location, _ = await press(client, "/console/compose", "/console/compose", **fields_of(second))
    assert status == 303
    stored = await hub.alerts.get(location.rpartition("/")[2])
    assert stored is not None
    assert stored.expires_at / 1000 == hub.clock.now - 60 + 2 * 3600


async def test_a_ready_made_notice_is_previewed_by_one_click_and_published_from_there(
    hub: Parts, logged_in: str, client: TestClient
) -> None:
    hub.demo_notices = lambda: [("Flood in Brooklyn Heights", json.dumps(hub.alert()))]  # type: ignore[method-assign]  # only a demonstration has some
    assert 'href="/console/demo-notice?notice=0"' in await page(client, "/console")
    shown = await page(client, "/console/demo-notice?notice=0")
    assert "Preview: nothing is sent yet" in shown
    assert await hub.alerts.recent() == []
    status, location, _ = await press(client, "/console", "/console/compose", **fields_of(shown))
    assert status == 303
    stored = await hub.alerts.get(location.rpartition("/")[2])
    assert stored is not None
    assert (stored.status, stored.document.infos[0].headline) == ("live", "Flooding possible in Brooklyn Heights")


@pytest.mark.parametrize("before", ["9" * 20, "9" * 5000, "-1", "٣", "soon"])
async def test_a_cursor_that_is_none_is_as_if_there_were_none(hub: Parts, logged_in: str, client: TestClient, before: str) -> None:
    alert = await publish(hub, OTHER, severity="Severe")
    for path in ("/console", "/outbox"):
        whole, asked = await page(client, path), await page(client, f"{path}?before={before}")
        assert asked.count("<h2") == whole.count("<h2")
    assert (await page(client, f"/console?before={before}")).count(alert.id) > 1


@pytest.mark.parametrize("number", ["", "-1", "1", "٣", "9" * 5000])
async def test_a_notice_that_does_not_exist_is_a_friendly_404(logged_in: str, client: TestClient, number: str) -> None:
    assert "There is no page here" in await page(client, f"/console/demo-notice?notice={number}", status=404)


async def test_call_offs_count_against_the_same_allowance_as_the_api(hub: Parts, logged_in: str, client: TestClient, app: Any) -> None:
    alert = await publish(hub)
    allowance = app[LIMITS].publishing
    while not allowance.take("staff:1 desk"):
        pass
    path = f"/console/alerts/{alert.id}"
    assert (await press(client, path, f"{path}/call-off"))[0] == 429


async def test_a_wrong_log_in_says_so_in_plain_words(client: TestClient) -> None:
    async with client.post("/console/log-in", data={"name": "desk", "password": "nope"}) as response:
        assert response.status == 422
        assert "Wrong name or password." in await response.text()
    while response.status == 422:
        response = await client.post("/console/log-in", data={"name": "desk", "password": "nope"})
    assert (response.status, int(response.headers["Retry-After"]) > 0) == (429, True)
    assert "Too many tries." in await response.text()


async def test_counters_that_count_nothing_take_no_room(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    shown = await page(client, f"/console/alerts/{alert.id}")
    counters = re.findall(r"<div( hidden)?><dt>(.*?)</dt><dd data-n", shown)
    assert len(counters) == len(OUTCOMES)
    assert all(hidden for hidden, _ in counters)


async def keep(hub: Parts, *messages: tuple[int, str, str]) -> None:
    """(mailing, channel, purpose) of messages that lie in the outbox, in the order in which they came there."""
    parts = {"webhook": {"data": "{}"}, "email": {"parts": {"subject": "S", "text": "T"}}, "sms": {"parts": {"text": "T"}}}
    async with hub.database.write() as connection:
        for mailing, channel, purpose in messages:
            body = json.dumps({"channel": channel, "purpose": purpose, "language": "en", "parts": {}} | parts[channel])
            await connection.execute(insert(tables.outbox).values(channel=channel, copy=body, at=0, mailing=mailing, address=1))


async def test_the_outbox_shows_what_people_read_before_what_machines_read(hub: Parts, logged_in: str, client: TestClient) -> None:
    await keep(hub, (1, "webhook", "alert"), (1, "email", "alert"), (1, "sms", "alert"))
    assert re.findall(r'<figure class="device (\w+)">', await page(client, "/outbox")) == ["sms", "email", "webhook"]


async def test_the_outbox_is_newest_first_and_keeps_the_messages_of_an_alert_together(
    hub: Parts, logged_in: str, client: TestClient
) -> None:
    alert = await publish(hub)
    async with hub.database.read() as connection:
        mailing = (await connection.execute(select(tables.mailing.c.id))).scalar_one()
    letters = (98, "sms", "confirm"), (99, "sms", "confirm"), (97, "sms", "access")
    await keep(hub, (mailing, "email", "alert"), *letters, (mailing, "sms", "alert"))
    shown = await page(client, "/outbox")
    found = re.findall(r'<h2>([\w ]+?) <small>|<figure class="device (\w+)">|<span class="tag">([\w -]+)', shown)
    assert ["".join(one) for one in found] == [
        *(alert.document.event, "sms", "Text message", "email", "E-mail"),
        *("Links to settings", "sms", "Text message"),
        *("To confirm", "sms", "Text message", "sms", "Text message"),
    ]


async def test_only_whoever_decides_is_asked_to_approve(hub: Parts, logged_in: str, client: TestClient) -> None:
    theirs = await publish(hub, OTHER, severity="Severe")
    assert "Real alert to approve" in await page(client, f"/console/alerts/{theirs.id}")
    desk = await hub.staff.by_session(logged_in)
    assert desk is not None
    own = await publish(hub, desk, severity="Severe")
    shown = await page(client, f"/console/alerts/{own.id}")
    assert "It waits for a second person" in shown
    assert "to approve</h1>" not in shown


async def test_an_alert_that_stands_still_is_an_alarm_on_the_list_and_on_its_page(hub: Parts, logged_in: str, client: TestClient) -> None:
    stored = await publish(hub)
    hub.standing_still = (Stalled(alert=stored.id, channels=("sms",), left=1234, quiet_s=45.0),)
    for path in ("/console", f"/console/alerts/{stored.id}"):
        shown = await page(client, path)
        assert "Nobody was reached by Text message for 45 seconds, and 1,234 messages are left." in shown, path
    hub.standing_still = (Stalled(alert="al_other", channels=(), left=1, quiet_s=30.0),)
    assert "stands still" not in await page(client, f"/console/alerts/{stored.id}")


@pytest.mark.parametrize(
    ("seconds", "basis", "said"),
    [
        (4.0, "assumed", "A few seconds until the last of them has it."),
        (42.0, "measured", "About 40 seconds until the last of them has it."),
        (240.0, "limit", "About 4 minutes until the last of them has it. Text message is the slowest, at 100 a second."),
        (9000.0, "limit", "About 2.5 hours until the last of them has it. Text message is the slowest, at 100 a second."),
        (None, "limit", "No sender runs: nothing goes out until one does."),
    ],
)
def test_the_time_to_the_last_recipient_is_said_in_words(seconds: float | None, basis: Any, said: str) -> None:
    channel = ChannelForecast(deliveries=1, queued=0, per_second=100.0, basis=basis, seconds=seconds or 0.0)
    assert time_to_last(Forecast(seconds=seconds, slowest="sms", by_channel={"sms": channel})) == said


def test_what_reaches_nobody_takes_no_time_to_speak_of() -> None:
    assert time_to_last(Forecast(seconds=0.0)) == ""
    assert time_to_last(Forecast(seconds=None, unprovided={"email": 2})) == ""
