"""The words that people read: every channel, both frames, every kind of message, and what hostile or foreign text does to them."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime
from html.parser import HTMLParser

import pytest
from babel.messages.extract import extract_from_dir

from channels.contract import slot
from channels.gsm7 import plain_letters
from channels.stamping import slots_of
from hub.alerts.alert import Info
from hub.delivery.words import alert_words, rendering
from hub.delivery.words.alert_words import choose_info, short_code
from hub.delivery.words.phrases import ACTS, READ, tone
from hub.delivery.words.rendering import NOTICES, PARTS, TEMPLATES, Renderer
from hub.languages.catalogue import catalogue
from hub.languages.hazards import HAZARDS
from subscriptions.languages import LANGUAGES
from tests.hub.delivery.published import (
    ARABIC,
    CITY,
    ENGLISH,
    NOW,
    SCRIPTS,
    SPANISH,
    TEXT_CHANNELS,
    URL,
    Place,
    everything,
    opening,
    stored,
)

PLACEHOLDER = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(URL, "Tocsin", "New York City", NOW.timestamp)


# What comes first


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
@pytest.mark.parametrize(("language", "note"), [("en", "This is only an exercise."), ("es", "Esto es solo un simulacro.")])
def test_a_drill_says_on_every_channel_that_nothing_has_happened(renderer: Renderer, channel: str, language: str, note: str) -> None:
    assert note in everything(renderer.alert(stored(status="Exercise"), channel, language))


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
@pytest.mark.parametrize(
    ("changes", "language", "lead"),
    [
        ({}, "en", "Act now: Flash flood"),
        ({}, "es", "Actúe ya: Aviso"),
        ({"msgType": "Update"}, "en", "Update: Act now: Flash"),
        ({"msgType": "Update"}, "es", "Actualización: Actúe ya: Aviso"),
        ({"msgType": "Cancel"}, "en", "Cancelled: Flash"),
        ({"msgType": "Cancel"}, "es", "Cancelada: Aviso"),
        ({"status": "Test"}, "en", "TEST: Act now: Flash"),
        ({"status": "Test"}, "es", "PRUEBA: Actúe ya: Aviso"),
        ({"status": "Exercise", "msgType": "Update"}, "en", "EXERCISE: Update: Act now: Flash"),
        ({"status": "Exercise", "msgType": "Cancel"}, "es", "SIMULACRO: Cancelada: Aviso"),
    ],
)
def test_mark_then_change_then_act_stand_at_the_very_start(renderer, channel, changes, language, lead):
    message = renderer.alert(stored(**changes), channel, language)
    assert opening(message).startswith((lead, str(plain_letters(lead))) if channel == "sms" else lead)
    assert message.language == language


@pytest.mark.parametrize("status", ["Test", "Exercise"])
def test_a_drill_is_marked_for_machines_and_in_the_mail_before_everything_else(renderer, status):
    message = renderer.alert(stored(status=status), "webhook", "en")
    assert message.data.startswith(f'{{"type":"alert","status":"{status}"')
    mail = renderer.alert(stored(status=status), "email", "en").parts["html"]
    assert mail.index(f"<strong>{status.upper()}:</strong> This is only") < mail.index("Act now</td>") < mail.index("<h1")


@pytest.mark.parametrize(
    ("grade", "urgency", "expected"),
    [
        (4, "Immediate", "now"),
        (4, "Future", "now"),
        (3, "Immediate", "now"),
        (3, "Expected", "ready"),
        (3, "Unknown", "ready"),
        (2, "Immediate", "aware"),
        (1, "Immediate", "aware"),
        (0, "Unknown", "aware"),
        (4, "Past", "aware"),
    ],
)
def test_severity_is_said_as_an_act_by_our_own_grade(grade, urgency, expected):
    assert tone(grade, urgency) == expected


def test_the_grade_speaks_and_not_what_a_foreign_source_claims(renderer):
    message = renderer.alert(stored(grade=2, severity="Extreme"), "sms", "en")
    assert message.severity == "Moderate"
    assert opening(message).startswith(ACTS["aware"])


# What must be said


@pytest.mark.parametrize("channel", ["email", "telegram", "apprise"])
@pytest.mark.parametrize(
    ("language", "until", "todo"),
    [("en", "9:00 PM today, Nov 22", "Move to a higher floor now."), ("es", "hoy 22 nov, 9:00 p.m.", "Suba ahora a un piso más alto.")],
)
def test_long_channels_say_what_where_until_when_and_what_to_do(renderer, channel, language, until, todo):
    for name, text in renderer.alert(stored(), channel, language).parts.items():
        if name in {"text", "html"}:
            page = f"{URL}/alerts/alt_9f2k" if language == "en" else f"{URL}/{language}/alerts/alt_9f2k"
            for words in ("Gowanus", "Red Hook", until, todo, "NYC Emergency Management", page):
                assert words in text, (name, words)


@pytest.mark.parametrize("channel", ["sms", "web_push"])
@pytest.mark.parametrize(("language", "until"), [("en", "until 9:00 PM today, Nov 22"), ("es", "hasta hoy 22 nov, 9:00 p.m.")])
def test_short_channels_say_where_until_when_and_what_to_do_first(renderer, channel, language, until):
    text = everything(renderer.alert(stored(), channel, language))
    assert until in text
    assert ".." not in text
    assert text.index("Gowanus") < text.index(until) < text.index("Move" if language == "en" else "Suba")


def test_a_cancellation_names_no_end_and_says_that_it_is_over(renderer):
    for channel in ("email", "sms", "web_push", "telegram", "apprise"):
        text = everything(renderer.alert(stored(msgType="Cancel"), channel, "en"))
        assert "9:00 PM" not in text
        assert "no longer need to act" in text


def test_the_whole_city_and_a_nameless_area_are_said_too(renderer):
    assert "all of New York City" in renderer.alert(stored(Place((), citywide=True)), "sms", "en").parts["text"]
    assert "la zona del mapa" in renderer.alert(stored(Place(())), "sms", "es").parts["text"]


def test_a_public_video_is_shown_and_nothing_where_there_is_none(renderer):
    for channel in ("email", "telegram", "apprise"):
        shown = renderer.alert(stored(), channel, "en", ("https://video.example/1", "javascript:alert(1)"))
        for name in {"text", "html"} & shown.parts.keys():
            assert "https://video.example/1" in shown.parts[name]
            assert "javascript" not in shown.parts[name]
        assert "ideo shared" not in everything(renderer.alert(stored(), channel, "en"))


# Languages


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", TEXT_CHANNELS)
def test_every_language_of_the_city_has_a_frame_around_the_authors_own_words(renderer, channel, language):
    own = Info(language=language, headline="<own headline>", description="own description", instruction="own instruction")
    message = renderer.alert(stored(infos=(own, ENGLISH)), channel, language)
    text = html.unescape(everything(message))
    assert message.language == language
    assert "<own headline>" in text
    assert "own instruction" in text
    assert "Move to a higher floor" not in text
    if language != "en":
        assert opening(message).startswith(catalogue("messages", language).text("Act now"))
        assert catalogue("glossary", language).text("Flash Flood Warning") not in text
        assert catalogue("glossary", language).text(HAZARDS["Flash Flood Warning"]) not in text


def test_a_reader_of_a_language_that_the_hub_does_not_know_gets_the_english_frame(renderer):
    assert renderer.alert(stored(), "email", "de").language == "en"


@pytest.mark.parametrize(
    ("infos", "language", "sentence"),
    [
        ((ENGLISH,), "es", "Esta alerta no está disponible en su idioma; esto está en inglés."),
        ((SPANISH,), "en", "This notice is not available in your language; this is Spanish."),
        ((ARABIC,), "es", "Esta alerta no está disponible en su idioma; esto está en árabe."),
        ((ENGLISH,), "ko", "이 알림은 귀하의 언어로 제공되지 않습니다. 원문은 영어입니다."),
        ((ENGLISH, SPANISH), "ur", "یہ اطلاع آپ کی زبان میں دستیاب نہیں؛ یہ انگریزی میں ہے۔"),
    ],
)
def test_words_that_exist_only_in_another_language_say_so_in_the_frames_language(renderer, infos, language, sentence):
    for channel in ("email", "telegram", "apprise"):
        message = renderer.alert(stored(infos=infos), channel, language)
        assert sentence in message.parts.get("text", message.parts.get("html", ""))


def test_the_authors_words_are_chosen_by_the_readers_language_then_english_then_first():
    assert choose_info((ENGLISH, SPANISH), "es") is SPANISH
    assert choose_info((ARABIC, ENGLISH), "es") is ENGLISH
    assert choose_info((ARABIC, SPANISH), "ko") is ARABIC


@pytest.mark.parametrize("channel", ["email", "telegram", "apprise"])
def test_a_name_in_latin_letters_does_not_pull_the_time_after_it_along_in_a_right_to_left_frame(renderer, channel):
    for text in renderer.alert(stored(infos=(ARABIC,)), channel, "ar").parts.values():
        assert "NYC Emergency Management · " not in text
    assert "NYC Emergency Management\u200f · 4:02" in html.unescape(everything(renderer.alert(stored(), channel, "ar")))


@pytest.mark.parametrize(("language", "frame"), [("ar", 'lang="ar" dir="rtl"'), ("en", 'lang="en" dir="ltr"')])
def test_right_to_left_words_and_frames_carry_their_direction(renderer, language, frame):
    mail = renderer.alert(stored(infos=(ARABIC,)), "email", language).parts["html"]
    assert f"<html {frame}>" in mail
    assert re.search(r'<h[12][^>]* lang="ar" dir="rtl"[^>]*>تحذير', mail)
    assert re.search(r'<p lang="ar" dir="rtl"[^>]*>تغمر', mail)


def extracted() -> set[str]:
    methods = [(f"{channel}/**", "jinja2") for channel in TEXT_CHANNELS]
    found = {phrase for _, _, phrase, *_ in extract_from_dir(str(TEMPLATES), methods)}
    tables = (alert_words.MARKS, alert_words.MARK_NOTES, alert_words.CHANGES, alert_words.CHANGE_NOTES, ACTS, NOTICES, rendering.NEUTRAL)
    code = [phrase for table in tables for phrase in table.values()]
    times = ["%(time)s today, %(date)s", "%(time)s tomorrow, %(date)s", "%(time)s on %(date)s", "ZIP %(zip)s"]
    places = ["all of %(city)s", "the area on the map", "a place on the map", "New York City", "%(count)s more", "+%(count)s more"]
    languages = ["This notice is not available in your language; this is %(language)s.", "Text (%(language)s):"]
    return {*found, *code, *times, *places, *languages, READ}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_a_frames_catalogue_holds_every_phrase_once_with_its_places_and_nothing_else(language):
    entries = catalogue("messages", language).entries
    assert set(entries) == extracted()
    for phrase, entry in entries.items():
        assert sorted(PLACEHOLDER.findall(entry.forms[0])) == sorted(PLACEHOLDER.findall(phrase))


# Limits of the transports


@pytest.mark.parametrize("language", ["en", "es"])
def test_subjects_stay_short_and_on_one_line(renderer, language):
    info = Info(language=language, headline="Water main break " * 20)
    subject = renderer.alert(stored(status="Exercise", msgType="Update", infos=(info,)), "email", language).parts["subject"]
    assert len(subject) <= 80
    assert subject.endswith("…")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_push_message_fits_into_one_encrypted_record(renderer, script):
    words = SCRIPTS[script] * 400
    parts = renderer.alert(stored(infos=(Info(language="en", headline=words, description=words),)), "web_push", "en").parts
    assert len(json.dumps(dict(parts), ensure_ascii=False).encode()) < 2500  # RFC 8291 leaves 3993 octets for this and the links


class TelegramReader(HTMLParser):
    """Counts what Telegram counts (text after entities), and refuses what Telegram would refuse."""

    ALLOWED = frozenset({"b", "i", "a"})

    def __init__(self) -> None:
        super().__init__()
        self.visible = 0
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        assert tag in self.ALLOWED
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.visible += len(data.encode("utf-16-le")) // 2


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_telegram_message_keeps_to_its_tags_and_its_4096_characters(renderer, script):
    words = SCRIPTS[script] * 2000
    info = Info(language="en", headline="<b>Flood</i> & more", description=words, instruction=words)
    reader = TelegramReader()
    reader.feed(renderer.alert(stored(infos=(info,)), "telegram", "en").parts["html"])
    reader.close()
    assert reader.open == []
    assert reader.visible <= 4096


# Links, slots and hostile text

LINKS_OF_AN_ALERT = {
    ("email", "subject"): (),
    ("email", "text"): ("why", "unsubscribe"),
    ("email", "html"): ("why", "unsubscribe"),
    ("sms", "text"): (),
    ("web_push", "title"): (),
    ("web_push", "body"): (),
    ("telegram", "html"): ("why", "unsubscribe"),
    ("telegram", "read"): (),
    ("apprise", "title"): (),
    ("apprise", "text"): ("why", "unsubscribe"),
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("channel", PARTS)
def test_an_alert_has_a_persons_links_exactly_where_they_belong(renderer, channel, language):
    message = renderer.alert(stored(), channel, language)
    slots = {(channel, name): slots_of([text]) for name, text in message.parts.items()}
    assert slots == {key: links for key, links in LINKS_OF_AN_ALERT.items() if key[0] == channel}
    assert "\x02" not in message.link + message.data


HOSTILE = Info(
    language="en",
    headline='<script>alert("1")</script>\r\nBcc: x@example.org \x02access\x03 \u202eevil {{ slot("why") }}',
    description="<img src=x onerror=alert(1)> & \x02confirm\x03",
    instruction="</td></table><a href='https://evil.example'>here</a>",
    web="javascript:alert(1)",
)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("channel", PARTS)
def test_hostile_words_stay_words(renderer, channel, language):
    message = renderer.alert(stored(Place(("<b>Astoria</b>",)), infos=(HOSTILE,)), channel, language, ())
    assert set(slots_of(message.parts.values())) <= {"why", "unsubscribe"}
    assert "javascript:" not in everything(message)
    assert "\u202e" not in everything(message)
    for name in {"subject", "title"} & message.parts.keys():
        assert "\n" not in message.parts[name]
    for forbidden in ("<script", "<img", "</td></table><a href='https://evil", "<b>Astoria"):
        assert forbidden not in message.parts.get("html", "")


def test_the_mail_fetches_nothing_and_runs_nothing(renderer):
    mail = renderer.alert(stored(), "email", "en", ("https://video.example/1",)).parts["html"]
    assert not re.search(r"<(img|script|link|iframe|object|form|video)|\ssrc=|url\(|@import|\son\w+=", mail)
    addresses = set(re.findall(r'href="([^"]+)"', mail))
    assert addresses == {
        f"{URL}/alerts/alt_9f2k",
        "https://www.example.gov/flood?a=1&amp;b=2",
        "https://video.example/1",
        slot("why"),
        slot("unsubscribe"),
        URL,
    }


def test_machines_get_the_document_in_the_interfaces_names_and_nothing_internal(renderer):
    message = renderer.alert(stored(audience_languages=("en",)), "webhook", "en", ("https://video.example/1",))
    data = json.loads(message.data)
    assert data["id"] == "alt_9f2k"
    assert data["severity"] == data["grade"] == "Severe"
    assert data["infos"][1]["headline"] == SPANISH.headline
    assert datetime.fromisoformat(data["expires"]) == datetime(2026, 11, 22, 21, 0, tzinfo=CITY)
    assert data["links"] == {
        "page": f"{URL}/alerts/alt_9f2k",
        "short": f"{URL}/a/1z",
        "cap": f"{URL}/feeds/cap/alt_9f2k.xml",
        "videos": ["https://video.example/1"],
    }
    assert not {"audience_languages", "send_at", "known_since"} & data.keys()


def test_a_message_carries_its_chain_its_times_and_its_page(renderer):
    message = renderer.alert(stored(), "web_push", "en")
    assert (message.purpose, message.topic, message.status, message.urgency) == ("alert", "alt_first", "Actual", "Immediate")
    assert message.link == f"{URL}/alerts/alt_9f2k"
    assert message.sent_at == NOW.timestamp()
    assert message.expires_at - message.sent_at == (5 * 60 - 2) * 60


@pytest.mark.parametrize("number", [0, 1, 35, 36, 71, 46655, 10**12])
def test_the_short_code_reads_back(number):
    assert int(short_code(number), 36) == number


# What is struck through, and what is read, on Telegram


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_out_of_date_says_so_first_and_all_its_words_are_struck_through(renderer, language):
    struck = renderer.struck(stored(), "telegram", language, 1.0)
    text = struck.parts["html"]
    assert re.match(r"<i>[^<]+</i>\n\n<s>", text)
    for line in text.splitlines()[1:-1]:
        assert not line or "<s>" in line or "</s>" in line or "<" not in line
    assert (slots_of([text]), struck.silent, struck.purpose, struck.expires_at) == ((), True, "strike", 1.0)
    assert "read" not in struck.parts


def test_a_press_of_the_button_names_the_alert(renderer):
    message = renderer.alert(stored(), "telegram", "es")
    assert (message.parts["read"], int(message.reference, 36)) == ("Lo he leído", stored().number)


def test_what_is_minor_makes_no_sound_where_the_hub_says_so(renderer):
    assert renderer.alert(stored(), "telegram", "en", silent=True).silent
    assert not renderer.alert(stored(), "telegram", "en").silent
