"""Accounts, log-ins and tokens: what opens the door, what closes it, and what is written down."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text

from hub.errors import Conflict, Forbidden, InvalidInput, NotFound, TooMany, Unauthenticated
from hub.staff import audit
from hub.staff.account import Staff
from hub.staff.actor import Actor
from hub.staff.passwords import Passwords
from hub.store.tables import account, session, token

PASSWORD = "three calm words"
AUTHOR = Actor(kind="staff", id=9, name="desk", agency="A", role="author")


async def _add(staff: Staff, name: str = "Desk", role: str = "author") -> None:
    await staff.add(name, PASSWORD, agency="Emergency Management", role=role)


async def _actions(database) -> list[tuple[str, str]]:
    async with database.read(long=True) as connection:
        assert await audit.verify(connection) is None
        return [(entry.action, entry.subject) for entry in reversed(await audit.entries(connection))]


async def test_a_log_in_gives_a_session_that_names_the_person(staff) -> None:
    await _add(staff)
    actor = await staff.by_session(await staff.log_in(" DESK ", PASSWORD))
    assert actor == Actor(kind="staff", id=1, name="desk", agency="Emergency Management", role="author")


async def test_a_session_ends_after_twelve_hours_and_is_swept_at_the_next_log_in(staff, clock, database) -> None:
    await _add(staff)
    secret = await staff.log_in("desk", PASSWORD)
    clock.now += 12 * 3600 - 1
    assert await staff.by_session(secret)
    clock.now += 1
    assert await staff.by_session(secret) is None
    await staff.log_in("desk", PASSWORD)
    async with database.read() as connection:
        assert len((await connection.execute(select(session))).all()) == 1


async def test_logging_out_ends_this_session_only_and_twice_is_no_error(staff) -> None:
    await _add(staff)
    one, other = await staff.log_in("desk", PASSWORD), await staff.log_in("desk", PASSWORD)
    await staff.log_out(one)
    await staff.log_out(one)
    assert await staff.by_session(one) is None
    assert await staff.by_session(other)


async def test_disabling_ends_all_sessions_and_the_log_in(staff) -> None:
    await _add(staff)
    secret = await staff.log_in("desk", PASSWORD)
    await staff.disable("desk")
    assert await staff.by_session(secret) is None
    with pytest.raises(Unauthenticated):
        await staff.log_in("desk", PASSWORD)
    assert [known.disabled for known in await staff.list()] == [True]


class CountingHasher(PasswordHasher):
    """Knows how often it was asked."""

    asked = 0

    def verify(self, *args, **kwargs):
        self.asked += 1
        return super().verify(*args, **kwargs)


async def test_wrong_name_and_wrong_password_get_the_same_answer_after_the_same_work(database, clock) -> None:
    """The answer may not tell a stranger which names exist; a hash is verified in both cases."""
    hasher = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    staff = Staff(database, clock, Passwords(hasher))
    await _add(staff)
    answers = []
    for name in ("desk", "nobody"):
        with pytest.raises(Unauthenticated) as refused:
            await staff.log_in(name, "not the password")
        answers.append((refused.value.detail, hasher.asked))
    assert answers == [(answers[0][0], 1), (answers[0][0], 2)]


async def test_wrong_passwords_are_limited_per_account_and_client_and_a_right_one_is_free(staff, clock) -> None:
    await _add(staff)
    for _ in range(20):
        await staff.log_in("desk", PASSWORD, client="192.0.2.1")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await staff.log_in("desk", "wrong", client="192.0.2.1")
    with pytest.raises(TooMany) as limited:
        await staff.log_in("desk", PASSWORD, client="192.0.2.1")
    assert await staff.log_in("desk", PASSWORD, client="192.0.2.2")
    clock.now += limited.value.after
    assert await staff.log_in("desk", PASSWORD, client="192.0.2.1")


async def test_one_client_can_not_try_many_accounts(staff) -> None:
    refused = []
    for number in range(21):
        with pytest.raises((Unauthenticated, TooMany)) as error:
            await staff.log_in(f"guess{number}", "x", client="192.0.2.1")
        refused.append(type(error.value))
    assert refused == [Unauthenticated] * 20 + [TooMany]


async def test_a_try_that_the_networks_limit_refuses_costs_the_account_nothing(staff) -> None:
    await _add(staff)
    for number in range(20):
        with pytest.raises(Unauthenticated):
            await staff.log_in(f"guess{number}", "x", client="192.0.2.1")
    waits = []
    for _ in range(8):
        with pytest.raises(TooMany) as limited:
            await staff.log_in("desk", PASSWORD, client="192.0.2.1")
        waits.append(limited.value.after)
    assert waits == [10] * 8  # until the network's limit has room, not the account's


async def test_a_token_stands_for_its_agency_until_it_is_disabled(staff) -> None:
    secret = await staff.add_token("Fire Department", "publisher")
    assert secret.startswith("tcs_")
    assert await staff.by_token(secret) == Actor(kind="token", id=1, name="Fire Department", agency="Fire Department", role="publisher")
    await staff.disable_token(1)
    assert await staff.by_token(secret) is None
    assert [known.disabled for known in await staff.list_tokens()] == [True]


@pytest.mark.parametrize("secret", ["", "tcs_", "tcs_unknown", "Bearer", "tcs_\x00"])
async def test_what_is_no_token_stands_for_nobody(staff, secret: str) -> None:
    await staff.add_token("A", "publisher")
    assert await staff.by_token(secret) is None
    assert await staff.by_session(secret) is None


async def test_secrets_are_not_in_the_database(staff, database) -> None:
    await _add(staff)
    secrets = [await staff.log_in("desk", PASSWORD), await staff.add_token("A", "author"), PASSWORD]
    async with database.read() as connection:
        stored = str([(await connection.execute(select(table))).all() for table in (account, session, token)])
        stored += str((await connection.execute(text("SELECT * FROM audit"))).all())
    assert "$argon2id$" in stored
    assert not [secret for secret in secrets if secret in stored]


async def test_every_change_is_in_the_audit_log(staff, database) -> None:
    await _add(staff)
    await staff.log_out(await staff.log_in("desk", PASSWORD))
    await staff.add_token("A", "author")
    await staff.disable_token(1)
    await staff.disable("desk")
    assert await _actions(database) == [
        ("staff.add", "staff:desk"),
        ("log_in", "staff:desk"),
        ("log_out", "staff:desk"),
        ("token.add", "token:1"),
        ("token.disable", "token:1"),
        ("staff.disable", "staff:desk"),
    ]


async def test_a_name_is_never_given_twice(staff, database) -> None:
    await _add(staff)
    await staff.disable("desk")
    with pytest.raises(Conflict):
        await _add(staff, "DESK")
    assert await _actions(database) == [("staff.add", "staff:desk"), ("staff.disable", "staff:desk")]


async def test_the_longest_name_fits_the_audit_log(staff, database) -> None:
    name = "a" * 74
    await _add(staff, name)
    assert await staff.log_in(name, PASSWORD)
    await staff.disable(name)
    assert await _actions(database) == [(action, f"staff:{name}") for action in ("staff.add", "log_in", "staff.disable")]


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"name": ""}, ["/name"]),
        ({"name": "two words"}, ["/name"]),
        ({"name": "a" * 75}, ["/name"]),
        ({"agency": " "}, ["/agency"]),
        ({"agency": "a" * 81}, ["/agency"]),
        ({"agency": "bell\a"}, ["/agency"]),
        ({"role": "king"}, ["/role"]),
        ({"password": "short"}, ["/password"]),
        ({"password": "x" * 257}, ["/password"]),
        ({"name": "", "role": "", "password": ""}, ["/name", "/role", "/password"]),
    ],
)
async def test_an_account_with_faults_is_refused_with_all_of_them_and_nothing_is_stored(staff, database, changes, pointers) -> None:
    with pytest.raises(InvalidInput) as refused:
        await staff.add(**{"name": "desk", "password": PASSWORD, "agency": "A", "role": "author"} | changes)
    assert [fault.pointer for fault in refused.value.errors] == pointers
    assert await staff.list() == ()
    assert await _actions(database) == []


async def test_only_an_admin_manages_staff(staff) -> None:
    for attempt in (
        staff.add("x", PASSWORD, agency="A", role="author", by=AUTHOR),
        staff.disable("x", by=AUTHOR),
        staff.add_token("A", "author", by=AUTHOR),
        staff.disable_token(1, by=AUTHOR),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def test_what_is_not_there_can_not_be_disabled(staff, database) -> None:
    with pytest.raises(NotFound):
        await staff.disable("nobody")
    with pytest.raises(NotFound):
        await staff.disable_token(7)
    assert await _actions(database) == []
