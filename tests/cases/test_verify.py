"""Tampering: every column of every table edited, rows deleted, added, copied, put in another order, the tail cut off.

Each is done behind the store's back, in SQL of its own; the verifier must say so and say where. Most are done inside a
transaction that is rolled back, the rest on a copy of the file.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from contextlib import contextmanager

import duckdb
import pytest

from cases.audit import GENESIS, Action, canonical_json, sealed
from cases.store import Anchor, AnchorError, Store, anchor_from_json
from cases.store.chain import EVENT_COLUMNS, Entry, event_of, next_event
from cases.store.ledger import _event_values
from cases.store.records import Work, decision_row
from cases.store.row import KEYS, Stamp, split_hash
from cases.store.verify import verify

TABLES = ("events", *KEYS)
COLUMNS = {  # written out by hand: a column that is added must be added here, and so be tried
    "events": "sequence recorded_at agent role action entity detail previous_hash hash",
    "migrations": "name sequence applied_at script_sha256 sha256",
    "cases": "case_id sequence recorded_at received_at status_received abstention patient_pseudonym site scanner"
    " modality view_position simulated acquired age_years sex notes warnings body sha256",
    "drafts": "draft_id sequence recorded_at case_id created_at status failure_kind abstention model_id revision"
    " quantization dtype prompt_hash codec sentences boxes total_s body sha256",
    "decisions": "decision_id sequence recorded_at case_id draft_id reader_id sentence_index decision reason"
    " body sha256",
    "reviews": "review_id sequence recorded_at case_id draft_id reader_id arm opened_at first_edit_at signed_at"
    " active_s overridden kept reworded corrected deleted added supersedes body sha256",
    "review_sentences": "review_sentence_id sequence review_id case_id draft_id reader_id sentence_index decision"
    " reason override finding_before finding_after polarity_before polarity_after boxes_before boxes_after body sha256",
    "evidence": "evidence_id sequence recorded_at draft_id case_id created_at protocol_sha256 sentences conflicts"
    " contradictions injections unlikeness inform secondary_review block total_s body sha256",
    "triggers": "trigger_id sequence evidence_id draft_id case_id rule_id rule_version action fact value comparison"
    " threshold sentence_index detail reason sha256",
    "second_reads": "second_read_id sequence recorded_at review_id case_id reader_id verdict reason signed_at body"
    " sha256",
}
EDITS = [(table, column) for table, columns in COLUMNS.items() for column in columns.split()]
OTHER = {
    "VARCHAR": "'x' || coalesce({0}, '')",
    "BIGINT": "{0} + 1000",
    "INTEGER": "coalesce({0}, 0) + 1",
    "DOUBLE": "coalesce({0}, 0) + 0.001",
    "BOOLEAN": "NOT coalesce({0}, false)",
    "TIMESTAMP": "coalesce({0}, TIMESTAMP '2026-01-01') + INTERVAL 1 MICROSECOND",
    "DATE": "coalesce({0}, DATE '2026-01-01') + 1",
}


@pytest.fixture(scope="module")
def whole(samples, tmp_path_factory):
    """A store with rows in every table, closed."""
    path = tmp_path_factory.mktemp("verify") / "ledger.duckdb"
    with Store.open(path, now=samples.Clock()) as store:
        samples.filled(store)
        assert store.verify(anchor=store.head()).ok
    return path


@pytest.fixture(scope="module")
def file(whole):
    with duckdb.connect(str(whole)) as connection:
        yield connection


@contextmanager
def tampered(file, *statements):
    cursor = file.cursor()
    cursor.begin()
    try:
        for statement in statements:
            cursor.execute(statement)
        yield cursor
    finally:
        cursor.rollback()
        cursor.close()


def last_row(table):
    return f"{TABLE_KEY[table]} = (SELECT max({TABLE_KEY[table]}) FROM {table})"


TABLE_KEY = {"events": "sequence", **KEYS}


def test_the_columns_above_are_all_there_are(file):
    found = file.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
    views = {name for (name,) in file.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
    assert {pair for pair in found if pair[0] not in views} == set(EDITS)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_a_row_to_tamper_with(file, table):
    assert file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0


@pytest.mark.parametrize(("table", "column"), EDITS)
def test_an_edit_of_any_column_of_any_table_is_found(file, table, column):
    kind = file.execute(
        "SELECT data_type FROM duckdb_columns() WHERE table_name = ? AND column_name = ?", [table, column]
    ).fetchone()[0]
    edit = f"UPDATE {table} SET {column} = {OTHER[kind].format(column)} WHERE {last_row(table)}"
    with tampered(file, edit) as cursor:
        found = verify(cursor)
    assert not found.ok
    assert 1 <= found.first_bad <= found.events + 1
    assert found.reason


@pytest.mark.parametrize("table", TABLES)
def test_a_deleted_row_is_found_where_it_was_written(file, table):
    row = f"WHERE {TABLE_KEY[table]} = (SELECT min({TABLE_KEY[table]}) FROM {table})"
    sequence = file.execute(f"SELECT sequence FROM {table} {row}").fetchone()[0]
    with tampered(file, f"DELETE FROM {table} {row}") as cursor:
        found = verify(cursor)
    assert (found.ok, found.first_bad) == (False, sequence)


@pytest.mark.parametrize("table", TABLES)
def test_an_emptied_table_is_found(file, table):
    with tampered(file, f"DELETE FROM {table}") as cursor:
        assert not verify(cursor).ok


@pytest.mark.parametrize("table", list(KEYS))
def test_a_row_added_behind_the_back_is_found_even_with_a_right_hash(file, table):
    """Whoever adds it knows the hash function; no event vouches for the row all the same."""
    cursor = file.cursor()
    cursor.begin()
    cursor.execute(f"SELECT * FROM {table} LIMIT 1")
    columns = [column[0] for column in cursor.description]
    row, _ = split_hash(table, columns, cursor.fetchone())
    forged = dataclasses.replace(
        row,
        values=tuple("forged" if name == KEYS[table] else v for name, v in zip(row.columns, row.values, strict=True)),
    )
    names, marks = ", ".join((*row.columns, "sha256")), ", ".join("?" * (len(row.columns) + 1))
    cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*forged.values, forged.sha256])
    found = verify(cursor)
    cursor.rollback()
    assert not found.ok
    assert "no event" in found.reason


@pytest.mark.parametrize("table", list(KEYS))
def test_an_edit_with_the_rows_own_hash_made_right_is_found(file, table):
    cursor = file.cursor()
    cursor.begin()
    cursor.execute(f"UPDATE {table} SET sequence = 1 WHERE {last_row(table)}")
    cursor.execute(f"SELECT * FROM {table} WHERE {last_row(table)}")
    row, _ = split_hash(table, [column[0] for column in cursor.description], cursor.fetchone())
    cursor.execute(f"UPDATE {table} SET sha256 = ? WHERE {last_row(table)}", [row.sha256])
    found = verify(cursor)
    cursor.rollback()
    assert not found.ok
    assert "edited" in found.reason


def test_two_events_that_changed_places_are_found(file):
    with tampered(
        file,
        "UPDATE events SET sequence = -1 WHERE sequence = 5",
        "UPDATE events SET sequence = 5 WHERE sequence = 6",
        "UPDATE events SET sequence = 6 WHERE sequence = -1",
    ) as cursor:
        found = verify(cursor)
    assert (found.ok, found.first_bad) == (False, 5)


def test_two_rows_that_changed_bodies_are_found(file):
    swap = "UPDATE cases SET body = (SELECT max(body) FROM cases) WHERE case_id = 'c1'"
    with tampered(file, swap) as cursor:
        assert verify(cursor).first_bad == 4  # after three migrations, the first case


def rewritten(cursor, *, without=()):
    """The chain hashed anew from event 4 on, as someone would who edits a row and covers it up."""
    cursor.execute(f"SELECT {', '.join(EVENT_COLUMNS)} FROM events ORDER BY sequence")
    events = [event_of(values) for values in cursor.fetchall()]
    events = [event for event in events if event.sequence not in without]
    cursor.execute("DELETE FROM events")
    previous = GENESIS
    for event in events:
        agent = "somebody else" if event.sequence == 4 else event.agent
        event = sealed(dataclasses.replace(event, agent=agent, previous_hash=previous))
        previous = event.hash
        cursor.execute(f"INSERT INTO events VALUES ({', '.join('?' * 9)})", list(_event_values(event)))


def test_a_history_written_anew_is_found_with_a_saved_head_only(file):
    anchor = _head(file)
    cursor = file.cursor()
    cursor.begin()
    rewritten(cursor)
    alone, held_against = verify(cursor), verify(cursor, anchor=anchor)
    cursor.rollback()
    assert alone.ok  # stated in the documentation: a chain in its own file proves nothing against whoever owns it
    assert (held_against.ok, held_against.first_bad) == (False, anchor.sequence)
    assert "anew" in held_against.reason


def test_an_event_left_out_of_a_history_written_anew_is_found(file):
    cursor = file.cursor()
    cursor.begin()
    rewritten(cursor, without={6})
    cursor.execute("DELETE FROM drafts WHERE sequence = 6")
    found = verify(cursor)
    cursor.rollback()
    assert (found.ok, found.first_bad) == (False, 6)
    assert "is gone" in found.reason


def test_an_event_put_in_the_place_of_another_with_a_right_hash_is_found(file):
    """Its own hash is right; the next event does not follow it."""
    cursor = file.cursor()
    cursor.begin()
    values = cursor.execute(f"SELECT {', '.join(EVENT_COLUMNS)} FROM events WHERE sequence = 4").fetchone()
    forged = sealed(dataclasses.replace(event_of(values), agent="somebody else"))
    cursor.execute("UPDATE events SET agent = ?, hash = ? WHERE sequence = 4", [forged.agent, forged.hash])
    found = verify(cursor)
    cursor.rollback()
    assert (found.ok, found.first_bad) == (False, 5)


def _head(file):
    return Anchor(*file.execute("SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1").fetchone())


def cut(file, keep):
    """Remove the events after `keep` and every row they wrote: a clean cut."""
    return [f"DELETE FROM {table} WHERE sequence > {keep}" for table in TABLES]


def test_a_tail_cut_off_cleanly_is_found_with_a_saved_head(file):
    anchor = _head(file)
    with tampered(file, *cut(file, anchor.sequence - 1)) as cursor:
        assert verify(cursor).ok
        found = verify(cursor, anchor=anchor)
    assert (found.ok, found.first_bad) == (False, anchor.sequence)
    assert "cut off" in found.reason


def test_a_tail_of_events_alone_is_found_without_one(file):
    with tampered(file, "DELETE FROM events WHERE sequence = (SELECT max(sequence) FROM events)") as cursor:
        assert not verify(cursor).ok


def test_an_older_head_still_holds_when_the_chain_has_grown(file):
    row = file.execute("SELECT sequence, hash FROM events WHERE sequence = 4").fetchone()
    assert verify(file.cursor(), anchor=Anchor(*row)).ok


def test_an_empty_head_holds_for_every_chain(file):
    assert verify(file.cursor(), anchor=Anchor(0, GENESIS)).ok


@pytest.mark.parametrize(
    "statement",
    [
        # a view that flatters: KPI SQL would read from it
        "CREATE OR REPLACE VIEW v_saves AS SELECT * FROM decisions WHERE false",
        "DROP VIEW v_events",
        "CREATE TABLE extra (a INTEGER)",
        "DROP TABLE review_sentences",
        "ALTER TABLE cases ADD COLUMN note VARCHAR",
        "ALTER TABLE drafts RENAME COLUMN sha256 TO sha",
        "DROP TABLE events",
    ],
)
def test_a_changed_table_or_view_is_found(file, statement):
    with tampered(file, statement) as cursor:
        assert not verify(cursor).ok


def test_tampering_is_found_through_the_store_after_reopening(samples, whole, file, tmp_path):
    """End to end on a copy of the file, for the table that opening itself reads."""
    file.execute("CHECKPOINT")
    for index, statement in enumerate(
        [
            "UPDATE migrations SET name = 'x' WHERE name = '0001_ledger'",
            "DELETE FROM migrations",
            "DELETE FROM events WHERE action = 'store_migrated'",
            "UPDATE events SET entity = 'x' WHERE sequence = 1",
            "DELETE FROM reviews",
            "UPDATE triggers SET action = 'inform'",  # a block that somebody takes the force from
            "UPDATE second_reads SET verdict = 'agree'",
        ]
    ):
        copy = tmp_path / f"{index}.duckdb"
        shutil.copy(whole, copy)
        with duckdb.connect(str(copy)) as connection:
            connection.execute(statement)
        with Store.open(copy, now=samples.Clock()) as store:
            before = store.events()
            found = store.verify()
        assert not found.ok, statement
        assert found.events == len(before)


def test_anchors_are_read_from_a_saved_head_and_from_a_saved_answer(samples, tmp_path):
    with Store.open(tmp_path / "s.duckdb", now=samples.Clock()) as store:
        store.save_head(tmp_path / "kept" / "head.json")
        answer = canonical_json(store.verify().as_dict())
        store.log(Action.CASE_VIEWED, agent="reader-1", role="reader", entity="c1", detail={})
        saved = (tmp_path / "kept" / "head.json").read_text()
        assert store.verify(anchor=saved).ok
        assert store.verify(anchor=answer).ok
        assert anchor_from_json(saved) == anchor_from_json(answer)
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["head.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",  # an empty file
        "[]",
        "7",
        "{}",
        '{"sequence":1,"hash":"short"}',
        '{"sequence":true,"hash":"' + "0" * 64 + '"}',
        '{"sequence":-1,"hash":"' + "0" * 64 + '"}',
    ],
)
def test_what_is_no_anchor_is_refused(text):
    with pytest.raises(AnchorError, match="head was saved"):
        anchor_from_json(text)


def grown(path, samples, count):
    """A store with `count` events more, each with a row, written in one transaction to save time."""
    clock = samples.Clock()
    work = Work("c1", "reader-1", None)
    with Store.open(path, now=clock) as store:
        store.register(samples.case(), agent="import", role="importer")
        head = anchor_from_json(store.head())
    events, rows = [], []
    for index in range(count):
        stamp = Stamp(head.sequence + 1, clock())
        row = decision_row(index, samples.added(index), stamp, work=work)
        entry = Entry(Action.DECISION_RECORDED, "reader-1", "reader", "c1")
        event = next_event(entry, [row], after=head, recorded=stamp.recorded)
        head = Anchor(event.sequence, event.hash)
        events.append(list(_event_values(event)))
        rows.append([*row.values, row.sha256])
    with duckdb.connect(str(path)) as connection:
        connection.begin()
        connection.executemany(f"INSERT INTO events VALUES ({', '.join('?' * 9)})", events)
        connection.executemany(f"INSERT INTO decisions VALUES ({', '.join('?' * 11)})", rows)
        connection.commit()
    return head


@pytest.mark.campaign
def test_ten_thousand_events_verify_in_seconds(samples, tmp_path):
    head = grown(tmp_path / "s.duckdb", samples, 10_000)
    with Store.open(tmp_path / "s.duckdb", now=samples.Clock()) as store:
        start = time.process_time()
        found = store.verify(anchor=head.as_json())
        took = time.process_time() - start
    assert found.ok, found
    assert found.events == 10_004
    print(f"10 000 events with a row each verify in {took:.2f} s of processor time")
    assert took < 5.0
