"""Small, valid records for the ledger's tests; also used by the child process of the kill tests. No test is in here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity, StageSeconds
from cases.evidence import DraftEvidence, SentenceEvidence
from cases.review import Arm, Decision, Reason, Review, SentenceReview
from cases.second_read import SecondRead, Verdict
from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason, Observation, PriorNote
from grounding.attribution import Attribution, EvidenceInput
from grounding.box import Box
from grounding.check import Rule, Violation
from grounding.confidence import Confidence, ConfidenceSet
from grounding.conflict import Conflict, ConflictKind
from grounding.contradiction import Contradiction
from grounding.copied import CopiedText
from grounding.heatmap import Heatmap
from grounding.injection import Injection
from grounding.placement import letterbox
from grounding.redraft import RedraftChange, SentenceChange
from grounding.report import Citation, GroundedReport, GroundedSentence, Polarity
from grounding.triggers import Action, Comparison, FactName, Trigger

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


def trigger(action=Action.BLOCK, sentence=0, **changes):
    given = {
        "rule_id": "conflict-side",
        "version": 1,
        "reason": "Image and notes name different sides.",
        "fact": FactName.CONFLICT,
        "value": 1.0,
        "comparison": Comparison.AT_LEAST,
        "threshold": 1.0,
        "detail": "laterality",
    }
    return Trigger(action=action, sentence=sentence, **{**given, **changes})


QUOTE = Citation("n1", 0, 6, "Nodule")
MEASURED = SentenceEvidence(  # every part of it measured
    0,
    Attribution((EvidenceInput.CURRENT_IMAGE, EvidenceInput.PRIOR_REPORT), (1.5, -0.25), (1.0, -0.5), -2.0, -3.25, 4),
    (SentenceChange(RedraftChange.DISAPPEARS, 0, NODULE.text, None),),
    (),
    (Conflict(ConflictKind.LATERALITY, 0, "Nodule, right.", "Nodule in the left lung.", QUOTE),),
    0.30000000000000004,
    Confidence(-1.5, "statement_probe", 0.4, "site-1", ConfidenceSet.REVIEW, ("prior_image",)),
    Heatmap("occlusion", 1, 3, (0.5, None, -0.125)),
    (Violation(Rule.BOX_ON_WRONG_SIDE, 0, "the words say left and the boxes lie right"),),
)


def evidence(evidence_id="e1", draft_id="d1", case_id="c1", **changes):
    """Evidence of a draft of two sentences: one blocking trigger, one that only informs."""
    given = {
        "created": START + timedelta(minutes=1, seconds=8),
        "sentences": (MEASURED, SentenceEvidence(1)),
        "protocol_sha256": "b" * 64,
        "conflicts_unplaced": (Conflict(ConflictKind.POLARITY, None, "No mass.", "A mass.", None),),
        "contradictions": (Contradiction(ConflictKind.PROGRESSION, QUOTE, QUOTE),),
        "copied": (CopiedText("n2", "n1", 0.75, ((0, 12), (20, 40))),),
        "injections": (Injection("n1", 3, 9, "cancels the image"), Injection("image", None, None, "burned in")),
        "unlikeness": 0.125,
        "missing": ("prior_image",),
        "triggers": (trigger(), trigger(Action.INFORM, None, rule_id="prior-not-used", fact=FactName.PRIOR_NOT_USED)),
        "seconds": (StageSeconds("attribution", 2.5),),
        "appearing_without_notes": (SentenceChange(RedraftChange.APPEARS, None, None, "Hernia."),),
    }
    return DraftEvidence(evidence_id, draft_id, case_id, **{**given, **changes})


def second_read(second_read_id="s1", review_id="r1", case_id="c1", **changes):
    given = {
        "reader_id": "reader-2",
        "verdict": Verdict.AGREE,
        "reason": None,
        "signed": START + timedelta(hours=2),
    }
    return SecondRead(second_read_id, review_id, case_id, **{**given, **changes})


def disagreement(second_read_id="s1", review_id="r1", case_id="c1", **changes):
    given = {"verdict": Verdict.DISAGREE, "reason": Reason.WRONG_LATERALITY, "note": "It lies right."}
    return second_read(second_read_id, review_id, case_id, **{**given, **changes})


def filled(store):
    """A row in every table: cases, drafts, saved decisions, signatures, evidence with triggers, a second read."""
    for name in ("c1", "c2"):
        store.register(case(name), agent="import", role="importer")
    store.record_draft(failed_draft(), agent="draft")
    store.record_draft(draft(), agent="draft")
    store.save_decision(kept(), case_id="c1", reader_id="reader-1", draft_id="d1")
    store.save_decision(deleted(), case_id="c1", reader_id="reader-1", draft_id="d1")
    store.sign(review(), agent_role="reader")
    store.sign(review("r2", supersedes="r1", signed=START + timedelta(hours=1)), agent_role="reader")
    store.record_draft(draft("d2", "c2"), agent="draft")
    store.record_evidence(evidence("e2", "d2", "c2"), agent="draft")
    store.record_second_read(disagreement(review_id="r2"), agent_role="reader")
    return store
