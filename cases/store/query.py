"""SQL from outside (KPI files, a notebook behind the app): one SELECT, in a read-only transaction, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb

from cases.store.database import Cursor
from cases.store.errors import QueryRefusedError
from cases.store.row import aware_utc, naive_utc


def select(cursor: Cursor, sql: str, params: Sequence[object]) -> list[tuple[object, ...]]:
    """The rows of one SELECT; times come back aware, in UTC.

    Raises:
        QueryRefusedError: it is not one SELECT, or DuckDB does not take it.
    """
    _check_select(sql)
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    try:
        found = cursor.execute(sql, [_given(value) for value in params]).fetchall()
    except duckdb.Error as error:
        kind = type(error).__name__
        msg = (
            f"the query does not run ({kind}): check its tables and columns against the views of cases/store/migrations"
        )
        raise QueryRefusedError(msg) from error
    finally:
        cursor.rollback()
    return [tuple(_taken(value) for value in row) for row in found]


def _check_select(sql: str) -> None:
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(sql)]
    except duckdb.Error:
        msg = "the text is not SQL that DuckDB can read: give one SELECT"
        raise QueryRefusedError(msg) from None
    if kinds != [duckdb.StatementType.SELECT]:
        names = ", ".join(kind.name for kind in kinds) or "nothing"
        msg = f"the store is read by one SELECT a call, not by {names}: rows are written by Store's own methods"
        raise QueryRefusedError(msg)


def _given(value: object) -> object:
    return naive_utc(value) if isinstance(value, datetime) else value


def _taken(value: object) -> object:
    return aware_utc(value) if isinstance(value, datetime) else value
