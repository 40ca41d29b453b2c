"""Every string that a resident can meet: in the templates, by Babel's extractor, and in handlers, said by ``text(…)`` and ``many(…)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from babel.messages.extract import extract_from_file

from hub.web.pages import STATUS_WORDS
from hub.web.residents.choices import ADDRESS_STATES, CHANNEL_WORDS, RADII, SEVERITY_WORDS, TOPIC_WORDS
from hub.web.residents.sentences import SEVERITY_SHORT, TOPIC_SHORT, WITHIN
from hub.web.residents.why import WAYS

TEMPLATES = Path(str(files("templates").joinpath("pages")))
CODE = Path(str(files("hub").joinpath("web")))

_IN_TEMPLATES = {"_": None, "_n": (1, 2)}
STAFF_ONLY = {"console"}


def all_strings() -> set[str]:
    """The msgids; of those for a number of things the first."""
    return _of_tables() | _of_sentences() | set(_in_templates()) | set(_in_code())


def _of_tables() -> set[str]:
    tables = [*TOPIC_WORDS.values(), *SEVERITY_WORDS.values(), *CHANNEL_WORDS.values(), *STATUS_WORDS.values()]
    listed = {text for pair in tables for text in pair} | {name for _, name in RADII} | set(ADDRESS_STATES.values())
    return listed - {""}


def _of_sentences() -> set[str]:
    """Pieces that sentences about a subscription are made of."""
    return {text for table in (TOPIC_SHORT, SEVERITY_SHORT, WITHIN, WAYS) for text in table.values()} - {""}


def _in_templates() -> Iterator[str]:
    for template in sorted(TEMPLATES.glob("*.html")):
        yield from _of_template(template)


def _of_template(template: Path) -> Iterator[str]:
    for _, message, _, _ in extract_from_file("jinja2", template, keywords=_IN_TEMPLATES):
        yield message if isinstance(message, str) else message[0]


def _in_code() -> Iterator[str]:
    for source in sorted(CODE.rglob("*.py")):
        if not STAFF_ONLY & set(source.parts):
            yield from _said_in(source)


def _said_in(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"text", "many"} and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
