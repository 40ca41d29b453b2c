"""What a text means: keywords of all languages in any spelling, places among words, and free text that nothing is made of (S23, S27)."""

from __future__ import annotations

import tomllib

import pytest

from hub.sms.keywords import COMMANDS, FILE, keywords, normalise, written_in
from hub.sms.reading import LONGEST, Reader
from subscriptions.languages import LANGUAGES

TABLES = tomllib.loads(FILE.read_text(encoding="utf-8"))
WORDS = [(command, language, word) for command in COMMANDS for language, words in TABLES["commands"][command].items() for word in words]
STOPS = ["STOP", "STOPALL", "QUIT", "END", "REVOKE", "OPT OUT", "CANCEL", "UNSUBSCRIBE", "ALTO", "PARAR", "CANCELAR", "TERMINAR", "BAJA"]


def test_every_language_of_the_city_has_words_to_end_to_begin_and_to_ask() -> None:
    assert list(TABLES["commands"]) == list(COMMANDS)
    for command in ("stop", "help", "start", "urgent", "list", "remove"):
        assert set(TABLES["commands"][command]) == set(LANGUAGES)
    assert set(TABLES["languages"]) == set(LANGUAGES)


def test_every_keyword_means_its_command_in_any_case_and_punctuation(reader: Reader) -> None:
    for command, language, word in WORDS:
        for spelling in (word, word.upper(), f" «{word}!» ", word.replace(" ", "-"), f"{word}\n"):
            meaning = reader.read(spelling)
            if command == "remove":  # of what? A list is the answer.
                assert meaning.command == "remove", spelling
            else:
                assert meaning.command == command, spelling
            assert meaning.language in {None, language, written_in(spelling)}


@pytest.mark.parametrize("word", STOPS)
@pytest.mark.parametrize("form", ["{}", "{}.", "  {} ", "please {}", "{} please!", '"{}"', "{} alerts", "{}\u200b"])
def test_the_stop_family_is_understood_with_words_of_politeness(reader: Reader, word: str, form: str) -> None:
    for spelling in (word, word.lower(), word.title(), word.swapcase()):
        assert reader.read(form.format(spelling)).command == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "STOP STOP",
        "stop.stop",
        "stop stop stop please",
        "opt out! opt out!",
        "СТОП СТОП",
        "ＳＴＯＰ",
        "S.T.O.P.",
        "s t o p",
        "Stop sending me texts",
        "opt-out",
        "OptOut",
        "ARRÊT",
        "arret",
        "قِفْ",
        "СТОП!!!",
    ],
)
def test_other_widths_accents_and_joints_are_the_same_word(reader: Reader, text: str) -> None:
    assert reader.read(text).command == "stop"


@pytest.mark.parametrize(
    ("text", "places", "language"),
    [
        ("11201", ["11201"], None),
        ("zip 11201 please", ["11201"], None),
        ("11201-1832", ["11201"], None),
        ("১১২০১", ["11201"], "bn"),
        ("١١٢٠١", ["11201"], "ar"),
        ("۱۱۲۰۱", ["11201"], "ur"),
        ("１１２０１", ["11201"], None),
        ("11201, 11205 and 11231", ["11201", "11205", "11231"], None),
        ("11201 11201", ["11201"], None),
        ("11201 Brooklyn, NY", ["11201"], None),
        ("mi código postal es 11201 por favor", ["11201"], None),
        ("11201 우편번호", ["11201"], "ko"),
        ("Astoria", ["Astoria"], None),
        ("alerts for Hell's Kitchen please", ["Hell's Kitchen"], None),
        ("the bronx", ["Bronx"], None),
        ("Staten Island", ["Staten Island"], None),
        ("11201; Astoria", ["11201", "Astoria"], None),
    ],
)
def test_places_are_found_among_words_that_change_nothing(reader: Reader, text: str, places: list[str], language: str | None) -> None:
    meaning = reader.read(text)
    assert (meaning.command, [area.id if area.layer == "zip" else area.name for area in meaning.places]) == ("places", places)
    assert (meaning.unknown, meaning.language) == ((), language)


@pytest.mark.parametrize(("text", "near"), [("11291", "11201"), ("12101", "11101"), ("Astorai", "Astoria"), ("90210", None)])
def test_a_slip_is_told_from_free_text(reader: Reader, text: str, near: str | None) -> None:
    meaning = reader.read(text)
    assert meaning.command == "places"
    assert not meaning.places
    assert [unknown.near for unknown in meaning.unknown] == [near]


@pytest.mark.parametrize(
    "text",
    [
        "there is a fire at 350 5th ave 10118",
        "help there is a man with a gun",
        "help help",
        "stop him stop him",
        "stop & shop is on fire",
        "when does it end",
        "please cancel my appointment",
        "911",
        "I smell gas in 11201 send help",
        "",
        "?",
        "👍",
        "ok thanks",
        "着火了 11201",
        "STOP " * (LONGEST // 5 + 1),
        "\x00\x01\ufffd",
    ],
)
def test_a_sentence_about_something_else_does_nothing(reader: Reader, text: str) -> None:
    meaning = reader.read(text)
    assert (meaning.command, meaning.places) == ("free", ())


@pytest.mark.parametrize(
    ("text", "command", "places", "days"),
    [
        ("REMOVE 11201", "remove", ["11201"], 1),
        ("stop 11201", "remove", ["11201"], 1),
        ("11201 삭제", "remove", ["11201"], 1),
        ("删除11201", "remove", ["11201"], 1),
        ("quitar 11201 por favor", "remove", ["11201"], 1),
        ("pause", "pause", [], 1),
        ("PAUSE 7 days", "pause", [], 7),
        ("pause 300", "free", [], 1),
        ("Drills off", "drills_off", [], 1),
    ],
)
def test_commands_take_what_they_are_about(reader: Reader, text: str, command: str, places: list[str], days: int) -> None:
    meaning = reader.read(text)
    assert (meaning.command, [area.id for area in meaning.places], meaning.days) == (command, places, days)


def test_each_language_goes_by_its_own_name_and_its_english_one(reader: Reader) -> None:
    for tag, name in LANGUAGES.items():
        for said in (name, *TABLES["languages"][tag]):
            meaning = reader.read(f"{said}!")
            assert (meaning.command, meaning.language) == ("language", tag)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("пожар", "ru"), ("불이야", "ko"), ("আগুন", "bn"), ("着火了", "zh-Hans"), ("請幫忙", "zh-Hant"), ("حريق", "ar"), ("آگ لگی ہے", "ur"),
        ("פייער", "yi"), ("fire", None), ("¡fuego!", None), ("", None),
    ],
)  # fmt: skip
def test_a_script_tells_the_language(text: str, language: str | None) -> None:
    assert written_in(text) == language


def test_normalising_twice_changes_nothing_more() -> None:
    for _, _, word in WORDS:
        assert normalise(normalise(word)) == normalise(word)
    assert keywords().command("") is None
