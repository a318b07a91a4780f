"""What the written rules may look at: the facts of a draft, drawn from its evidence. Pure; it measures nothing.

What was not measured is no fact, but for one: how many sentences nothing vouches for is itself a fact. Which facts ask
for a second look is written in the protocol (`cases.protocol`), never here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cases.evidence import DraftEvidence, SentenceEvidence
from grounding.confidence import ConfidenceSet
from grounding.conflict import Conflict
from grounding.critical import critical_facts
from grounding.report import GroundedReport
from grounding.stance import stance_of
from grounding.triggers import Fact, FactName


def facts_of(
    report: GroundedReport,
    evidence: DraftEvidence,
    *,
    unread_notes: int | None,
    lacking: tuple[tuple[str, ...], ...] | None = None,
) -> tuple[Fact, ...]:
    """Every fact of a draft, those of the whole first, then sentence by sentence.

    Args:
        report: as drafted.
        evidence: of that draft; its triggers do not count.
        unread_notes: how many prior notes the model was not given, None where that is not known.
        lacking: of each sentence, the inputs that it leans on and that the model was not shown (`vlm.confidence`); None
            where that is not known.
    """
    leans = lacking or ((),) * len(evidence.sentences)
    return (
        *_of_the_whole(report, evidence, unread_notes),
        *critical_facts(report),
        *(fact for one, names in zip(evidence.sentences, leans, strict=True) for fact in _of_sentence(one, names)),
    )


def _of_the_whole(report: GroundedReport, evidence: DraftEvidence, unread: int | None) -> Iterator[Fact]:
    counted = {
        FactName.CONFIDENCE_NOT_MEASURED: _without_probability(report, evidence),
        FactName.PRIOR_NOT_USED: unread,
        FactName.INJECTED_INSTRUCTIONS: len(evidence.injections),
        FactName.CONTRADICTORY_NOTES: len(evidence.contradictions),
        FactName.UNLIKE_TRAINING: evidence.unlikeness,
        FactName.QUANTIZATION_DISAGREEMENT: evidence.quantization_changes,
    }
    yield from (Fact(name, float(value)) for name, value in counted.items() if value is not None)
    yield from (Fact(FactName.COPIED_TEXT, one.share, detail=one.note_id) for one in evidence.copied)
    yield from _conflicts(evidence.conflicts_unplaced, None)


def _without_probability(report: GroundedReport, evidence: DraftEvidence) -> int:
    """Sentences that take a stand on the image, and for which no probability was measured."""
    pairs = zip(report.sentences, evidence.sentences, strict=True)
    return sum(
        stance_of(sentence.text) is not None and (one.confidence is None or one.confidence.calibrated is None)
        for sentence, one in pairs
    )


def _of_sentence(one: SentenceEvidence, lacking: tuple[str, ...]) -> Iterator[Fact]:
    yield from _of_confidence(one)
    missing = dict.fromkeys((*(one.confidence.missing if one.confidence else ()), *lacking))
    yield from (Fact(FactName.MISSING_INPUT, 1.0, one.sentence, name) for name in missing)
    yield from _conflicts(one.conflicts or (), one.sentence)
    broken = Counter(violation.rule.value for violation in one.violations)
    yield from (Fact(FactName.VIOLATION, float(count), one.sentence, rule) for rule, count in broken.items())
    if one.copied_share is not None:
        yield Fact(FactName.COPIED_TEXT, one.copied_share, one.sentence)


def _of_confidence(one: SentenceEvidence) -> Iterator[Fact]:
    confidence = one.confidence
    if confidence is None:
        return
    if confidence.calibrated is not None:
        yield Fact(FactName.LOW_CONFIDENCE, confidence.calibrated, one.sentence)
    if confidence.needs is not None:
        yield Fact(FactName.CONFORMAL_REVIEW, float(confidence.needs is ConfidenceSet.REVIEW), one.sentence)


def _conflicts(conflicts: tuple[Conflict, ...], sentence: int | None) -> Iterator[Fact]:
    kinds = Counter(one.kind.value for one in conflicts)
    yield from (Fact(FactName.CONFLICT, float(count), sentence, kind) for kind, count in kinds.items())
