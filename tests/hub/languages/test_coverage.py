"""How far each language has got, as it is shown."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from hub.languages.catalogue import LOCALES, catalogue
from hub.languages.coverage import DOMAINS, YARDSTICK, coverage
from hub.sms.words import SENTENCES
from subscriptions.languages import LANGUAGES, RIGHT_TO_LEFT


def test_every_language_and_domain_is_counted_once() -> None:
    found = list(coverage())
    assert [(one.language, one.domain) for one in found] == [(tag, domain) for tag in LANGUAGES if tag != "en" for domain in DOMAINS]
    assert all(one.strings > 0 for one in found)


def test_what_the_others_are_measured_by_has_every_answer_to_a_text_message() -> None:
    assert set(catalogue("sms", YARDSTICK).entries) == set(SENTENCES)


def test_no_language_misses_a_string_anywhere() -> None:
    assert [one for one in coverage() if one.missing] == []


@pytest.mark.parametrize("file", sorted(LOCALES.glob("*/*.po")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_string_is_a_guess_and_each_has_all_forms_of_its_language(file: Path) -> None:
    read = read_po(io.BytesIO(file.read_bytes()))
    for message in read:
        assert message.id == "" or not message.fuzzy, message.id
        if message.pluralizable:
            assert len(message.string) == read.num_plurals, message.id
            assert all(message.string), message.id


@pytest.mark.parametrize("language", sorted(RIGHT_TO_LEFT))
@pytest.mark.parametrize("example", ["40.693, -73.987", "350 5th Ave", "718 555 0100", "22:30-6:45"])
def test_an_example_of_what_to_type_is_not_turned_round_among_words_from_right_to_left(language: str, example: str) -> None:
    said = " ".join(form for domain in DOMAINS for entry in catalogue(domain, language).entries.values() for form in entry.forms)
    assert 0 < said.count(example) == said.count(f"\u2066{example}\u2069")


def test_no_string_claims_to_be_checked_but_by_a_month_on_record() -> None:
    for file in LOCALES.glob("*/*.po"):
        claims = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#") and line.startswith("# checked")]
        assert all(re.fullmatch(r"# checked: 20\d\d-(0[1-9]|1[0-2])", line) for line in claims), file
    checked = {(one.language, one.domain): one.checked for one in coverage() if one.checked}
    assert checked == {}, "a speaker has checked strings: say so here too, with whom to ask"
