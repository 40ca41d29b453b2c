"""What a text means: keywords of all languages in any spelling, places among words, and free text that nothing is made of (S23, S27)."""

from __future__ import annotations

import tomllib

import pytest

from hub.sms.keywords import COMMANDS, FILE, keywords, normalise, written_in
from hub.sms.reading import LONGEST, Meaning, Reader
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
        "por favor para",
        "para, gracias",
        "para las alertas",
        "stop les messages",
        "Stop les SMS",
        "arrête",
        "arrêtez les sms",
        "Arrêtez de m'envoyer des SMS",
        "stop, si",
        "stop un",
        "stop 11291",
        "stop Astorai",
        "请停止",
        "请退订",
        "退订谢谢",
        "請停止發送簡訊",
        "중지해주세요",
        "문자를 중지해 주세요",
        "수신거부 부탁드립니다",
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
    assert_joins(reader.read(text), places)
    assert reader.read(text).language == language


def assert_joins(meaning: Meaning, places: list[str]) -> None:
    said = [area.id if area.layer == "zip" else area.name for area in meaning.places]
    assert (meaning.command, said, meaning.unknown) == ("places", places, ())


@pytest.mark.parametrize(
    "yes",
    [
        "yes", "ok", "sí", "Si", "Sì", "oui", "wi", "да", "da", "tak", "نعم", "ہاں", "جی ہاں", "জি", "হ্যাঁ", "是", "是的", "好", "네", "예",
        "יאָ", "START", "suscribirme", "subscribe", "s'abonner",
    ],
)  # fmt: skip
def test_a_yes_beside_a_place_is_no_place(reader: Reader, yes: str) -> None:
    for form in ("{}, 11201", "{} 11201", "11201 {}"):
        assert_joins(reader.read(form.format(yes)), ["11201"])


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("11201, un", ["11201"]),
        ("UN", ["United Nations"]),
        ("BK", ["Brooklyn"]),
        ("BK 11201", ["11201"]),
        ("11205, BK", ["11205"]),
        ("LES", ["Lower East Side"]),
        ("alerts for LES", ["Lower East Side"]),
        ("les alertes pour 11201", ["11201"]),
    ],
)
def test_a_short_name_that_is_a_word_too_is_a_place_only_where_it_can_be_nothing_else(reader: Reader, text: str, places: list[str]) -> None:
    assert_joins(reader.read(text), places)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Queens, 11372", ["11372"]),
        ("Brooklyn, NY 11201", ["11201"]),
        ("Manhattan, New York, NY 10001", ["10001"]),
        ("10463, Bronx", ["10463"]),
        ("Queens 11372, Brooklyn 11201", ["11372", "11201"]),
        ("11201, Queens", ["11201", "Queens"]),
        ("11201 Queens", ["11201", "Queens"]),
    ],
)
def test_a_borough_beside_a_zip_that_lies_in_it_is_its_address(reader: Reader, text: str, places: list[str]) -> None:
    assert_joins(reader.read(text), places)


def test_a_borough_beside_a_mistyped_zip_of_it_is_not_followed(reader: Reader) -> None:
    assert (reader.read("Brooklyn, NY 11291").places, reader.read("Brooklyn, NY 11291").unknown[0].near) == ((), "11201")


@pytest.mark.parametrize(
    "text",
    [
        "Brooklyn and Queens", "Brooklyn y Queens", "Бруклин и Квинс", "布鲁克林和皇后区", "布魯克林、皇后區", "브루클린과 퀸스",
        "브루클린 와 퀸스", "بروكلين وكوينز", "بروكلين و كوينز", "بروکلین اور کوئنز", "ব্রুকলিন ও কুইন্স",
        "Brooklyn e Queens", "Brooklyn et Queens",
        "Brooklyn ak Queens", "Brooklyn i Queens", "Brooklyn und Queens", "ברוקלין און קווינס", "我住在布鲁克林和皇后区",
    ],
)  # fmt: skip
def test_several_places_are_named_as_each_language_names_them(reader: Reader, text: str) -> None:
    assert_joins(reader.read(text), ["Brooklyn", "Queens"])


def test_every_spelling_of_a_borough_is_that_borough(reader: Reader) -> None:
    for name, spellings in TABLES["places"].items():
        for spelling in spellings:
            assert_joins(reader.read(spelling), [name])


@pytest.mark.parametrize("text", ["我住在11201", "我的邮编是11201", "请给我发送11201的警报", "11201에 살아요", "11201 알림 부탁드립니다"])
def test_what_chinese_and_korean_write_onto_a_zip_changes_nothing(reader: Reader, text: str) -> None:
    assert_joins(reader.read(text), ["11201"])


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
        "Fine",
        "Fine, thanks",
        "All is fine now",
        "Quiero recibir alertas para mi zip",
        "start shooting 10001",
        "urgence",
        "urgenza",
        "긴급",
        "ہنگامی",
        "紧急",
        "緊急",
        "জরুরি",
        "살려주세요",
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
        ("STOP: 11201, 11205", "remove", ["11201", "11205"], 1),
        ("stop 11201 and 11205", "remove", ["11201", "11205"], 1),
        ("remove LES", "remove", ["MN0302"], 1),
        ("REMOVE BK", "remove", ["3"], 1),
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
