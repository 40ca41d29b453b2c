"""JSON bodies stay JSON, whatever the text and the links hold."""

from __future__ import annotations

import json

import pytest

from channels.contract import slot
from channels.json_body import JsonBody, json_bytes, read_json


def test_a_body_without_slots_is_the_same_bytes_for_everyone() -> None:
    body = JsonBody({"text": "煮沸水 “now”\n"})
    assert body.slots == ()
    assert body.stamp({}) is body.stamp({"why": "x"})
    assert json.loads(body.stamp({})) == {"text": "煮沸水 “now”\n"}


def test_links_are_stamped_into_strings_at_any_depth() -> None:
    body = JsonBody({"a": [{"b": f"see {slot('why')}"}], "c": slot("confirm")})
    assert body.slots == ("why", "confirm")
    assert json.loads(body.stamp({"why": "W", "confirm": "C"})) == {"a": [{"b": "see W"}], "c": "C"}


def test_a_link_with_quotes_or_breaks_stays_inside_its_string() -> None:
    hostile = 'x","admin":true,"y":"\\\n'
    assert json.loads(JsonBody({"link": slot("why")}).stamp({"why": hostile})) == {"link": hostile}


@pytest.mark.parametrize("text", [r"\u0002why\u0003", r"\\u0002why\\u0003", "\\", '\\"', "\x02why", "why\x03", "\x02Why!\x03"])
def test_text_that_only_looks_like_a_slot_is_left_as_it_is(text: str) -> None:
    body = JsonBody({"text": text})
    assert body.slots == ()
    assert json.loads(body.stamp({})) == {"text": text}


@pytest.mark.parametrize("encoded", [json.dumps({"a": slot("why")}), f'{{"a": "{slot("why")}"}}'])
def test_slots_are_read_from_json_escaped_or_not(encoded: str) -> None:
    assert read_json(encoded) == {"a": slot("why")}


def test_the_size_of_a_text_is_counted_as_json_has_it() -> None:
    assert json_bytes('a"\n水') == len(r"a\"\n") + 3
