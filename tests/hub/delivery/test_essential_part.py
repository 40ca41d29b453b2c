"""What matters most, in the reader's language without machine translation, for whom the author has written nothing."""

from __future__ import annotations

import html
import json
import re

import pytest

from channels.gsm7 import segments
from hub.alerts.alert import Info
from hub.delivery.words.alert_words import MARK_NOTES, MARKS
from hub.delivery.words.rendering import Renderer
from hub.languages.catalogue import catalogue
from hub.languages.hazards import HAZARDS
from subscriptions.languages import LANGUAGES
from tests.hub.delivery.published import ENGLISH, NOW, SPANISH, TEXT_CHANNELS, URL, Place, everything, opening, spelled_as, stored

FOREIGN = sorted(set(LANGUAGES) - {"en"})
TO_ACT_ON = sorted(event for event, what_to_do in HAZARDS.items() if what_to_do)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(URL, "Tocsin", "New York City", NOW.timestamp)


def essentials(language: str, event: str) -> tuple[str, str]:
    """The hazard and what to do about it."""
    said = catalogue("glossary", language)
    return said.text(event), said.text(HAZARDS[event])


def first_sentence(text: str) -> str:
    return re.match(r"[^.!?。！？؟۔।]+", text)[0]


@pytest.mark.parametrize("language", FOREIGN)
@pytest.mark.parametrize("channel", ["email", "telegram", "apprise"])
def test_the_essential_part_is_in_the_readers_language_and_the_authors_words_come_after_it(renderer, channel, language):
    message = renderer.alert(stored(infos=(ENGLISH,)), channel, language)
    hazard, what_to_do = essentials(language, "Flash Flood Warning")
    act = catalogue("messages", language).text("Act now")
    assert act in opening(message)
    assert hazard in opening(message)
    for name in {"text", "html"} & message.parts.keys():
        said = html.unescape(message.parts[name])
        order = [said.rindex(words) for words in ("Red Hook", what_to_do, ENGLISH.headline, "Move to a higher floor now.")]
        assert order == sorted(order)
        assert "Heavy rain floods" in said


@pytest.mark.parametrize("language", FOREIGN)
def test_the_mail_marks_the_authors_words_as_english_and_the_hubs_as_the_readers(renderer, language):
    mail = html.unescape(renderer.alert(stored(infos=(ENGLISH,)), "email", language).parts["html"])
    hazard, what_to_do = essentials(language, "Flash Flood Warning")
    assert re.search(rf"<h1[^>]*>{re.escape(hazard)}</h1>", mail)
    assert not re.search(r"<h1[^>]* lang=", mail)
    assert re.search(rf'<p lang="{language}"[^>]*>{re.escape(what_to_do)}</p>', mail)
    assert re.search(rf'<h2[^>]* lang="en-US" dir="ltr"[^>]*>{re.escape(ENGLISH.headline)}</h2>', mail)
    assert re.search(r'<p lang="en-US" dir="ltr"[^>]*>Move to a higher floor now\.', mail)


@pytest.mark.parametrize("language", FOREIGN)
def test_an_sms_holds_the_essential_part_of_every_known_hazard_within_three_segments(renderer, language):
    messages = catalogue("messages", language)
    for event in TO_ACT_ON:
        text = renderer.alert(stored(Place(("Gowanus", "Red Hook", "11215")), infos=(ENGLISH,), event=event), "sms", language).parts["text"]
        hazard, what_to_do = essentials(language, event)
        assert segments(text).segments <= 3
        assert text.startswith(spelled_as(text, f"{messages.text('Act now')}: {hazard}")), event
        assert "Gowanus" in text
        assert re.search(r"9:00|21:00", text)
        assert spelled_as(text, first_sentence(what_to_do)) in text, event
        assert text.endswith(f"{URL}/a/1z")


@pytest.mark.parametrize("language", FOREIGN)
def test_an_sms_leaves_out_whole_sentences_of_what_to_do_and_says_the_language_of_the_authors_words(renderer, language):
    label = catalogue("messages", language).text("Text (%(language)s):").split("%")[0].strip()
    for event in TO_ACT_ON:
        text = renderer.alert(stored(infos=(ENGLISH,), event=event), "sms", language).parts["text"]
        what_to_do = spelled_as(text, essentials(language, event)[1])
        if "Flash flood" in text:
            assert what_to_do in text
            assert text.index(what_to_do) < text.index(spelled_as(text, label)) < text.index("Flash flood warning for")
        rest = text[text.index(first_sentence(what_to_do)) :]
        kept = rest[: len(what_to_do)]
        assert what_to_do.startswith(kept) or first_sentence(what_to_do) == first_sentence(rest)


