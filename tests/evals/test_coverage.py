"""Coverage by week and site: counted by hand, tested exactly, and read from reviews in force only."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from math import comb

import pytest

from cases.evidence import DraftEvidence, SentenceEvidence
from cases.review import Arm, Decision, Reason, Review, SentenceReview
from evals.coverage import ALARM, Watched, coverage, iso_week, watched
from evals.reviewed import judged_reviews, reviewed, stored_scores, was_right
from grounding.confidence import Confidence, ConfidenceSet
from grounding.report import GroundedSentence, Polarity
from vlm.raw_scores import Method

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
NODULE = GroundedSentence("Nodule in the left upper zone.", finding="nodule")
SMOKER = GroundedSentence("Former smoker.")
FREE = GroundedSentence("No pleural effusion.", finding="effusion", polarity=Polarity.ABSENT)
KEPT = SentenceReview(0, Decision.KEPT, NODULE, NODULE)
DELETED = SentenceReview(0, Decision.DELETED, NODULE, None, Reason.FALSE_POSITIVE)


def rows(week, site, *, missed, of, accepted=True):
    return [Watched(week, site, f"{site}-{week}-{n}", accepted=accepted, right=n >= missed) for n in range(of)]


@pytest.mark.parametrize(
    ("missed", "of", "alarm"),
    [
        (0, 20, False),
        (2, 20, False),  # alpha exactly
        (6, 20, False),  # comes up once in 90 honest weeks of 20
        (7, 20, True),
        (3, 3, True),  # 0.1 * 0.1 * 0.1
        (1, 1, False),  # one draft proves nothing
    ],
)
def test_the_alarm_by_the_binomial_sum(missed, of, alarm):
    cell, whole = coverage(rows("2026-W48", "north", missed=missed, of=of), alpha=0.1)
    exact = sum(comb(of, k) * 0.1**k * 0.9 ** (of - k) for k in range(missed, of + 1))
    assert cell.p_value == pytest.approx(exact, abs=1e-12)
    assert (cell.alarm, cell.alarm) == (exact <= ALARM, alarm)
    assert (whole.week, whole.missed) == ("all", cell.missed)
    assert cell.as_dict()["coverage"] == pytest.approx(1 - missed / of)


def test_sites_and_weeks_stand_apart():
    told = [*rows("2026-W48", "south", missed=9, of=10), *rows("2026-W47", "north", missed=0, of=10)]
    told += rows("2026-W48", "north", missed=1, of=10)
    cells = coverage(told, alpha=0.1)
    assert [(cell.site, cell.week, cell.missed.count, cell.missed.total, cell.alarm) for cell in cells] == [
        ("north", "2026-W47", 0, 10, False),
        ("north", "2026-W48", 1, 10, False),
        ("north", "all", 1, 20, False),
        ("south", "2026-W48", 9, 10, True),
        ("south", "all", 9, 10, True),
    ]
    assert coverage([], alpha=0.1) == ()


def test_only_accepted_sentences_miss_and_a_draft_misses_once():
    told = [
        Watched("2026-W48", "a", "d1", accepted=True, right=False),
        Watched("2026-W48", "a", "d1", accepted=True, right=False),  # the same draft
        Watched("2026-W48", "a", "d2", accepted=False, right=False),  # somebody was asked to look
        Watched("2026-W48", "a", "d3", accepted=True, right=True),
    ]
    cell = coverage(told, alpha=0.1)[0]
    assert (cell.missed.count, cell.missed.total) == (1, 3)
    assert (cell.wrong_among_accepted.count, cell.wrong_among_accepted.total) == (2, 3)
    assert (cell.accepted.count, cell.accepted.total) == (3, 4)


@pytest.mark.parametrize(
    ("decided", "right"),
    [
        (KEPT, True),
        (SentenceReview(0, Decision.REWORDED, NODULE, SMOKER, Reason.STYLE_ONLY), True),
        (SentenceReview(0, Decision.CORRECTED, NODULE, FREE, Reason.FALSE_POSITIVE), False),
        (DELETED, False),
        (SentenceReview(0, Decision.DELETED, NODULE, None, Reason.NOT_RELEVANT), None),  # neither right nor wrong
        (SentenceReview(0, Decision.ADDED, None, NODULE, Reason.MISSED_FINDING), None),  # nobody drafted it
    ],
)
def test_what_a_decision_says(decided, right):
    assert was_right(decided) is right


def review(name, *sentences, draft="d", arm=Arm.AI_FIRST, supersedes=None):
    return Review(
        name, "c", draft, "r1", arm, MONDAY, MONDAY + timedelta(hours=1), 60.0, sentences, supersedes=supersedes
    )


def pilot(make, *reviews, site="north"):
    case = dataclasses.replace(make.trial().case, site=site)
    draft = make.drafted(NODULE, SMOKER)
    return reviewed([case], [draft, dataclasses.replace(make.failed("parse"), draft_id="f")], reviews)


def evidence(make, needs, *, method="sequence"):
    sure = Confidence(-0.5, method, 0.8, "id", needs)
    return DraftEvidence(
        "e", "d", "c", make.noon, (SentenceEvidence(0, confidence=sure), SentenceEvidence(1)), "0" * 64
    )


def test_reviews_in_force_of_shown_drafts_count(make):
    smoker = SentenceReview(1, Decision.KEPT, SMOKER, SMOKER)
    both = pilot(make, review("r1", KEPT), review("r2", DELETED, smoker, supersedes="r1"))
    assert [one.review.review_id for one in both] == ["r2"]  # the one that was amended is not in force
    assert both[0].sentences == ((0, NODULE, False),)  # smoking is no stand on the image
    assert pilot(make, review("r1", KEPT, arm=Arm.NO_AI)) == ()
    assert pilot(make, review("r1", KEPT, draft=None)) == ()
    assert pilot(make, review("r1", KEPT, draft="f")) == ()  # a failed draft


def test_what_stood_beside_the_sentence_is_watched(make):
    every = pilot(make, review("r1", DELETED))
    found = watched(every, evidence={"d": evidence(make, ConfidenceSet.ACCEPT)}.get)
    assert found == (Watched("2026-W48", "north", "d", accepted=True, right=False),)
    assert watched(every, evidence={}.get) == ()  # nothing was measured
    assert watched(every, evidence={"d": evidence(make, None)}.get) == ()  # nothing was calibrated
    (unnamed,) = watched(
        pilot(make, review("r1", KEPT), site=None), evidence={"d": evidence(make, ConfidenceSet.REVIEW)}.get
    )
    assert (unnamed.site, unnamed.accepted, unnamed.right) == ("(not stated)", False, True)


def test_stored_scores_are_of_the_method_that_is_asked_for(make):
    (one,) = pilot(make, review("r1", KEPT))
    kept = evidence(make, None)
    assert stored_scores(one, kept, method=Method.SEQUENCE) == (-0.5, None)
    assert stored_scores(one, kept, method=Method.YES_NO) is None  # to be scored again
    assert stored_scores(one, None, method=Method.SEQUENCE) is None
    ((judged,),) = judged_reviews([one], method=Method.SEQUENCE, scores=lambda _: (-0.5, None))
    assert (judged.kind, judged.right, judged.score(Method.SEQUENCE)) == ("lesion present", True, -0.5)
    assert list(judged_reviews([one], method=Method.SEQUENCE, scores=lambda _: (None, None))) == [()]


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (datetime(2026, 11, 22, 23, 59, tzinfo=UTC), "2026-W47"),  # a Sunday
        (MONDAY, "2026-W48"),
        (datetime(2025, 12, 29, tzinfo=UTC), "2026-W01"),  # ISO years begin with the week of the first Thursday
    ],
)
def test_weeks(moment, week):
    assert iso_week(moment) == week
