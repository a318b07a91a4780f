"""Migrations: SQL files applied once each, in the order of their names, each recorded with its time and its hash."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from cases.audit import Action, link_hash
from cases.store.chain import EVENT_COLUMNS, Entry, event_of
from cases.store.database import Cursor, Database, scratch
from cases.store.errors import StoreUnreadableError
from cases.store.ledger import Decide, Ledger
from cases.store.records import migration_row

AGENT = "cases.store"


def scripts() -> Mapping[str, str]:
    """Every migration of this version, name to SQL, in order."""
    folder = resources.files("cases.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in files}


def migrate(database: Database, ledger: Ledger) -> None:
    """Apply what is missing, each migration and its event in one transaction, and then write it into the file.

    DuckDB's log has had faults in replaying DDL; the checkpoint after a migration leaves none to replay.

    Raises:
        StoreUnreadableError: the store was made by a newer version, or is a database of something else.
    """
    known = scripts()
    with database.cursor() as cursor:
        missing = _missing(known, cursor)
    for name in missing:
        ledger.append(_apply(name, known[name]))
    if missing:
        with database.cursor() as cursor:
            cursor.execute("CHECKPOINT")


def schema(cursor: Cursor) -> Mapping[str, str]:
    """Name to SQL of every table and view."""
    rows = cursor.execute(
        "SELECT table_name, sql FROM duckdb_tables() UNION ALL "
        "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    ).fetchall()
    return {str(name): str(sql) for name, sql in rows}


def expected_schema() -> Mapping[str, str]:
    """What the migrations of this version make, in a database of their own."""
    with scratch() as cursor:
        for script in scripts().values():
            cursor.execute(script)
        return schema(cursor)


def _missing(known: Mapping[str, str], cursor: Cursor) -> list[str]:
    """What is not applied yet, by the table or by the chain: a row lost from one of them must not run a script twice.

    Whether table and chain agree is for `verify` to say: a store that was tampered with still opens, to be verified.
    """
    present = schema(cursor)
    if not present:
        return list(known)
    if not {"events", "migrations"} <= present.keys():
        msg = f"the file holds {len(present)} tables and no ledger: give --store another path"
        raise StoreUnreadableError(msg)
    _refuse_newer(known, cursor)
    return [name for name in known if name not in _applied(cursor)]


def _applied(cursor: Cursor) -> set[str]:
    rows = cursor.execute(
        "SELECT name FROM migrations UNION SELECT entity FROM events WHERE action = ?", [Action.STORE_MIGRATED.value]
    ).fetchall()
    return {str(name) for (name,) in rows}


def _refuse_newer(known: Mapping[str, str], cursor: Cursor) -> None:
    cursor.execute(
        f"SELECT {', '.join(EVENT_COLUMNS)} FROM events WHERE action = ?",  # noqa: S608 - our own column names
        [Action.STORE_MIGRATED.value],
    )
    for event in map(event_of, cursor.fetchall()):
        if event.entity not in known and link_hash(event) == event.hash:
            msg = f"the store was made by a newer version (migration {event.entity}): open it with that version"
            raise StoreUnreadableError(msg)


def _apply(name: str, script: str) -> Decide:
    def decide(cursor: Cursor) -> Entry | None:
        if name not in _missing(scripts(), cursor):
            return None
        cursor.execute(script)
        return Entry(
            Action.STORE_MIGRATED, AGENT, "system", name, rows=lambda stamp: (migration_row(name, script, stamp),)
        )

    return decide
