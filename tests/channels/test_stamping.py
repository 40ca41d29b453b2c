"""Slots are filled per person, and nothing else of a text is touched."""

import html
import json

import pytest

from channels.contract import slot
from channels.stamping import Stamp, slots_of, split_slots, stamp_part, without_slots


def test_each_slot_gets_its_own_link_wherever_it_stands() -> None:
    stamp = Stamp(f"{slot('why')} then {slot('unsubscribe')}, again {slot('why')}")
    assert stamp.slots == ("why", "unsubscribe")
    assert stamp.stamp({"why": "W", "unsubscribe": "U"}) == "W then U, again W"


def test_a_text_without_slots_is_returned_as_it_is() -> None:
    stamp = Stamp("Boil water. 煮沸水。")
    assert stamp.slots == ()
    assert stamp.stamp({}) == "Boil water. 煮沸水。"


def test_a_missing_link_is_an_error_and_not_an_empty_place() -> None:
    with pytest.raises(KeyError):
        Stamp(slot("why")).stamp({"unsubscribe": "U"})


def test_pieces_and_links_are_encoded_alike() -> None:
    assert Stamp(f'"{slot("why")}"', lambda text: json.dumps(text)[1:-1]).stamp({"why": "a\nb"}) == '\\"a\\nb\\"'


def test_an_encoder_may_be_html_escape() -> None:
    assert Stamp(f"<{slot('why')}", html.escape).stamp({"why": "?a=1&b=2"}) == "&lt;?a=1&amp;b=2"


def test_a_link_that_looks_like_a_slot_is_not_filled_again() -> None:
    assert Stamp(slot("why")).stamp({"why": slot("unsubscribe"), "unsubscribe": "U"}) == slot("unsubscribe")


def test_slots_of_several_texts_are_named_once() -> None:
    assert slots_of([slot("why"), "none", slot("unsubscribe") + slot("why")]) == ("why", "unsubscribe")


def test_all_slots_can_be_replaced_by_one_shared_text() -> None:
    assert without_slots(f"More: {slot('why')}.", "https://alerts.example") == "More: https://alerts.example."


def test_in_an_html_part_links_are_escaped_and_the_markup_is_left_alone() -> None:
    assert stamp_part("html", f'<a href="{slot("why")}">').stamp({"why": "?a=1&b=2"}) == '<a href="?a=1&amp;b=2">'
    assert stamp_part("text", f"<{slot('why')}>").stamp({"why": "?a=1&b=2"}) == "<?a=1&b=2>"


def test_splitting_gives_one_piece_more_than_names() -> None:
    assert split_slots(f"{slot('why')}b{slot('why')}") == (("", "b", ""), ("why", "why"))
