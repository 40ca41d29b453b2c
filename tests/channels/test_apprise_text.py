"""No text is longer than its service takes, and none loses the links by which one learns why and stops."""

from __future__ import annotations

import json

import pytest
from apprise import NotifyFormat
from apprise.conversion import convert_between

from channels.apprise_address import open_service
from channels.apprise_services import AppriseServices
from channels.apprise_text import fit
from channels.contract import Recipient, slot
from tests.channels.test_apprise import SETTINGS, message
from tests.channels.test_cutting import CHARACTERS, LINK
from tests.contracts.channel_contract import SCRIPTS
from tests.peers.http_sink import HttpSink

WHY, STOP = "https://alerts.example/why/" + "Aa_-" * 25, "https://alerts.example/unsubscribe/" + "Bb9_" * 25
LINKS = f"Map and latest news: https://alerts.example/alerts/al_1\n\nWhy you get this: {WHY}\nStop these messages: {STOP}"
TITLE = "Act now: boil your water " * 4
SERVICES = {
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "groupme": "groupme://abcdefghijklmnopqrstuvwxyz",
    "pushover": f"pover://{'a' * 30}@{'b' * 30}",
    "webex": f"wxteams://{'a' * 80}",
}


def alert(words: str, letters: int = 2000) -> str:
    return f"Where: Brooklyn\nUntil: 9 PM\n\nWhat is happening:\n{words * (letters // len(words))}\n\n{LINKS}\n"


@pytest.mark.parametrize("title", ["", TITLE])
@pytest.mark.parametrize("language", SCRIPTS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_long_alert_is_as_long_as_the_service_takes_and_ends_with_its_links(service: str, language: str, title: str) -> None:
    there = open_service(SERVICES[service])
    assert there is not None
    said, text = fit(there, title, alert(f"*{SCRIPTS[language]}* "))
    sent = convert_between(NotifyFormat.TEXT, there.resolve_format(NotifyFormat.TEXT), text)
    as_one = len(said) if there.title_maxlen <= 0 or there.overflow_amalgamate_title else 0
    assert there.body_maxlen * 0.9 < len(sent) + as_one <= there.body_maxlen
    assert text.startswith("Where: Brooklyn\nUntil: 9 PM\n\nWhat is happening:\n*")
    assert "…\n\n" in text
    assert text.endswith(f"Why you get this: {WHY}\nStop these messages: {STOP}")


@pytest.mark.parametrize("title", ["", TITLE])
@pytest.mark.parametrize("language", SCRIPTS)
@pytest.mark.parametrize(
    "url",
    [
        "wecombot://abcdefgh-1111-2222-3333-aaaaaaaaaaaa",
        "wechat://corporation:secret@1/2",
        f"instagram://{'a' * 40}/123456",
        "gorush://127.0.0.1/abcdef",
    ],
)
def test_where_a_service_counts_bytes_so_do_we(url: str, language: str, title: str) -> None:
    there = open_service(url)
    assert there is not None
    said, text = fit(there, title, alert(SCRIPTS[language], 4000))
    sent = len(f"{said}\r\n{text}".strip().encode()) if there.title_maxlen <= 0 else len(text.encode())
    assert there.body_maxlen * 0.9 < sent <= there.body_maxlen
    assert text.endswith(f"Why you get this: {WHY}\nStop these messages: {STOP}")


@pytest.mark.parametrize("service", SERVICES)
def test_what_fits_stays_as_it_is(service: str) -> None:
    there = open_service(SERVICES[service])
    assert there is not None
    assert fit(there, "Act now", alert("Boil. ", 60)) == ("Act now", alert("Boil. ", 60))


def test_a_title_that_is_too_long_is_cut() -> None:
    there = open_service("revolt://bot_token/channel_id")
    assert there is not None
    title, _ = fit(there, "Act now " * 20, "Boil.")
    assert len(title) <= there.title_maxlen
    assert title.endswith("…")


@pytest.mark.parametrize(("before", "after"), [("See ", " for zones. "), ("详情见", "。")])
def test_a_link_of_the_author_is_whole_or_left_out(before: str, after: str) -> None:
    there = open_service(SERVICES["groupme"])
    assert there is not None
    for room in range(500, 720):
        _, text = fit(there, "", f"{'水' * room}{before}{LINK}{after}{'水' * 900}\n\n{LINKS}")
        assert len(text) <= there.body_maxlen
        assert text.count("https://www1") == text.count(LINK)
        assert f"{LINK}…" not in text


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_title_and_text_end_between_two_characters(character: str) -> None:
    there = open_service("revolt://bot_token/channel_id")
    assert there is not None
    for extra in range(len(character)):
        title, text = fit(there, "t" * extra + character * 100, "t" * extra + character * 3000 + f"\n\n{LINKS}")
        assert title.removesuffix("…").replace(character, "") == "t" * extra
        assert text.partition("…")[0].replace(character, "") == "t" * extra


def test_a_limit_of_one_sms_cuts_nothing_since_its_parts_are_joined() -> None:
    there = open_service(f"twilio://AC{'1' * 32}:{'2' * 32}@18001234567/17185550100")
    assert there is not None
    assert fit(there, "", alert("Boil. ")) == ("", alert("Boil. "))


@pytest.mark.parametrize("fits", [False, True])
async def test_a_service_gets_one_message_and_only_a_text_that_has_its_length_already_is_left_alone(fits: bool, sink: HttpSink) -> None:
    """Rocket.Chat takes 1000 characters."""
    channel = AppriseServices(SETTINGS, fits=fits)
    text = alert("Boil. ").replace(WHY, slot("why")).replace(STOP, "https://alerts.example/stop")
    draft = channel.compose(message(parts={"title": "Act now", "text": text}))
    to = Recipient(delivery_id="d", address=f"rocket://web/hook@127.0.0.1:{sink.port}/@ann", links={"why": "https://alerts.example/why"})
    await channel.deliver(draft, to)
    await channel.aclose()
    (request,) = sink.requests
    sent = json.loads(request.body)["text"].replace("\\", "")
    assert (len(sent) <= 1000) is not fits
    assert sent.startswith("# Act now\nWhere: Brooklyn")
    assert sent.endswith("https://alerts.example/why\nStop these messages: https://alerts.example/stop")
