"""The one reader of translations: the right plural, what is missing, and who vouches for a string."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.languages.catalogue import LOCALES, catalogue, languages_of
from subscriptions.languages import LANGUAGES

HEAD = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n<5 ? 1 : 2);\\n"\n\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pl").mkdir()
    strings = '# checked: 2027-03\nmsgid "Fire"\nmsgstr "Pożar"\n\nmsgid "Flood"\nmsgstr "Powódź"\n\nmsgid "Storm"\nmsgstr ""\n\n'
    many = 'msgid "1 mile"\nmsgid_plural "%(n)s miles"\nmsgstr[0] "1 mila"\nmsgstr[1] "%(n)s mile"\nmsgstr[2] "%(n)s mil"\n'
    (tmp_path / "pl/pages.po").write_text(HEAD + strings + many, encoding="utf-8")
    return tmp_path


def test_what_nobody_has_translated_is_none_and_english_is_itself(folder: Path) -> None:
    assert catalogue("pages", "pl", folder).text("Flood") == "Powódź"
    assert catalogue("pages", "pl", folder).text("Storm") is None
    assert catalogue("pages", "pl", folder).many("1 foot", "%(n)s feet", 2) is None
    assert catalogue("pages", "it", folder).text("Flood") is None
    assert catalogue("pages", "en", folder).text("Flood") == "Flood"
    assert catalogue("pages", "en", folder).many("1 mile", "%(n)s miles", 2) == "%(n)s miles"


@pytest.mark.parametrize(("number", "form"), [(1, "1 mila"), (2, "%(n)s mile"), (5, "%(n)s mil")])
def test_the_plural_follows_the_rule_in_the_files_head(folder: Path, number: int, form: str) -> None:
    assert catalogue("pages", "pl", folder).many("1 mile", "%(n)s miles", number) == form


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("ar", 0, "لا تنبيهات الآن"),
        ("ar", 1, "تنبيه واحد الآن"),
        ("ar", 2, "تنبيهان الآن"),
        ("ar", 3, "%(n)s تنبيهات الآن"),
        ("ar", 11, "%(n)s تنبيها الآن"),
        ("ar", 100, "%(n)s تنبيه الآن"),
        ("es", 1, "1 alerta ahora"),
        ("es", 0, "%(n)s alertas ahora"),
        ("zh-Hans", 7, "目前有 %(n)s 条警报"),
    ],
)
def test_each_language_counts_in_its_own_way(language: str, number: int, said: str) -> None:
    assert catalogue("pages", language).many("1 alert now", "%(n)s alerts now", number) == said


def test_a_string_is_checked_only_when_a_speaker_is_on_record(folder: Path) -> None:
    entries = catalogue("pages", "pl", folder).entries
    assert entries["Fire"].checked == "2027-03"
    assert entries["Flood"].checked is None


def test_the_languages_of_a_domain_are_those_that_have_a_file_and_english(folder: Path) -> None:
    assert list(languages_of("pages", folder)) == ["en", "pl"]


def test_every_file_lies_in_the_folder_of_a_language_of_the_hub() -> None:
    assert {file.parent.name for file in LOCALES.glob("*/*.po")} == set(LANGUAGES) - {"en"}