@pytest.mark.parametrize("language", FOREIGN)
def test_a_push_says_the_essential_part_first(renderer, language):
    message = renderer.alert(stored(infos=(ENGLISH,)), "web_push", language)
    hazard, what_to_do = essentials(language, "Flash Flood Warning")
    assert message.parts["title"].endswith(hazard)
    assert message.parts["body"].index(what_to_do) < message.parts["body"].index("Flash flood warning for parts of Brooklyn.")
    assert len(json.dumps(dict(message.parts), ensure_ascii=False).encode()) < 2500


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
@pytest.mark.parametrize(
    "changes", [{"msgType": "Cancel"}, {"status": "Test"}, {"status": "Exercise"}, {"urgency": "Past"}, {"event": "Sinkhole"}, {"grade": 2}]
)
def test_no_instruction_is_invented_for_what_is_over_or_unreal_or_unknown(renderer, channel, changes):
    text = everything(renderer.alert(stored(infos=(ENGLISH,), **changes), channel, "fr"))
    assert "Quittez les sous-sols" not in html.unescape(text)
    assert "Flash flood warning for" in text or channel == "sms"


def test_an_event_without_a_name_in_the_glossary_is_called_by_its_category(renderer):
    assert opening(renderer.alert(stored(infos=(ENGLISH,), event="Sinkhole"), "sms", "fr")).startswith("Agissez: Météo.")


@pytest.mark.parametrize("language", FOREIGN)
def test_a_drills_mark_stays_first_in_every_language(renderer, language):
    messages = catalogue("messages", language)
    for status, mark in (("Test", "TEST"), ("Exercise", "EXERCISE")):
        for channel in TEXT_CHANNELS:
            text = opening(renderer.alert(stored(infos=(ENGLISH,), status=status), channel, language))
            assert text.startswith(spelled_as(text, str(messages.text(mark))) if channel == "sms" else messages.text(mark))


CALM = Info(language="en", headline="Evacuation drill at the Red Hook houses", instruction="You do not have to do anything.")


@pytest.mark.parametrize("language", FOREIGN)
@pytest.mark.parametrize("channel", TEXT_CHANNELS)
@pytest.mark.parametrize("changes", [{"status": "Exercise", "event": "Evacuation Order"}, {"grade": 2, "event": "Gas Leak"}])
def test_no_order_to_leave_is_put_before_an_author_who_gives_none(renderer, channel, language, changes):
    said = html.unescape(everything(renderer.alert(stored(infos=(CALM,), **changes), channel, language)))
    assert first_sentence(essentials(language, changes["event"])[1]) not in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", ["Test", "Exercise"])
@pytest.mark.parametrize("words", [ENGLISH, None])
def test_an_sms_of_a_drill_says_after_its_mark_and_before_the_authors_words_that_it_is_only_one(renderer, language, status, words):
    info = words or Info(language=language, headline="Simulacro de evacuación: " * 6, instruction="Move to a higher floor now. " * 30)
    text = renderer.alert(stored(infos=(info,), status=status), "sms", language).parts["text"]
    frame = catalogue("messages", language)
    assert segments(text).segments <= 3
    assert text.startswith(spelled_as(text, str(frame.text(MARKS[status]))))
    assert spelled_as(text, first_sentence(str(frame.text(MARK_NOTES[status])))) in text.partition("Move")[0]


def test_a_reader_of_english_is_told_the_essential_part_when_the_author_wrote_only_spanish(renderer):
    text = renderer.alert(stored(infos=(SPANISH,)), "sms", "en").parts["text"]
    assert text.startswith("Act now: Flash Flood Warning. Gowanus and Red Hook, until 9:00 PM today, Nov 22. Leave basements")
    push = renderer.alert(stored(infos=(SPANISH,)), "web_push", "en").parts["body"]
    assert "Text (Spanish): Aviso de inundación repentina para partes de Brooklyn." in push
