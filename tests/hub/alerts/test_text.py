"""Words are cleaned by one stated rule, and only where they must be."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hub.alerts.text import clean, clean_line, has_surrogate


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("The Mayor\x1as Office", "The Mayor’s Office"),
        ("known as a \x1ashrike\x1a (see photo)", "known as a “shrike” (see photo)"),
        ("Legionnaires\x1a disease", "Legionnaires’ disease"),
        ("1 PM \x1a 2:30 PM", "1 PM – 2:30 PM"),
        ("7:00 PM\x1a10:00 PM", "7:00 PM–10:00 PM"),
        ("7:00 PM \x1a10:00 PM", "7:00 PM –10:00 PM"),
        ("announced:\n\x1a\tMTA express", "announced:\n•\tMTA express"),
        ("Fireworks \x1a Liberty Island", "Fireworks – Liberty Island"),
    ],
)
def test_lost_mark_becomes_the_one_its_neighbours_call_for(raw: str, words: str) -> None:
    assert clean(raw) == words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("a\r\nb\rc\x85d\u2028e\u2029f\x0bg\x0ch", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("a\x02why\x03b", "a why b"),
        ("a\x00b\x07c\x7fd", "a b c d"),
        ("it\x92s \x93here\x94 \x96 now\x85", "it’s “here” – now"),
        ("a\x81b", "a b"),
        ("\ufeffa\ufeffb", "ab"),
        ("a\ufffeb\U0001ffffc", "a b c"),
        ("e\u0301", "é"),
        ("  a  ", "a"),
        ("a\tb", "a\tb"),
    ],
)
def test_controls_and_line_ends_follow_the_rule(raw: str, words: str) -> None:
    assert clean(raw) == words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("\u202eevil\u202c", "evil"),
        ("\u202dx", "x"),
        ("\u2067abc", "\u2067abc\u2069"),
        ("\u2067abc\nnext", "\u2067abc\u2069\nnext"),
        ("abc\u2069", "abc"),
        ("\u202babc\u2069\u202c", "\u202babc\u202c"),
        ("\u2067a\u202bb\u2069c", "\u2067a\u202bb\u202c\u2069c"),
        ("\u2067a\u202cb\u2069", "\u2067ab\u2069"),
        ("\u200fa\u200eb\u061c", "\u200fa\u200eb\u061c"),
        ("\u0627\u200c\u0628", "\u0627\u200c\u0628"),
    ],
)
def test_bidirectional_marks_are_balanced_and_overrides_go(raw: str, words: str) -> None:
    assert clean(raw) == words


@pytest.mark.parametrize(
    "words",
    [
        "Alerte météo",
        "天气警报",
        "天氣警報",
        "Штормовое предупреждение",
        "আবহাওয়ার সতর্কতা",
        "Avètisman tanpèt",
        "기상 경보",
        "تحذير من الطقس",
        "موسم کی وارننگ",
        "Ostrzeżenie pogodowe",
        "װעטער װאָרענונג",
        "Allerta meteo",
        "Aviso del tiempo ¡cuidado!",
        "Weather warning 🌀",
    ],
)
def test_the_words_of_fourteen_languages_arrive_unharmed(words: str) -> None:
    assert clean(words) == unicodedata.normalize("NFC", words)


def test_one_line_holds_no_line_end_that_a_mail_header_could_break_at() -> None:
    assert clean_line("Storm\r\nBcc: all@example.org\u2028x\ty") == "Storm Bcc: all@example.org x y"


@pytest.mark.parametrize("raw", ["a\ud800", "\udc00b", "\ud83d \ude00"])
def test_half_a_character_is_refused(raw: str) -> None:
    assert has_surrogate(raw)
    with pytest.raises(ValueError, match="surrogate"):
        clean(raw)


@given(st.text())
def test_whatever_comes_in_what_goes_out_fits_into_xml_and_is_clean_already(raw: str) -> None:
    words = clean(raw)
    element = etree.Element("a")
    element.text = words
    assert clean(words) == words
    assert not set(words) & {chr(code) for code in (*range(9), *range(11, 32), 0x7F)}
