"""Whoever reads whole tables is not held up by what PostgreSQL does not know yet of a table that was just filled."""

from __future__ import annotations

import pytest
from sqlalchemy import URL, text

from hub.store.database import Database

ON_POSTGRESQL = pytest.mark.parametrize("store", ["postgresql"], indirect=True)
QUERY = text("EXPLAIN SELECT id FROM subscriber WHERE status = 'active' AND id IN (SELECT subscriber FROM audience_change WHERE seq > 1)")


@ON_POSTGRESQL
async def test_no_table_is_read_once_for_each_row_of_another(store: URL) -> None:
    async with Database(store) as database:
        for long in (True, False):
            async with database.read(long=long) as connection:
                plan = "\n".join((await connection.execute(QUERY)).scalars())
            assert ("Nested Loop" in plan) != long, plan
