"""How a case, a draft, a decision and a review become rows: the one place that says which columns SQL sees."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from cases.draft import Draft
from cases.review import OVERRIDES, Decision, Review, SentenceReview
from cases.serialize import to_json
from cases.store.row import Row, Stamp, Value, row_of
from cases.study import Case
from grounding.report import GroundedSentence


@dataclass(frozen=True, slots=True)
class Work:
    """A reader's work in progress: on which case, and on which draft of it (None when none is shown)."""

    case_id: str
    reader_id: str
    draft_id: str | None


def migration_row(name: str, script: str, stamp: Stamp) -> Row:
    """The row that says that a migration was applied, and which script it was."""
    return row_of(
        "migrations",
        {
            "name": name,
            "sequence": stamp.sequence,
            "applied_at": stamp.recorded,
            "script_sha256": hashlib.sha256(script.encode()).hexdigest(),
        },
    )


def case_row(case: Case, stamp: Stamp) -> Row:
    """The row of a case."""
    image = case.image
    return row_of(
        "cases",
        {
            "case_id": case.case_id,
            "sequence": stamp.sequence,
            "recorded_at": stamp.recorded,
            "received_at": case.received,
            "status_received": case.status.value,
            "abstention": case.abstention,
            "patient_pseudonym": case.patient_pseudonym,
            "site": case.site,
            "scanner": case.scanner,
            "modality": image.modality if image else None,
            "view_position": image.view_position if image else None,
            "simulated": image.simulated if image else None,
            "acquired": image.acquired if image else None,
            "age_years": case.age_years,
            "sex": case.sex,
            "notes": len(case.notes),
            "warnings": len(case.warnings),
            "body": to_json(case),
        },
    )


def draft_row(draft: Draft, stamp: Stamp) -> Row:
    """The row of a draft; sentences and boxes are NULL where there is no report, total_s where nothing was timed."""
    model, report = draft.model, draft.report
    return row_of(
        "drafts",
        {
            "draft_id": draft.draft_id,
            "sequence": stamp.sequence,
            "recorded_at": stamp.recorded,
            "case_id": draft.case_id,
            "created_at": draft.created,
            "status": draft.status.value,
            "failure_kind": draft.failure.kind.value if draft.failure else None,
            "abstention": draft.abstention,
            "model_id": model.model_id,
            "revision": model.revision,
            "quantization": str(model.quantization),
            "dtype": model.dtype,
            "prompt_hash": model.prompt_hash,
            "codec": model.codec,
            "sentences": len(report.sentences) if report else None,
            "boxes": len(report.boxes) if report else None,
            "total_s": float(sum(stage.seconds for stage in draft.seconds)) if draft.seconds else None,
            "body": to_json(draft),
        },
    )


def decision_row(index: int, decision: SentenceReview | None, stamp: Stamp, *, work: Work) -> Row:
    """The row of a decision in progress; without a decision, the reader took back what was saved for that sentence."""
    return row_of(
        "decisions",
        {
            "decision_id": str(stamp.sequence),
            "sequence": stamp.sequence,
            "recorded_at": stamp.recorded,
            "case_id": work.case_id,
            "draft_id": work.draft_id,
            "reader_id": work.reader_id,
            "sentence_index": index,
            "decision": decision.decision.value if decision else None,
            "reason": decision.reason.value if decision and decision.reason else None,
            "body": to_json(decision) if decision else None,
        },
    )


def review_rows(review: Review, stamp: Stamp) -> tuple[Row, ...]:
    """The row of a signed review, and one per sentence."""
    sentences = tuple(
        _sentence_row(review, position, sentence, stamp) for position, sentence in enumerate(review.sentences)
    )
    return (_review_row(review, stamp), *sentences)


def _review_row(review: Review, stamp: Stamp) -> Row:
    count = Counter(sentence.decision for sentence in review.sentences)
    return row_of(
        "reviews",
        {
            "review_id": review.review_id,
            "sequence": stamp.sequence,
            "recorded_at": stamp.recorded,
            "case_id": review.case_id,
            "draft_id": review.draft_id,
            "reader_id": review.reader_id,
            "arm": review.arm.value,
            "opened_at": review.opened,
            "first_edit_at": review.first_edit,
            "signed_at": review.signed,
            "active_s": float(review.active_s),
            "overridden": review.overridden,
            **{decision.value: count[decision] for decision in Decision},
            "supersedes": review.supersedes,
            "body": to_json(review),
        },
    )


def _sentence_row(review: Review, position: int, sentence: SentenceReview, stamp: Stamp) -> Row:
    return row_of(
        "review_sentences",
        {
            "review_sentence_id": f"{review.review_id}#{position}",
            "sequence": stamp.sequence,
            "review_id": review.review_id,
            "case_id": review.case_id,
            "draft_id": review.draft_id,
            "reader_id": review.reader_id,
            "sentence_index": sentence.index,
            "decision": sentence.decision.value,
            "reason": sentence.reason.value if sentence.reason else None,
            "override": sentence.decision in OVERRIDES,
            **_side(sentence.before, "before"),
            **_side(sentence.after, "after"),
            "body": to_json(sentence),
        },
    )


def _side(sentence: GroundedSentence | None, side: str) -> dict[str, Value]:
    return {
        f"finding_{side}": sentence.finding if sentence else None,
        f"polarity_{side}": sentence.polarity.value if sentence else None,
        f"boxes_{side}": len(sentence.boxes) if sentence else None,
    }
