"""The evidence of a draft as lines of words, for `overread show`: the two lines a sentence, then triggers and flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.evidence_words import (
    ACTION,
    NO_EVIDENCE,
    rationale_of,
    rule_name,
    source_words,
    trigger_number,
)
from grounding.rationale import CONFLICT_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases.evidence import DraftEvidence, SentenceEvidence
    from grounding.report import GroundedReport, GroundedSentence


def evidence_lines(report: GroundedReport, evidence: DraftEvidence | None) -> tuple[str, ...]:
    """What was measured of a draft, in words.

    Args:
        report: the draft's.
        evidence: of that draft; None where the store holds none.
    """
    if evidence is None:
        return (f"evidence not measured: {NO_EVIDENCE}",)
    pairs = zip(report.sentences, evidence.sentences, strict=True)
    return (
        *(line for sentence, measured in pairs for line in _sentence(sentence, measured)),
        *(
            f"{ACTION[one.action].lower()}, {'draft' if one.sentence is None else f'sentence {one.sentence}'}: "
            f"{one.reason} [{rule_name(one)}: {trigger_number(one)}]"
            for one in evidence.triggers
        ),
        *(f"text that addresses the model in {source_words(one.source)}: {one.pattern}" for one in evidence.injections),
        *(
            f"notes contradict each other on {CONFLICT_WORDS[one.kind]}: {one.first.note_id} and {one.second.note_id}"
            for one in evidence.contradictions
        ),
    )


def _sentence(sentence: GroundedSentence, measured: SentenceEvidence) -> Iterator[str]:
    lines = rationale_of(sentence, measured)
    on = measured.confidence.calibrated_on if measured.confidence is not None else None
    yield f"{measured.sentence}  {lines.rests_on}"
    yield f"     {lines.trust}{f' ({on})' if on else ''}"
    for one in measured.conflicts or ():
        yield f"     conflict on {CONFLICT_WORDS[one.kind]}: image alone {one.image_says!r}, note {one.note_says!r}"
