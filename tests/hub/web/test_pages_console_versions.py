"""What staff see of an update: that it is one, what it changes, what became of it, and that nothing was said twice by accident."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from aiohttp.test_utils import TestClient

from hub.clock import instant
from hub.staff.actor import SYSTEM, Actor
from tests.hub.web.conftest import Parts
from tests.hub.web.forms import title
from tests.hub.web.test_pages_console import OTHER, fields_of, page, press, publish

TYPED = {"severity": "Moderate", "urgency": "Expected", "certainty": "Likely", "category": "Met", "duration": "4"}
NOTICE = TYPED | {
    "status": "Actual",
    "event": "Flood Advisory",
    "headline_en": "Flooding possible in Brooklyn Heights",
    "zips": "11201",
}


async def updated(hub: Parts, alert: Any, actor: Actor = OTHER, **changes: Any) -> Any:
    return await hub.publishing.update(alert.id, json.dumps(hub.alert(**changes)).encode(), actor)


def said(hub: Parts, **changes: str) -> list[dict[str, str]]:
    return [hub.alert()["infos"][0] | changes]


def until_its_end(form: str) -> dict[str, str]:
    """What a form sends whose words and whose end nobody touches."""
    end = re.search(r'type="datetime-local" value="([^"]*)"', form)
    assert end
    kept = {name: text for name, text in fields_of(form).items() if name not in {"boroughs", "citywide", "topics"}}
    return kept | TYPED | {"duration": "at", "expires_at": end[1]}


async def test_who_approves_an_update_sees_what_it_updates_and_what_changed(hub: Parts, logged_in: str, client: TestClient) -> None:
    first = await publish(hub)
    update = await updated(hub, first, severity="Severe", infos=said(hub, headline="The canal is over its banks"))
    shown = await page(client, f"/console/alerts/{update.id}")
    assert f'This updates: <a href="/console/alerts/{first.id}">Flooding possible in Brooklyn Heights</a>' in shown
    assert "<b>Changed:</b> headline, how serious it is." in shown
    assert "<b>Update: Flood Advisory.</b>" in await page(client, "/console")
    assert "This updates" not in await page(client, f"/console/alerts/{first.id}")


async def test_who_writes_an_update_sees_in_the_preview_what_it_changes(hub: Parts, logged_in: str, client: TestClient) -> None:
    first = await publish(hub, area={"zips": ["11201"], "neighborhoods": ["astoria (central)"]})  # not as the form writes it
    sent = until_its_end(await page(client, f"/console/compose?update={first.id}"))
    for changes, named in (({}, "nothing"), ({"headline_en": "It falls", "zips": "11201 11205"}, "headline, where")):
        _, _, shown = await press(client, "/console/compose", "/console/compose/preview", **sent | changes)
        assert f'This updates: <a href="/console/alerts/{first.id}">' in shown
        assert f"<b>Changed:</b> {named}." in shown
    _, _, shown = await press(client, "/console/compose", "/console/compose/preview", **NOTICE)
    assert "This updates" not in shown


async def test_a_call_off_names_what_it_calls_off_and_looks_like_one_in_the_list(hub: Parts, logged_in: str, client: TestClient) -> None:
    first = await publish(hub)
    cancel = await hub.publishing.call_off(first.id, SYSTEM)
    shown = await page(client, f"/console/alerts/{cancel.id}")
    assert f'This calls off: <a href="/console/alerts/{first.id}">' in shown
    assert "<b>Changed:</b>" not in shown
    assert title(shown) == "Live Call-off: Flood Advisory"
    lines = re.findall(r'<li><p class="meta">(.*?)</p>', await page(client, "/console"))
    assert [re.sub(r"<[^>]*>", "", line) for line in lines] == ["Live Call-off: Flood Advisory", "Ended Flood Advisory"]


async def sent_back(hub: Parts, draft: Any) -> str:
    """The path of its page."""
    await hub.publishing.reject(draft.id, Actor(kind="staff", id=7, name="chief", agency="Test", role="approver"), "Name the street.")
    return f"/console/alerts/{draft.id}"


async def test_an_update_that_was_sent_back_is_corrected_as_the_update_that_it_was(hub: Parts, logged_in: str, client: TestClient) -> None:
    first = await publish(hub)
    ends = instant(hub.clock() + 5400).isoformat()
    draft = await updated(hub, first, severity="Severe", expires=ends, infos=said(hub, headline="The canal is over"))
    shown = await page(client, await sent_back(hub, draft))
    assert "Start a new alert from this one" not in shown
    link = re.search(r'href="([^"]*)">Correct and send again', shown)
    assert link
    form = await page(client, link[1])
    fields = fields_of(form)
    assert (fields["follows"], fields["kind"], fields["headline_en"]) == (first.id, "Update", "The canal is over")
    status, _, preview = await press(client, link[1], "/console/compose/preview", **until_its_end(form))
    assert status == 200
    _, location, _ = await press(client, "/console/compose", "/console/compose", **fields_of(preview))
    stored = await hub.alerts.get(location.rpartition("/")[2])
    assert stored is not None
    assert (stored.document.msgType, stored.chain, stored.document.expires.timestamp() // 60) == (
        "Update",
        first.chain,
        (hub.clock() + 5400) // 60,
    )


async def test_an_update_that_was_sent_back_too_late_to_follow_anything_is_only_written_again(
    hub: Parts, logged_in: str, client: TestClient
) -> None:
    first = await publish(hub)
    draft = await updated(hub, first, severity="Severe")
    path = await sent_back(hub, draft)
    await hub.publishing.call_off(first.id, SYSTEM)
    shown = await page(client, path)
    assert "Correct and send again" not in shown
    assert "Start a new alert from this one" in shown
    assert fields_of(await page(client, f"/console/compose?correct={draft.id}"))["follows"] == ""


async def test_an_update_that_was_sent_back_and_outlasts_what_it_updates_is_only_written_again(
    hub: Parts, logged_in: str, client: TestClient
) -> None:
    first = await publish(hub)
    draft = await updated(hub, first, severity="Severe", expires=instant(hub.clock() + 9000).isoformat())
    path = await sent_back(hub, draft)
    assert "Correct and send again" in await page(client, path)
    hub.clock.now += 7201
    assert await hub.publishing.end_expired() == 1
    assert "Correct and send again" not in await page(client, path)


async def test_a_call_off_that_was_sent_back_is_corrected_as_one(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub, OTHER, severity="Severe")
    await hub.publishing.approve(alert.id, Actor(kind="staff", id=7, name="chief", agency="Test", role="approver"))
    raw = json.dumps(hub.alert(severity="Severe", infos=said(hub, description="A false alarm.", instruction=""))).encode()
    draft = await hub.publishing.cancel(alert.id, raw, OTHER)
    assert "Correct and send again" in await page(client, await sent_back(hub, draft))
    form = await page(client, f"/console/compose?correct={draft.id}")
    assert title(form) == "Call off an alert"
    fields = fields_of(form)
    assert (fields["follows"], fields["kind"], fields["description_en"]) == (alert.id, "Cancel", "A false alarm.")


async def test_an_update_ends_when_the_one_before_does_and_says_when_that_is(hub: Parts, logged_in: str, client: TestClient) -> None:
    hub.clock.now = datetime.fromisoformat("2026-11-01T00:40:00-04:00").timestamp()
    alert = await publish(hub)  # until the hour that comes a second time
    form = await page(client, f"/console/compose?update={alert.id}")
    assert 'name="duration" value="at" checked' in form
    assert "The one before ends at 1:40 AM today, Nov 1." in form
    assert "Day and time (New York time)" in form
    _, _, preview = await press(client, "/console/compose", "/console/compose/preview", **until_its_end(form))
    _, location, _ = await press(client, "/console/compose", "/console/compose", **fields_of(preview))
    stored = await hub.alerts.get(location.rpartition("/")[2])
    assert stored is not None
    assert stored.expires_at == alert.expires_at


async def test_an_update_of_what_has_run_out_asks_for_a_new_end(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    hub.clock.now += 7201
    assert 'name="duration" value="4" checked' in await page(client, f"/console/compose?update={alert.id}")


async def test_chosen_hours_are_chosen_still_after_an_error(logged_in: str, client: TestClient) -> None:
    status, _, shown = await press(client, "/console/compose", "/console/compose/preview", **NOTICE | {"duration": "2", "zips": "00000"})
    assert status == 422
    assert 'name="duration" value="2" checked' in shown


async def test_chosen_hours_that_are_over_too_early_show_the_moment_to_mend(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub, onset=instant(hub.clock() + 5400).isoformat())
    form = await page(client, f"/console/compose?update={alert.id}")
    status, _, shown = await press(
        client, "/console/compose", "/console/compose/preview", **until_its_end(form) | {"duration": "1", "expires_at": ""}
    )
    assert status == 422
    assert "It begins only after that" in shown
    assert 'name="duration" value="at" checked' in shown


async def test_the_same_notice_sent_twice_is_found_before_it_goes_out(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    twice = "An alert with the same headline for the same area is live since 6:06 AM today, Nov 18."
    previewed = {
        "the same": NOTICE,
        "another area": NOTICE | {"zips": "11205"},
        "another headline": NOTICE | {"headline_en": "Something else"},
        "a drill": NOTICE | {"status": "Exercise"},
        "its update": NOTICE | {"follows": alert.id, "kind": "Update"},
    }
    found = []
    for name, fields in previewed.items():
        _, _, shown = await press(client, "/console/compose", "/console/compose/preview", **fields)
        assert "nothing is sent yet" in shown
        found += [name] if twice in shown else []
    assert found == ["the same"]
    _, _, shown = await press(client, "/console/compose", "/console/compose/preview", **NOTICE)
    await press(client, "/console/compose", "/console/compose", **fields_of(shown))
    assert len(await hub.alerts.recent()) == 2, "a finding forbids nothing"


async def test_two_colleagues_who_send_the_same_for_approval_are_both_found_out(hub: Parts, logged_in: str, client: TestClient) -> None:
    one, two = await publish(hub, OTHER, severity="Severe"), await publish(hub, OTHER, severity="Severe")
    for alert in (one, two):
        shown = await page(client, f"/console/alerts/{alert.id}")
        assert shown.count("An alert with the same headline for the same area waits for approval since 6:06 AM today, Nov 18.") == 1


async def test_an_update_that_waits_already_is_found_when_it_is_written_again(hub: Parts, logged_in: str, client: TestClient) -> None:
    first = await publish(hub)
    update = await updated(hub, first, severity="Severe")
    again = NOTICE | {"follows": first.id, "kind": "Update"}
    _, _, shown = await press(client, "/console/compose", "/console/compose/preview", **again)
    assert "waits for approval since" in shown
    assert "waits for approval since" not in await page(client, f"/console/alerts/{update.id}")


async def test_the_title_of_the_list_says_how_many_wait_for_whoever_may_decide(hub: Parts, logged_in: str, client: TestClient) -> None:
    def head(text: str) -> str:
        return text.partition("<title>")[2].partition(" ·")[0]

    assert head(await page(client, "/console")) == "Alerts"
    desk = await hub.staff.by_session(logged_in)
    assert desk is not None
    await publish(hub, desk, severity="Severe")
    assert head(await page(client, "/console")) == "Alerts"
    await publish(hub, OTHER, severity="Severe")
    assert head(await page(client, "/console")) == "(1 waits) Alerts"
    await publish(hub, OTHER, severity="Severe")
    assert head(await page(client, "/console")) == "(2 wait) Alerts"


async def test_a_stop_is_offered_only_where_something_may_still_go_out(hub: Parts, logged_in: str, client: TestClient) -> None:
    async def offered(alert: Any) -> bool:
        return "Stop all messages of this alert" in await page(client, f"/console/alerts/{alert.id}")

    waiting, live = await publish(hub, OTHER, severity="Severe"), await publish(hub)
    assert (await offered(waiting), await offered(live)) == (True, True)
    await sent_back(hub, waiting)
    async with hub.database.write() as connection:
        await connection.exec_driver_sql("UPDATE mailing SET state='done'")
    assert (await offered(waiting), await offered(live)) == (False, False)


async def test_a_preview_names_topics_and_languages_as_staff_do(logged_in: str, client: TestClient) -> None:
    _, _, shown = await press(client, "/console/compose", "/console/compose/preview", **NOTICE | {"category": "Infra"})
    assert "<dt>Topics</dt><dd>Power, water, gas</dd>" in shown
    assert "In English nothing says what to do." in shown
