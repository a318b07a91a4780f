"""The JSON shapes that `--json` prints, from the rooms' types; others rely on them (docs/cli.md names each key).

Pure: types in, plain dicts out. The exact form of whole records is another thing (`cases.serialize`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cases.draft import Draft
    from cases.intake import Intake
    from cases.review import Review
    from cases.study import Case, CaseStatus
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
