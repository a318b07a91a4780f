"""The JSON shapes that `--json` prints, from the rooms' types; others rely on them (docs/cli.md names each key).

Pure: types in, plain dicts out. The exact form of whole records is another thing (`cases.serialize`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cases.draft import Draft
    from cases.evidence import DraftEvidence, SentenceEvidence
    from cases.intake import Intake
    from cases.review import Review
    from cases.second_read import SecondRead
    from cases.store import Receipt
    from cases.study import Case, CaseStatus
    from grounding.attribution import Attribution
    from grounding.confidence import Confidence
    from grounding.conflict import Conflict
    from grounding.redraft import SentenceChange
    from grounding.report import GroundedSentence

Json = dict[str, object]


def intake_shape(intake: Intake) -> Json:
    """What `import` prints: the cases that came in and what was refused, with the rule."""
    return {
        "cases": [imported_case_shape(case) for case in intake.cases],
        "rejected": [
            {"path": refused.path, "rule": str(refused.rule), "message": refused.message} for refused in intake.rejected
        ],
    }


def imported_case_shape(case: Case) -> Json:
    """One imported case: its status, each input present or missing with a reason, and warnings in words."""
    warnings = list(case.warnings)
    if case.abstention is not None and case.abstention not in warnings:
        warnings.append(case.abstention)
    return {
        "case_id": case.case_id,
        "status": case.status.value,
        "inputs": {
            state.name.value: {
                "present": state.present,
                "missing_reason": None if state.missing_reason is None else state.missing_reason.value,
            }
            for state in case.inputs
        },
        "warnings": warnings,
    }


def draft_shape(draft: Draft) -> Json:
    """What `draft` prints; a failed or abstained draft has no sentences and says why."""
    shape: Json = {
        "case_id": draft.case_id,
        "draft_id": draft.draft_id,
        "status": draft.status.value,
        "failure": None,
        "raw_text": draft.raw_text,
        "model": asdict(draft.model) | {"versions": list(draft.model.versions)},
        "seconds": {stage.stage: stage.seconds for stage in draft.seconds},
        "sentences": [
            sentence_shape(index, sentence)
            for index, sentence in enumerate(draft.report.sentences if draft.report else ())
        ],
    }
    if draft.failure is not None:
        shape["failure"] = {"kind": draft.failure.kind.value, "message": draft.failure.message}
    if draft.abstention is not None:
        shape["abstention"] = draft.abstention
    return shape


def sentence_shape(index: int, sentence: GroundedSentence) -> Json:
    """One drafted sentence: its boxes in the original frame, its citations verbatim."""
    return {
        "index": index,
        "text": sentence.text,
        "section": sentence.section.value,
        "polarity": sentence.polarity.value,
        "laterality": sentence.laterality.value,
        "location": sentence.location,
        "progression": sentence.progression.value,
        "boxes": [box.as_dict() for box in sentence.boxes],
        "citations": [asdict(citation) for citation in sentence.citations],
    }


def case_row(case: Case, *, status: CaseStatus, draft: Draft | None, reviews: Sequence[Review]) -> Json:
    """One line of the worklist."""
    return {
        "case_id": case.case_id,
        "status": status.value,
        "received": case.received.isoformat(),
        "indication": case.indication,
        "age_years": case.age_years,
        "sex": case.sex,
        "simulated": case.image is not None and case.image.simulated,
        "notes": len(case.notes),
        "abstention": case.abstention,
        "draft": None if draft is None else {"draft_id": draft.draft_id, "status": draft.status.value},
        "reviews": len(reviews),
    }


def second_read_shape(second_read: SecondRead, receipt: Receipt, *, status: CaseStatus) -> Json:
    """What `second-read` prints: what was signed, its event, and where the case stands now."""
    return {
        "case_id": second_read.case_id,
        "review_id": second_read.review_id,
        "second_read_id": second_read.second_read_id,
        "reader_id": second_read.reader_id,
        "verdict": second_read.verdict.value,
        "reason": None if second_read.reason is None else second_read.reason.value,
        "status": status.value,
        "sequence": receipt.sequence,
        "recorded": receipt.recorded.isoformat(),
    }


def evidence_shape(evidence: DraftEvidence) -> Json:
    """What was measured of a draft; null is "not measured", an empty list is "looked for, and there is none"."""
    return {
        "evidence_id": evidence.evidence_id,
        "draft_id": evidence.draft_id,
        "created": evidence.created.isoformat(),
        "protocol_sha256": evidence.protocol_sha256,
        "action": evidence.action,
        "missing": list(evidence.missing),
        "unlikeness": evidence.unlikeness,
        "quantization_changes": evidence.quantization_changes,
        "triggers": [asdict(trigger) for trigger in evidence.triggers],
        "injections": [asdict(found) for found in evidence.injections],
        "contradictions": [asdict(found) for found in evidence.contradictions],
        "conflicts_unplaced": [_conflict_shape(found) for found in evidence.conflicts_unplaced],
        "copied": [asdict(found) | {"spans": [list(span) for span in found.spans]} for found in evidence.copied],
        "appearing_without_notes": _changes_shape(evidence.appearing_without_notes),
        "appearing_without_image": _changes_shape(evidence.appearing_without_image),
        "seconds": {stage.stage: stage.seconds for stage in evidence.seconds},
        "sentences": [_sentence_evidence_shape(one) for one in evidence.sentences],
    }


def _sentence_evidence_shape(evidence: SentenceEvidence) -> Json:
    heatmap = evidence.heatmap
    return {
        "sentence": evidence.sentence,
        "attribution": None if evidence.attribution is None else _attribution_shape(evidence.attribution),
        "without_notes": _changes_shape(evidence.without_notes),
        "without_image": _changes_shape(evidence.without_image),
        "conflicts": None if evidence.conflicts is None else [_conflict_shape(found) for found in evidence.conflicts],
        "copied_share": evidence.copied_share,
        "confidence": None if evidence.confidence is None else _confidence_shape(evidence.confidence),
        "heatmap": None if heatmap is None else asdict(heatmap) | {"values": list(heatmap.values)},
        "violations": [{"rule": found.rule.value, "message": found.message} for found in evidence.violations],
    }


def _attribution_shape(attribution: Attribution) -> Json:
    """Nats per input that was present."""
    nats = zip(attribution.inputs, attribution.shapley, attribution.without, strict=True)
    return {
        "inputs": {name.value: {"shapley": value, "without": lost} for name, value, lost in nats},
        "full": attribution.full,
        "empty": attribution.empty,
        "coalitions": attribution.coalitions,
    }


def _confidence_shape(confidence: Confidence) -> Json:
    """The score, and what it was calibrated on wherever a calibrated number stands."""
    return asdict(confidence) | {
        "word": confidence.word,
        "calibrated_on": confidence.calibrated_on,
        "missing": list(confidence.missing),
    }


def _changes_shape(changes: Sequence[SentenceChange] | None) -> list[Json] | None:
    return None if changes is None else [asdict(change) for change in changes]


def _conflict_shape(conflict: Conflict) -> Json:
    return asdict(conflict)
