"""Small, valid records for the ledger's tests; also used by the child process of the kill tests. No test is in here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity, StageSeconds
from cases.review import Arm, Decision, Reason, Review, SentenceReview
from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason, Observation, PriorNote
from grounding.box import Box
from grounding.placement import letterbox
from grounding.report import Citation, GroundedReport, GroundedSentence, Polarity

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
NODULE = GroundedSentence(
    "A nodule in the left lung, as before.",
    finding="nodule",
    groundable=True,
    boxes=(Box(0.1, 0.2, 0.30000000000000004, 0.4),),
    citations=(Citation("n1", 0, 6, "Nodule"),),
    derived=("finding",),
)
EFFUSION = GroundedSentence("No pleural effusion.", finding="effusion", polarity=Polarity.ABSENT)
MODEL = ModelIdentity(
    "overread-small", "f" * 64, "none", "float32", "0" * 64, "overread-cells@1", 0, ("torch==2.13.0",)
)


class Clock:
    """A clock that moves a second each time it is read."""

    def __init__(self):
        self.time = START

    def __call__(self):
        self.time += timedelta(seconds=1)
        return self.time


def case(case_id="c1", **changes):
    given = {
        "received": START,
        "status": CaseStatus.REGISTERED,
        "image": Image("a" * 64, 2000, 1600, "DX", "PA", (0.175, 0.175), "PixelSpacing", date(2026, 2, 28), True),
        "notes": (PriorNote("n1", date(2025, 5, 1), "report", "Nodule in the left lung."),),
        "age_years": 61,
        "observations": (Observation("CRP", "12 mg/l", None),),
        "inputs": (InputState(InputName.INDICATION, False, MissingReason.NOT_SENT),),
        "warnings": ("The spacing is of the detector.",),
    }
    return Case(case_id, "p-1", **{**given, **changes})


def abstained_case(case_id="leg"):
    return case(case_id, status=CaseStatus.ABSTAINED, image=None, abstention="not a frontal chest radiograph")


def draft(draft_id="d1", case_id="c1", **changes):
    given = {
        "created": START + timedelta(minutes=1),
        "status": DraftStatus.OK,
        "model": MODEL,
        "raw_text": "<obj>A nodule in the left lung.</obj>",
        "report": GroundedReport((NODULE, EFFUSION), ("no prior image",)),
        "placement": letterbox(1600, 2000, side=256),
        "box_scores": (0.73,),
        "seconds": (StageSeconds("prompt", 0.5), StageSeconds("answer", 1.25)),
    }
    return Draft(draft_id, case_id, **{**given, **changes})


def failed_draft(draft_id="d-failed", case_id="c1"):
    return draft(
        draft_id,
        case_id,
        status=DraftStatus.FAILED,
        report=None,
        box_scores=(),
        placement=None,
        failure=Failure(FailureKind.PARSE, "the answer opens an object and does not close it"),
        raw_text="<obj>A nod",
        seconds=(),
    )


def kept(index=0, sentence=NODULE):
    return SentenceReview(index, Decision.KEPT, sentence, sentence)


def deleted(index=1, sentence=EFFUSION):
    return SentenceReview(index, Decision.DELETED, sentence, None, Reason.FALSE_POSITIVE)


def added(index=2, text="Hernia."):
    return SentenceReview(index, Decision.ADDED, None, GroundedSentence(text), Reason.MISSED_FINDING)


def review(review_id="r1", case_id="c1", draft_id="d1", **changes):
    given = {
        "arm": Arm.AI_FIRST,
        "opened": START + timedelta(minutes=2),
        "signed": START + timedelta(minutes=5),
        "active_s": 93.5,
        "sentences": (kept(), deleted(), added()),
        "first_edit": START + timedelta(minutes=3),
    }
    reader_id = changes.pop("reader_id", "reader-1")
    return Review(review_id, case_id, draft_id, reader_id, **{**given, **changes})


def blind_review(review_id="r1", case_id="c1", **changes):
    """A review without a draft."""
    return review(review_id, case_id, None, **{"arm": Arm.NO_AI, "sentences": (added(0),), **changes})


def filled(store):
    """A row in every table: two cases, a good and a failed draft, saved decisions, a signature and an amendment."""
    for name in ("c1", "c2"):
        store.register(case(name), agent="import", role="importer")
    store.record_draft(failed_draft(), agent="draft")
    store.record_draft(draft(), agent="draft")
    store.save_decision(kept(), case_id="c1", reader_id="reader-1", draft_id="d1")
    store.save_decision(deleted(), case_id="c1", reader_id="reader-1", draft_id="d1")
    store.sign(review(), agent_role="reader")
    store.sign(review("r2", supersedes="r1", signed=START + timedelta(hours=1)), agent_role="reader")
    store.record_draft(draft("d2", "c2"), agent="draft")
    return store
