"""Evidence and second reads in the store: once, for ever, and what a blocking trigger holds back on every path."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import duckdb
import pytest

from cases.audit import Action as Event
from cases.review import Arm, Reason
from cases.second_read import MOST_WORDS, SecondRead, Verdict, same_reader
from cases.store import (
    NothingToSecondReadError,
    RecordConflictError,
    RefusedError,
    SameReaderError,
    SecondReadSettledError,
    Store,
    UnknownRecordError,
    migrate,
)
from cases.study import CaseStatus
from grounding.triggers import Action


@pytest.fixture
def store(samples, tmp_path):
    """One case with a usable draft."""
    with Store.open(tmp_path / "ledger.duckdb", now=samples.Clock()) as store:
        store.register(samples.case(), agent="import", role="importer")
        store.record_draft(samples.draft(), agent="draft")
        yield store


@pytest.fixture
def blocked(store, samples):
    """That draft has a blocking trigger, and a review of it is signed by reader-1."""
    store.record_evidence(samples.evidence(), agent="draft")
    store.sign(samples.review(), agent_role="reader")
    return store


def second(store, read):
    return store.record_second_read(read, agent_role="reader")


def refused(store, read, error):
    head = store.head()
    with pytest.raises(error) as caught:
        second(store, read)
    assert store.head() == head
    return str(caught.value)


def waits(store, case_id="c1"):
    return store.rows("SELECT waits_for_second_read FROM v_cases WHERE case_id = ?", [case_id]) == [(True,)]


# Evidence


def test_evidence_comes_back_as_it_was_given(store, samples):
    assert store.evidence_of("d1") is None  # not measured
    assert store.record_evidence(samples.evidence(), agent="draft")
    assert store.evidence_of("d1") == samples.evidence()
    assert not store.record_evidence(samples.evidence(), agent="draft")  # again: nothing
    assert store.verify().ok


def test_a_draft_and_its_evidence_are_one_event(store, samples):
    events = len(store.events())
    measured = samples.evidence("e2", "d2")
    assert store.record_draft(samples.draft("d2"), agent="draft", evidence=measured)
    assert not store.record_draft(samples.draft("d2"), agent="draft", evidence=measured)
    (event,) = store.events()[events:]
    assert (event.action, event.entity) == (Event.DRAFT_RECORDED, "d2")
    assert [event.detail.count(f'"table":"{name}"') for name in ("drafts", "evidence", "triggers")] == [1, 1, 2]
    assert '"asks_for":"block"' in event.detail
    assert store.evidence_of("d2") == measured


def test_evidence_that_comes_after_its_draft_is_kept_by_either_way(store, samples):
    assert store.record_draft(samples.draft(), agent="draft", evidence=samples.evidence())
    assert store.events()[-1].action is Event.EVIDENCE_RECORDED


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"draft_id": "nothing"}, UnknownRecordError),
        ({"case_id": "c2"}, UnknownRecordError),  # the draft is of another case
        ({"sentences": ()}, RefusedError),  # the draft has two
    ],
)
def test_evidence_that_fits_no_draft_is_refused(store, samples, changes, error):
    changes = {"triggers": (), **changes}
    with pytest.raises(error):
        store.record_evidence(samples.evidence(**changes), agent="draft")
    with pytest.raises(error):  # nor with a draft that is new
        store.record_draft(
            samples.draft("d2"), agent="draft", evidence=samples.evidence(**{"draft_id": "d2", **changes})
        )
    assert store.latest_draft("c1").draft_id == "d1"


def test_evidence_never_changes(blocked, samples):
    with pytest.raises(RecordConflictError, match="new id"):
        blocked.record_evidence(samples.evidence(unlikeness=None), agent="draft")
    with pytest.raises(RecordConflictError, match="new id"):  # nor by way of another draft
        blocked.record_draft(samples.draft("d2"), agent="draft", evidence=samples.evidence("e1", "d2"))


def test_the_latest_measuring_is_shown_and_every_trigger_is_a_row(blocked, samples):
    later = samples.evidence("e-later", triggers=(samples.trigger(Action.SECONDARY_REVIEW, 1, value=0.25),))
    blocked.record_evidence(later, agent="draft")
    assert blocked.evidence_of("d1") == later
    sql = (
        "SELECT evidence_id, rule_id, rule_version, action, fact, value, comparison, threshold, sentence_index, detail"
    )
    assert blocked.rows(f"{sql} FROM v_triggers ORDER BY trigger_id") == [
        ("e-later", "conflict-side", 1, "secondary_review", "conflict", 0.25, "at_least", 1.0, 1, "laterality"),
        ("e1", "conflict-side", 1, "block", "conflict", 1.0, "at_least", 1.0, 0, "laterality"),
        ("e1", "prior-not-used", 1, "inform", "prior_not_used", 1.0, "at_least", 1.0, None, "laterality"),
    ]
    sql = (
        "SELECT conflicts, contradictions, injections, unlikeness, inform, secondary_review, block, total_s, is_latest"
    )
    assert blocked.rows(f"{sql} FROM v_evidence ORDER BY sequence") == [
        (2, 1, 2, 0.125, 1, 0, 1, 2.5, False),
        (2, 1, 2, 0.125, 0, 1, 0, 2.5, True),
    ]


def test_conflicts_that_nobody_looked_for_are_null_and_not_nought(store, samples):
    first, second_one = samples.evidence().sentences
    for evidence_id, conflicts in (("e1", None), ("e2", ())):
        sentences = (
            dataclasses.replace(first, conflicts=conflicts),
            dataclasses.replace(second_one, conflicts=conflicts),
        )
        store.record_evidence(samples.evidence(evidence_id, sentences=sentences, conflicts_unplaced=()), agent="draft")
    assert store.evidence_of("d1").sentences[0].conflicts == ()
    assert store.rows("SELECT conflicts FROM v_evidence ORDER BY sequence") == [(None,), (0,)]


# What a blocking trigger holds back


def test_a_blocked_report_is_final_when_another_reader_agrees_and_not_before(blocked, samples):
    assert blocked.status("c1") is CaseStatus.PRELIMINARY
    assert [trigger.rule_id for trigger in blocked.waits_for_second_read("c1")] == ["conflict-side"]
    first = second(blocked, samples.second_read())
    assert blocked.status("c1") is CaseStatus.FINAL
    assert blocked.waits_for_second_read("c1") == ()
    assert second(blocked, samples.second_read()) == first  # a double click
    assert blocked.second_reads("c1") == (samples.second_read(),)
    event = blocked.events()[-1]
    assert (event.action, event.agent, event.role, event.entity) == (
        *(Event.SECOND_READ_SIGNED, "reader-2"),
        *("reader", "s1"),
    )
    assert blocked.verify().ok


@pytest.mark.parametrize("action", [Action.INFORM, Action.SECONDARY_REVIEW])
def test_a_trigger_that_does_not_block_holds_nothing_back(store, samples, action):
    store.record_evidence(samples.evidence(triggers=(samples.trigger(action),)), agent="draft")
    store.sign(samples.review(), agent_role="reader")
    assert store.status("c1") is CaseStatus.FINAL
    assert store.waits_for_second_read("c1") == ()
    second(store, samples.disagreement())  # a second read that nobody had to give changes no status
    assert store.status("c1") is CaseStatus.FINAL


def test_a_disagreement_waits_for_an_amendment_and_a_second_read_of_that(blocked, samples):
    second(blocked, samples.disagreement())
    assert blocked.status("c1") is CaseStatus.PRELIMINARY
    blocked.sign(samples.review("r2", supersedes="r1"), agent_role="reader")
    assert blocked.status("c1") is CaseStatus.PRELIMINARY  # amended, and not read again
    second(blocked, samples.second_read("s2", "r2"))
    assert blocked.status("c1") is CaseStatus.AMENDED
    sql = "SELECT second_read_id, verdict, reason, is_current FROM v_second_reads ORDER BY sequence"
    assert blocked.rows(sql) == [("s1", "disagree", "wrong_laterality", False), ("s2", "agree", None, True)]
    assert blocked.rows("SELECT second_verdict FROM v_cases") == [("agree",)]


def test_an_amendment_after_the_second_read_is_read_again(blocked, samples):
    second(blocked, samples.second_read())
    blocked.sign(samples.review("r2", supersedes="r1"), agent_role="reader")
    assert blocked.status("c1") is CaseStatus.PRELIMINARY


def test_who_amends_in_the_second_reader_s_place_is_second_read_by_the_first(blocked, samples):
    second(blocked, samples.disagreement())
    blocked.sign(samples.review("r2", supersedes="r1", reader_id="reader-2"), agent_role="reader")
    assert "reader-2 signed" in refused(blocked, samples.second_read("s2", "r2"), SameReaderError)
    second(blocked, samples.second_read("s2", "r2", reader_id="reader-1"))
    assert blocked.status("c1") is CaseStatus.AMENDED


@pytest.mark.parametrize("name", ["reader-1", " reader-1", "READER-1 "])
def test_the_reader_who_signed_cannot_read_a_second_time(blocked, samples, name):
    assert "another reader" in refused(blocked, samples.second_read(reader_id=name), SameReaderError)
    assert blocked.status("c1") is CaseStatus.PRELIMINARY


def test_a_second_read_is_of_the_review_in_force(store, samples):
    assert "nothing is signed" in refused(store, samples.second_read(), NothingToSecondReadError)
    store.sign(samples.review(), agent_role="reader")
    store.sign(samples.review("r2", supersedes="r1"), agent_role="reader")
    assert "r2 is in force" in refused(store, samples.second_read(), NothingToSecondReadError)
    refused(store, samples.second_read(case_id="nobody"), UnknownRecordError)


def test_a_review_is_read_a_second_time_once(blocked, samples):
    second(blocked, samples.disagreement())
    third = samples.second_read("s2", reader_id="reader-3")
    assert "reader-2 disagreed" in refused(blocked, third, SecondReadSettledError)
    refused(blocked, samples.second_read("s1"), RecordConflictError)  # the same id, another verdict
    assert blocked.status("c1") is CaseStatus.PRELIMINARY


# No way around it


def test_evidence_that_comes_after_the_signature_blocks_all_the_same(store, samples):
    store.sign(samples.review(), agent_role="reader")
    assert store.status("c1") is CaseStatus.FINAL
    store.record_evidence(samples.evidence(), agent="draft")
    assert store.status("c1") is CaseStatus.PRELIMINARY


def test_a_later_measuring_without_the_trigger_lifts_nothing(blocked, samples):
    blocked.record_evidence(samples.evidence("e-later", triggers=()), agent="draft")
    assert blocked.status("c1") is CaseStatus.PRELIMINARY


@pytest.mark.parametrize(("arm", "status"), [(Arm.AI_FIRST, "preliminary"), (Arm.NO_AI, "final")])
def test_a_later_draft_that_fails_is_no_way_around_a_blocked_one(store, samples, arm, status):
    """The reader may have seen the first draft; who read without AI has not."""
    store.record_evidence(samples.evidence(), agent="draft")
    store.record_draft(samples.failed_draft("d2"), agent="draft")
    store.sign(samples.blind_review(arm=arm), agent_role="reader")
    assert store.status("c1").value == status
    assert bool(store.waits_for_second_read("c1")) == (status == "preliminary")


@pytest.mark.parametrize("draft_id", [None, "d-later"])
def test_an_amendment_that_names_another_draft_or_none_lifts_nothing(blocked, samples, draft_id):
    blocked.record_draft(samples.draft("d-later"), agent="draft")
    amendment = samples.review("r2", draft_id=draft_id, supersedes="r1")
    if draft_id is None:
        amendment = samples.blind_review("r2", arm=Arm.AI_FIRST, supersedes="r1")
    blocked.sign(amendment, agent_role="reader")
    assert blocked.status("c1") is CaseStatus.PRELIMINARY
    second(blocked, samples.second_read("s2", "r2"))
    assert blocked.status("c1") is CaseStatus.AMENDED


def test_a_block_on_a_draft_that_nobody_reviewed_holds_nothing_back(store, samples):
    store.record_evidence(samples.evidence(), agent="draft")
    store.record_draft(samples.draft("d-later"), agent="draft")
    store.sign(samples.review(draft_id="d-later"), agent_role="reader")
    assert store.status("c1") is CaseStatus.FINAL


def test_a_block_is_its_own_case_s(blocked, samples):
    blocked.register(samples.case("c2"), agent="import", role="importer")
    blocked.record_draft(samples.draft("d2", "c2"), agent="draft")
    blocked.sign(samples.review("r-c2", "c2", "d2"), agent_role="reader")
    assert (blocked.status("c1"), blocked.status("c2")) == (CaseStatus.PRELIMINARY, CaseStatus.FINAL)
    assert waits(blocked)
    assert not waits(blocked, "c2")


@pytest.mark.parametrize(
    "status", [CaseStatus.FINAL, CaseStatus.AMENDED, CaseStatus.PRELIMINARY, CaseStatus.ENTERED_IN_ERROR]
)
def test_no_case_comes_in_read(store, samples, status):
    with pytest.raises(RefusedError, match="unread"):
        store.register(samples.case("c9", status=status), agent="import", role="importer")


def test_a_second_read_forged_by_the_same_reader_in_sql_lifts_nothing(blocked, samples, tmp_path):
    """The view holds by itself: a row written behind the store's back is seen by `verify`, and gains nothing."""
    blocked.close()
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as file:
        file.execute(
            "INSERT INTO second_reads VALUES ('s', 99, now(), 'r1', 'c1', ' Reader-1', 'agree', NULL, now(), '', '')"
        )
    with Store.open(tmp_path / "ledger.duckdb", now=samples.Clock()) as store:
        assert store.status("c1") is CaseStatus.PRELIMINARY
        assert not store.verify().ok


