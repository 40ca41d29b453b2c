"""Every error that is raised on purpose has its own answer, and no other tells anything."""

from __future__ import annotations

import sqlite3

import pytest
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy.exc import InternalError, OperationalError

from hub import errors
from hub.web.api.problems import INTERNAL, add_headers, problem_of, problem_response
from subscriptions.errors import FieldError, InvalidSubscription, LinkExpired, LinkInvalid, TooManyRequests, UnknownArea

FAULTS = (FieldError("/a", "is wrong"),)


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (errors.BadRequest("x"), 400, "bad-request"),
        (errors.Unauthenticated("x"), 401, "unauthenticated"),
        (errors.Forbidden("x"), 403, "forbidden"),
        (errors.NotFound("x"), 404, "not-found"),
        (errors.Conflict("x"), 409, "conflict"),
        (errors.Gone("x"), 410, "gone"),
        (errors.TooLarge("x"), 413, "too-large"),
        (errors.WrongType("x"), 415, "wrong-type"),
        (errors.InvalidInput(FAULTS), 422, "invalid-input"),
        (errors.TooMany("x", 3), 429, "too-many-requests"),
        (errors.Unavailable("x"), 503, "unavailable"),
        (InvalidSubscription(FAULTS), 422, "invalid-input"),
        (UnknownArea("Astorya", ("Astoria",)), 404, "not-found"),
        (LinkInvalid(), 404, "not-found"),
        (LinkExpired(), 404, "not-found"),
        (TooManyRequests(60), 429, "too-many-requests"),
        (sqlite3.OperationalError("secret"), 503, "database-unavailable"),
        (OperationalError("secret", None, sqlite3.OperationalError("secret")), 503, "database-unavailable"),
        (InternalError("secret", None, ReadOnlySqlTransaction("secret")), 503, "database-unavailable"),
        (ValueError("secret"), 500, "internal"),
    ],
)
def test_each_error_has_its_status_and_its_stable_name(error: Exception, status: int, slug: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.slug) == (status, slug)
    assert "secret" not in problem.detail


def test_faults_travel_with_their_pointers() -> None:
    assert problem_of(InvalidSubscription(FAULTS)).errors == problem_of(errors.InvalidInput(FAULTS)).errors == FAULTS


def test_an_unknown_area_comes_with_what_could_have_been_meant() -> None:
    assert "Did you mean Astoria?" in problem_of(UnknownArea("Astorya", ("Astoria",))).detail


def test_a_forged_link_and_an_old_one_look_the_same() -> None:
    assert problem_of(LinkInvalid()) == problem_of(LinkExpired())


def test_waiting_is_said_in_whole_seconds_and_never_zero() -> None:
    for after, said in ((0.2, "1"), (59.7, "60")):
        response = problem_response(problem_of(errors.TooMany("x", after)), "http://alerts.example")
        assert response.headers["Retry-After"] == said
        assert response.headers["Cache-Control"] == "no-store"


def test_other_problems_ask_for_no_waiting() -> None:
    response = problem_response(INTERNAL, "http://alerts.example")
    add_headers(INTERNAL, response)
    assert not {"Retry-After", "Allow", "WWW-Authenticate"} & response.headers.keys()
