"""Documents from residents: every fault is named with its pointer, and nothing unknown is let through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from subscriptions import topics
from subscriptions.documents import Faults
from subscriptions.errors import InvalidSubscription, UnreadableDocument
from subscriptions.subscriber import choices, read_change, read_subscription

GOOD: dict[str, Any] = {"places": [{"zip": "11201"}], "channels": [{"kind": "email", "address": "a@example.org"}]}


def faults_of(raw: bytes) -> dict[str, str]:
    with pytest.raises(InvalidSubscription) as caught:
        read_subscription(raw)
    return {error.pointer: error.detail for error in caught.value.errors}


def meaning_faults(**fields: Any) -> dict[str, str]:
    faults = Faults()
    choices(read_subscription(json.dumps(GOOD | fields).encode()), faults)
    with pytest.raises(InvalidSubscription) as caught:
        faults.check()
    return {error.pointer: error.detail for error in caught.value.errors}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}", b"{} {}"]
)
def test_what_is_not_json_is_refused_as_a_whole(raw: bytes) -> None:
    with pytest.raises(UnreadableDocument):
        read_subscription(raw)


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"5"])
def test_another_value_than_an_object_is_refused(raw: bytes) -> None:
    assert faults_of(raw)[""].startswith("expected an object")


def test_every_fault_of_a_document_is_named_at_once() -> None:
    raw = b"""{"places": [{"zip": 11201, "colour": "red"}, 5], "languge": "es", "topics": "crime", "drills": 1,
        "quiet_hours": {"from": "22:00"}}"""
    found = faults_of(raw)
    assert found.keys() == {
        *("/places/0/zip", "/places/0/colour", "/places/1", "/languge", "/topics", "/drills"),
        *("/quiet_hours/to", "/quiet_hours/timezone", "/channels"),
    }
    assert found["/channels"] == "missing"
    assert "zip" in found["/places/0/colour"]
    assert found["/drills"] == "expected true or false, got a whole number"


def test_a_name_that_stands_twice_is_refused_and_not_the_last_one_taken() -> None:
    found = faults_of(b'{"places": [{"zip": "11201", "zip": "10001"}], "channels": [], "channels": []}')
    assert found.keys() == {"/places/0/zip", "/channels"}


WRONG = [5, 1.5, "text", True, {}, [None], [[]]]
RIGHT = {"minimum_severity": "text", "language": "text", "drills": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ("places", "channels", "topics", "minimum_severity", "language", "quiet_hours", "drills")
        for value in WRONG
        if value is not RIGHT.get(name)
    ],
)
def test_a_field_of_the_wrong_type_is_refused_at_its_own_pointer(name: str, value: Any) -> None:
    assert all(pointer.startswith(f"/{name}") for pointer in faults_of(json.dumps(GOOD | {name: value}).encode()))


def test_names_with_slashes_are_escaped_in_pointers() -> None:
    assert "/a~1b~0c" in faults_of(json.dumps(GOOD | {"a/b~c": 1}).encode())


def test_what_is_left_out_has_a_stated_default() -> None:
    request = read_subscription(json.dumps(GOOD).encode())
    assert (request.topics, request.minimum_severity, request.language, request.quiet_hours, request.drills) == (
        *(topics.EVERYDAY, "Minor", "en", None, False),
    )
    assert "test" not in request.topics


def test_words_that_are_nearly_right_are_told_what_they_may_mean() -> None:
    found = meaning_faults(topics=["weathr", "crime", "crime"], minimum_severity="severe", language="tlh")
    assert "Did you mean weather?" in found["/topics/0"]
    assert "twice" in found["/topics/2"]
    assert "Did you mean Severe?" in found["/minimum_severity"]
    assert "zh-Hant" in found["/language"]


def test_no_topic_at_all_is_refused_rather_than_read_as_all_or_none() -> None:
    assert "/topics" in meaning_faults(topics=[])


@pytest.mark.parametrize(
    ("hours", "pointer"),
    [
        ({"from": "24:00", "to": "07:00", "timezone": "America/New_York"}, "/quiet_hours/from"),
        ({"from": "22:00", "to": "7", "timezone": "America/New_York"}, "/quiet_hours/to"),
        ({"from": "22:00", "to": "22:00", "timezone": "America/New_York"}, "/quiet_hours/to"),
        ({"from": "22:00", "to": "07:00", "timezone": "Mars/Olympus"}, "/quiet_hours/timezone"),
        ({"from": "22:00", "to": "07:00", "timezone": "../../etc/passwd"}, "/quiet_hours/timezone"),
    ],
)
def test_quiet_hours_need_real_times_and_a_real_zone(hours: dict[str, str], pointer: str) -> None:
    assert meaning_faults(quiet_hours=hours).keys() == {pointer}


def test_a_language_is_taken_by_its_nearest_tag() -> None:
    faults = Faults()
    kept = [
        choices(read_subscription(json.dumps(GOOD | {"language": tag}).encode()), faults).language for tag in ("es-MX", "zh-TW", "en-US")
    ]
    faults.check()
    assert kept == [1, 3, 0]


def test_a_change_keeps_apart_what_is_absent_and_what_is_cleared() -> None:
    assert choices(read_change(b"{}"), Faults()).columns() == {}
    assert choices(read_change(b'{"quiet_hours": null}'), Faults()).quiet_hours is None
    with pytest.raises(InvalidSubscription):
        read_change(b'{"channels": []}')


def test_no_repr_shows_an_address() -> None:
    push = {"kind": "web_push", "subscription": {"endpoint": "https://push.example/secret", "keys": {"p256dh": "secret", "auth": "secret"}}}
    request = read_subscription(json.dumps(GOOD | {"channels": [push, {"kind": "email", "address": "secret@example.org"}]}).encode())
    assert "secret" not in repr(request)