# The record


@pytest.mark.parametrize(
    "changes",
    [
        {"reader_id": " "},  # by nobody
        {"signed": None},  # a naive time, below
        {"verdict": Verdict.DISAGREE},  # without a reason
        {"reason": Reason.FALSE_POSITIVE},  # a reason to agree
        {"note": "x" * (MOST_WORDS + 1)},
    ],
)
def test_what_is_no_second_read_is_refused(samples, changes):
    if "signed" in changes:
        changes = {"signed": samples.START.replace(tzinfo=None)}
    with pytest.raises(ValueError, match=r"reader|UTC|says why|characters"):
        samples.second_read(**changes)


def test_names_are_one_reader_s_whatever_their_case():
    assert same_reader("Reader-A ", "reader-a")
    assert not same_reader("reader-a", "reader-b")
    assert SecondRead.__dataclass_params__.frozen


# Stores of the version before


def test_a_store_of_the_version_before_opens_and_keeps_what_was_signed(samples, tmp_path, monkeypatch):
    path = tmp_path / "old.duckdb"
    before = dict(list(migrate.scripts().items())[:2])
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "scripts", lambda: before)
        with Store.open(path, now=samples.Clock()) as old:
            old.register(samples.case(), agent="import", role="importer")
            old.record_draft(samples.draft(), agent="draft")
            old.sign(samples.review(), agent_role="reader")
            assert old.verify().ok
            head = old.head()
    with Store.open(path, now=samples.Clock()) as store:
        assert store.verify(anchor=head).ok
        assert store.status("c1") is CaseStatus.FINAL  # unmeasured: what was final stays final
        assert store.evidence_of("d1") is None
        assert store.reviews() == (samples.review(),)
        assert [event.entity for event in store.events()][-1] == "0003_second_look"
        store.record_draft(samples.draft("d2"), agent="draft", evidence=samples.evidence("e2", "d2"))
        amendment = samples.review("r2", draft_id="d2", supersedes="r1", signed=samples.START + timedelta(hours=1))
        store.sign(amendment, agent_role="reader")
        assert store.status("c1") is CaseStatus.PRELIMINARY
        assert store.verify(anchor=head).ok
