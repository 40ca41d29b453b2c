"""Every string that a resident can meet, found in the templates and in the handlers: what a translation must hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, nodes

from hub.web.cards import KNOWN_EVENTS
from hub.web.pages import STATUS_WORDS
from hub.web.residents.choices import ADDRESS_STATES, CHANNEL_WORDS, RADII, SEVERITY_WORDS, TOPIC_WORDS

TEMPLATES = Path(str(files("templates").joinpath("pages")))
CODE = Path(str(files("hub").joinpath("web")))
STAFF_ONLY = {"console"}


def all_strings() -> set[str]:
    """The msgids."""
    tables = [*TOPIC_WORDS.values(), *SEVERITY_WORDS.values(), *CHANNEL_WORDS.values(), *STATUS_WORDS.values()]
    listed = {text for pair in tables for text in pair} | {name for _, name in RADII} | set(ADDRESS_STATES.values()) | set(KNOWN_EVENTS)
    return (listed | set(_in_templates()) | set(_in_code())) - {""}


def _in_templates() -> Iterator[str]:
    for template in sorted(TEMPLATES.glob("*.html")):
        for call in Environment(autoescape=True).parse(template.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in {"_", "_n"}:
                first = call.args[0]
                assert isinstance(first, nodes.Const), f"{template.name}: {call.node.name}() needs a literal, else nobody can translate it"
                yield first.value


def _in_code() -> Iterator[str]:
    for source in sorted(CODE.rglob("*.py")):
        if STAFF_ONLY & set(source.parts):
            continue
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"text", "many"} and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value
