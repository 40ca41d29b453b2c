"""An alert as a text message: three segments, the mark and the place and the end always, and what to do in whole sentences."""

from __future__ import annotations

from itertools import product

import pytest

from channels.contract import slot
from channels.gsm7 import plain_letters, segments
from hub.alerts.alert import Info
from hub.delivery.words.rendering import Renderer
from hub.delivery.words.shortening import ever_fewer_sentences, sentence
from hub.languages.glossary import Glossary
from subscriptions.areas import open_city
from subscriptions.languages import LANGUAGES
from tests.hub.delivery.published import NOW, SCRIPTS, URL, Place, stored


@pytest.fixture
def renderer() -> Renderer:
    return Renderer(URL, "Tocsin", "New York City", NOW.timestamp)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("length", [1, 60, 200, 3000])
def test_an_sms_takes_at_most_three_segments_and_keeps_what_matters(renderer, script, language, length):
    words = (SCRIPTS[script] * length)[:length].strip()
    info = Info(language=language, headline=words[:120], description=words, instruction=words)
    text = renderer.alert(stored(status="Exercise", infos=(info,)), "sms", language).parts["text"]
    assert segments(text).segments <= 3
    text = text.replace("Actue", "Actúe").replace(" Mas, o", " Más, o")
    assert text.startswith({"en": "EXERCISE: Act now: ", "es": "SIMULACRO: Actúe ya: "}[language])
    assert {"en": "until 9:00 PM today, Nov 22", "es": "hasta hoy 22 nov, 9:00 p.m."}[language] in text
    assert "Gowanus" in text
    assert text.endswith({"en": f"Tocsin. More, or stop: {URL}/a/1z", "es": f"Tocsin. Más, o dejar de recibir: {URL}/a/1z"}[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_sms_of_a_number_that_takes_replies_says_how_to_end_it_by_one_and_still_fits(language):
    replied = Renderer(URL, "Tocsin", "New York City", NOW.timestamp, sms_replies=True)
    words = "Move to higher ground now and stay there until told otherwise. " * 30
    text = replied.alert(stored(infos=(Info(language=language, headline="Flood", instruction=words),)), "sms", language).parts["text"]
    assert segments(text).segments <= 3
    assert "STOP" in text
    assert f"{URL}/a/1z" in text
    for purpose in ("confirm", "notice"):
        text = replied.letter(purpose, "sms", language, {"places": "11201, Astoria"}).parts["text"]
        assert segments(text.replace(slot(purpose), f"{URL}/{purpose}/" + "x" * 59)).segments <= 3
        assert {"confirm": "YES", "notice": "STOP"}[purpose] in text.replace("SI", "YES")


def test_an_answer_says_its_words_and_nothing_else_to_who_wants_discreet_messages_too(renderer):
    for discreet in (False, True):
        said = renderer.letter("answer", "sms", "es", {"text": "Tocsin: <hola> & más"}, discreet=discreet)
        assert said.parts == {"text": "Tocsin: <hola> & más"}


def test_an_sms_uses_the_room_that_there_is(renderer):
    words = "Move to higher ground now and stay there until told otherwise. " * 30
    text = renderer.alert(stored(infos=(Info(language="en", headline="Flood", instruction=words),)), "sms", "en").parts["text"]
    assert segments(text).encoding == "GSM-7"
    assert segments(text).characters > 430


def test_an_sms_prefers_what_to_do_to_a_third_place_name(renderer):
    area = Place(("Gowanus", "Red Hook", "Carroll Gardens", "Park Slope"))
    info = Info(language="zh-Hans", headline="布鲁克林部分地区暴洪警告" * 4, instruction="立即前往更高的地方。" * 7)
    text = renderer.alert(stored(area, infos=(info,)), "sms", "zh-Hans").parts["text"]
    assert "Red Hook" not in text
    assert "立即前往更高的地方。" in text


LONG = "Suba a un piso más alto ahora. Salga de las viviendas en sótanos. Lleve medicinas, agua y a quien no pueda salir por su cuenta."


def test_an_sms_gives_up_accents_before_anything_that_people_must_do(renderer):
    info = Info(language="es", headline="Inundación repentina en calles bajas", instruction=LONG, description="Llueve sin parar. " * 40)
    text = renderer.alert(stored(infos=(info,)), "sms", "es").parts["text"]
    assert str(plain_letters(LONG)) in text
    assert text.startswith("Actue ya: Inundacion repentina en calles bajas. ")
    assert (segments(text).encoding, segments(text).segments) == ("GSM-7", 3)


def test_an_sms_keeps_its_accents_where_all_that_people_must_do_has_room(renderer):
    info = Info(language="es", headline="Inundación", instruction="Suba ya.", description="Llueve sin parar. " * 40)
    text = renderer.alert(stored(Place(("Gowanus",)), infos=(info,)), "sms", "es").parts["text"]
    assert text.startswith("Actúe ya: Inundación. Gowanus, ")
    assert "Suba ya." in text


@pytest.mark.parametrize("script", ["gsm", "accents", "chinese", "arabic"])
def test_an_sms_ends_no_order_in_its_middle(renderer, script):
    """Half an order may say the contrary."""
    order = SCRIPTS[script].strip() if script != "chinese" else "不要返回，除非接到通知。"
    info = Info(language="en", headline="Flood", instruction=f"{sentence(order)} " * 30)
    text = renderer.alert(stored(infos=(info,)), "sms", "en").parts["text"]
    told = text.partition(" Nov 22. ")[2].partition(" Tocsin. ")[0]
    for spelling in (sentence(order), str(plain_letters(sentence(order)))):
        told = told.replace(spelling, "")
    assert told.strip() == ""


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Stay in until 9:00 p.m. today. Then leave.", "Stay in until 9:00 p.m. today."),
        ("Go to St. George Terminal. Call 911!", "Go to St. George Terminal."),
        ("Use 5.5 gallons! Boil it.", "Use 5.5 gallons!"),
        ("水位上升。请立即上楼。", "水位上升。"),
        ("No end", "No end"),
    ],
)
def test_a_sentence_is_told_from_an_abbreviation(text, first):
    assert [kept for kept in ever_fewer_sentences(text) if kept][-1] == first


