"""Facts of a draft: what was measured is one, what was not is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cases.evidence import DraftEvidence, SentenceEvidence
from grounding.check import Rule, Violation
from grounding.confidence import Confidence, ConfidenceSet
from grounding.conflict import Conflict, ConflictKind
from grounding.copied import CopiedText
from grounding.injection import Injection
from grounding.report import GroundedReport, GroundedSentence
from grounding.triggers import Fact, FactName
from vlm.facts import facts_of

NODULE = GroundedSentence("Nodule in the left upper zone.", finding="nodule", groundable=True)
UPRIGHT = GroundedSentence("The patient stood upright.")  # takes no stand on the image
SIDE = Conflict(ConflictKind.LATERALITY, 0, "Nodule, left.", "Nodule, right.", None)
SURE = Confidence(2.0, "yes_no", 0.75, "fit", ConfidenceSet.ACCEPT)


def evidence(first: SentenceEvidence | None = None, **whole: object) -> DraftEvidence:
    bare = DraftEvidence("e1", "d1", "c1", datetime(2024, 1, 2, tzinfo=UTC), (), "0" * 64)
    return replace(bare, sentences=(first or SentenceEvidence(0), SentenceEvidence(1)), **whole)


def found(told: DraftEvidence, *, unread: int | None = None) -> set[Fact]:
    return set(facts_of(GroundedReport((NODULE, UPRIGHT)), told, unread_notes=unread))


CONSTANT = {  # of this report, whatever its evidence says
    Fact(FactName.CRITICAL_FINDING, 1.0, 0, "nodule"),
    Fact(FactName.INJECTED_INSTRUCTIONS, 0.0),
    Fact(FactName.CONTRADICTORY_NOTES, 0.0),
}


def test_what_was_not_measured_is_no_fact_but_that_it_was_not():
    assert found(evidence()) == CONSTANT | {Fact(FactName.CONFIDENCE_NOT_MEASURED, 1.0)}


@pytest.mark.parametrize(
    ("first", "facts"),
    [
        # a calibrated probability, let pass by the conformal rule
        ({"confidence": SURE}, {(FactName.LOW_CONFIDENCE, 0.75, ""), (FactName.CONFORMAL_REVIEW, 0.0, "")}),
        # picked for a look
        (
            {"confidence": replace(SURE, needs=ConfidenceSet.REVIEW)},
            {(FactName.LOW_CONFIDENCE, 0.75, ""), (FactName.CONFORMAL_REVIEW, 1.0, "")},
        ),
        # leans on two inputs that were not there: a fact each, by name
        (
            {"confidence": replace(SURE, needs=ConfidenceSet.REVIEW, missing=("prior_image", "prior_notes"))},
            {
                (FactName.LOW_CONFIDENCE, 0.75, ""),
                (FactName.CONFORMAL_REVIEW, 1.0, ""),
                (FactName.MISSING_INPUT, 1.0, "prior_image"),
                (FactName.MISSING_INPUT, 1.0, "prior_notes"),
            },
        ),
        # two conflicts of one kind are one fact that counts two
        (
            {"conflicts": (SIDE, replace(SIDE, note_says="Nodule, right apex."))},
            {(FactName.CONFLICT, 2.0, "laterality")},
        ),
        ({"violations": (Violation(Rule.BOX_MISSING, 0, "-"),)}, {(FactName.VIOLATION, 1.0, Rule.BOX_MISSING.value)}),
        # a share of zero was measured
        ({"copied_share": 0.0}, {(FactName.COPIED_TEXT, 0.0, "")}),
    ],
)
def test_a_sentence(first, facts):
    others = {fact for fact in found(evidence(SentenceEvidence(0, **first))) if fact.sentence == 0} - CONSTANT
    assert {(fact.name, fact.value, fact.detail) for fact in others} == facts


def test_the_whole():
    told = evidence(
        SentenceEvidence(0, confidence=SURE),
        injections=(Injection("n1", 0, 5, "orders a result"),),
        copied=(CopiedText("n2", "n1", 0.6, ((0, 9),)),),
        conflicts_unplaced=(replace(SIDE, sentence=None, kind=ConflictKind.POLARITY),),
        unlikeness=0.5,
    )
    whole = {(fact.name, fact.value, fact.detail) for fact in found(told, unread=2) if fact.sentence is None}
    assert whole == {
        (FactName.CONFIDENCE_NOT_MEASURED, 0.0, ""),  # the second sentence takes no stand, and needs no probability
        (FactName.INJECTED_INSTRUCTIONS, 1.0, ""),
        (FactName.CONTRADICTORY_NOTES, 0.0, ""),
        (FactName.COPIED_TEXT, 0.6, "n2"),
        (FactName.CONFLICT, 1.0, "polarity"),
        (FactName.UNLIKE_TRAINING, 0.5, ""),
        (FactName.PRIOR_NOT_USED, 2.0, ""),
    }


def test_what_a_sentence_lacks_is_a_fact_without_any_score_and_once_with_one():
    leaning = replace(SURE, needs=ConfidenceSet.REVIEW, missing=("prior_image",))
    for confidence in (None, leaning):
        told = evidence(SentenceEvidence(0, confidence=confidence))
        facts = facts_of(GroundedReport((NODULE, UPRIGHT)), told, unread_notes=None, lacking=(("prior_image",), ()))
        named = [(fact.sentence, fact.detail) for fact in facts if fact.name is FactName.MISSING_INPUT]
        assert named == [(0, "prior_image")]
