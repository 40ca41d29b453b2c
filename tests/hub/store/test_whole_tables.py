"""Whoever reads whole tables is not held up by what PostgreSQL does not know yet of a table that was just filled."""

from __future__ import annotations

import pytest
from sqlalchemy import URL, text

from hub.store.database import Database

ON_POSTGRESQL = pytest.mark.parametrize("store", ["postgresql"], indirect=True)


@ON_POSTGRESQL
async def test_no_table_is_read_once_for_each_row_of_another(store: URL) -> None:
    async with Database(store) as database:
        for long in (True, False):
            async with database.read(long=long) as connection:
                setting = (await connection.execute(text("SHOW enable_nestloop"))).scalar_one()
            assert setting == ("off" if long else "on")