UCS2 = sorted(set(LANGUAGES) - {"en", "es", "fr", "ht", "it", "pl"})
LONGEST_NAMES = sorted((area.name for area in open_city("nyc").areas), key=len)[-20:]
LONG_URL = "https://emergency-alerts.city.example.gov"


@pytest.mark.parametrize("language", UCS2)
def test_a_citys_longest_names_leave_room_for_what_it_is_about(language):
    """Of a drill's update a word of it, since mark and change stand there too; what may go is "(warning)"."""
    renderer = Renderer(LONG_URL, "Notify NYC", "New York City", NOW.timestamp, sms_replies=True)
    info = Info(language="en", headline="Flash flood warning", description="Water rises.", instruction="Go up now.")
    for name, status, kind in product(LONGEST_NAMES, ("Actual", "Exercise", "Test"), ("Alert", "Update", "Cancel")):
        alert = stored(Place((name, "Red Hook")), infos=(info,), status=status, msgType=kind)
        text = renderer.alert(alert, "sms", language).parts["text"]
        hazard = Glossary(language).hazard(alert.document)
        assert segments(text).segments <= 3
        assert (hazard.partition(" (") if status == "Actual" else hazard.split())[0] in text
        assert name[:10] in text
        assert f"{LONG_URL}/a/1z" in text


@pytest.mark.parametrize("written", [True, False])
def test_a_name_is_whole_where_it_has_room_and_else_ends_between_two_words(written):
    name = "The Battery-Governors Island-Ellis Island-Liberty Island"
    info = Info(language="ru" if written else "en", headline="Внезапное наводнение", instruction="Поднимитесь выше.")
    said = {
        url: Renderer(url, "Notify NYC", "New York City", NOW.timestamp).alert(stored(Place((name, name)), infos=(info,)), "sms", "ru")
        for url in ("https://a.example", f"{LONG_URL}/of-the-city")
    }
    whole, cut_off = (message.parts["text"] for message in said.values())
    assert f" {name} и ещё 1, до 21:00" in whole
    assert " The Battery… и ещё 1, до 21:00" in cut_off
    assert "Внезапное наводнение" in cut_off


def test_a_long_headline_loses_its_end_before_a_name_does():
    name = "Sheepshead Bay-Manhattan Beach-Gerritsen Beach"
    info = Info(language="ru", headline="Внезапное наводнение в низких местах города. " * 4, instruction="Поднимитесь выше.")
    text = Renderer(URL, "Tocsin", "New York City", NOW.timestamp).alert(stored(Place((name,)), infos=(info,)), "sms", "ru").parts["text"]
    assert "…" in text
    assert name in text
