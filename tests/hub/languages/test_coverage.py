"""How far each language has got, as it is shown."""

from __future__ import annotations

import re

from hub.languages.catalogue import LOCALES
from hub.languages.coverage import DOMAINS, YARDSTICK, coverage
from subscriptions.languages import LANGUAGES


def test_every_language_and_domain_is_counted_once_and_spanish_misses_nothing() -> None:
    found = list(coverage())
    assert [(one.language, one.domain) for one in found] == [(tag, domain) for tag in LANGUAGES if tag != "en" for domain in DOMAINS]
    assert {one.missing for one in found if one.language == YARDSTICK} == {0}
    assert all(one.strings > 0 and one.missing >= 0 for one in found)


def test_messages_and_glossary_miss_nothing_in_any_language() -> None:
    assert {one.missing for one in coverage() if one.domain in {"messages", "glossary"}} == {0}


def test_no_string_claims_to_be_checked_but_by_a_month_on_record() -> None:
    for file in LOCALES.glob("*/*.po"):
        claims = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#") and line.startswith("# checked")]
        assert all(re.fullmatch(r"# checked: 20\d\d-(0[1-9]|1[0-2])", line) for line in claims), file
    checked = {(one.language, one.domain): one.checked for one in coverage() if one.checked}
    assert checked == {}, "a speaker has checked strings: say so here too, with whom to ask"
