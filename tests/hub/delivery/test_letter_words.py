"""Letters about a subscription, and notices of what was missed: one link, short enough, in each language."""

from __future__ import annotations

import html

import pytest

from channels.contract import slot
from channels.gsm7 import segments
from channels.stamping import slots_of
from hub.alerts.alert import Info
from hub.delivery.words.phrases import Phrases
from hub.delivery.words.rendering import LETTER_LIFE_S, NOTICES, PARTS, Renderer
from hub.languages.catalogue import catalogue
from subscriptions.languages import LANGUAGES
from tests.hub.delivery.published import CITY, ENGLISH, NOW, TEXT_CHANNELS, URL, everything, stored


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(URL, "Tocsin", "New York City", NOW.timestamp)


@pytest.mark.parametrize("language", ["en", "es", "ko"])
@pytest.mark.parametrize("channel", PARTS)
@pytest.mark.parametrize("purpose", ["confirm", "access"])
def test_a_letter_has_its_one_link_and_no_other(renderer, channel, purpose, language):
    message = renderer.letter(purpose, channel, language, {"places": "11201, Astoria", "serial": "3"})
    assert set(slots_of([*message.parts.values(), message.link])) == {purpose}
    assert message.purpose == purpose
    assert message.language == language


@pytest.mark.parametrize("purpose", ["confirm", "access", "notice", "answer"])
def test_a_letter_is_worth_sending_from_when_it_was_written_however_late_its_turn_comes(renderer, purpose):
    written = renderer.letter(purpose, "sms", "en", {}).sent_at - 3000
    late = renderer.letter(purpose, "sms", "en", {}, written_at=written)
    assert late.expires_at == written + LETTER_LIFE_S[purpose]


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
@pytest.mark.parametrize(("language", "nothing_else"), [("en", "nothing"), ("es", "no enviaremos")])
def test_a_confirmation_says_what_for_and_that_nothing_else_will_come(renderer, channel, language, nothing_else):
    text = everything(renderer.letter("confirm", channel, language, {"places": "11201 & Astoria"})).replace("&amp;", "&")
    assert "11201 & Astoria" in text
    assert nothing_else in text.lower()


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_confirmation_calls_the_whole_city_and_what_has_no_name_by_the_readers_words(renderer, channel, language):
    said = catalogue("messages", language)
    for asked, name in (("city", "New York City"), ("", "a place on the map")):
        text = html.unescape(everything(renderer.letter("confirm", channel, language, {"places": asked})))
        assert said.text(name) in text
    assert language == "en" or "a place on the map" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [1, 2, 10, 40])
@pytest.mark.parametrize("replies", [False, True])
def test_what_was_missed_overnight_takes_three_segments_at_most_and_counts_what_has_no_room(language, count, replies):
    renderer = Renderer(URL, "Tocsin", "New York City", NOW.timestamp, sms_replies=replies)
    hazard = catalogue("glossary", language).text("Flash Flood Warning") if language != "en" else ENGLISH.headline
    text = renderer.letter("notice", "sms", language, {"notice": "held"}, missed=[stored(infos=(ENGLISH,))] * count).parts["text"]
    shown = text.count(hazard)
    assert segments(text).segments <= 3
    assert shown >= 1
    more = catalogue("messages", language).text("+%(count)s more") % {"count": count - shown}
    assert (more in text) == (shown < count)
    assert URL in text


def test_a_long_headline_that_was_missed_loses_its_end_and_not_when_it_ended(renderer):
    over = [stored(infos=(Info(language="ru", headline="Штормовое предупреждение " * 20),), status="Exercise")] * 3
    text = renderer.letter("notice", "sms", "ru", {"notice": "held"}, missed=over).parts["text"]
    assert segments(text).segments == 3
    assert "УЧЕНИЯ: Штормовое" in text
    assert "… (до 21:00 сегодня, 22 нояб.) и ещё 2." in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_says_that_nobody_reads_replies_and_whom_to_call(renderer, language):
    """S27."""
    said = Phrases(language, CITY, "US").gettext("Nobody reads replies to this message. If you need help, call or text 911.")
    assert "911" in said
    for message in (renderer.alert(stored(), "email", language), renderer.letter("confirm", "email", language, {"places": "11201"})):
        assert said in message.parts["text"]
        assert said in html.unescape(message.parts["html"])


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
@pytest.mark.parametrize("notice", NOTICES)
def test_a_notice_says_what_happened(renderer, channel, notice):
    message = renderer.letter("notice", channel, "en", {"notice": notice})
    assert NOTICES[notice] in everything(message)
    assert set(slots_of(message.parts.values())) <= {"why", "unsubscribe"}


@pytest.mark.parametrize("purpose", ["confirm", "access"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_by_sms_takes_two_segments_with_its_link_and_three_in_other_scripts_than_latin(renderer, purpose, language):
    text = renderer.letter(purpose, "sms", language, {"places": "11201, Astoria"}).parts["text"]
    taken = segments(text.replace(slot(purpose), f"{URL}/{purpose}/" + "x" * 59))
    assert taken.segments == (2 if taken.encoding == "GSM-7" else 3)
    assert taken.encoding == "GSM-7" or language not in {"en", "es", "ht", "fr", "it"}
