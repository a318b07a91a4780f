"""The JSON shapes of the command line, key by key: others read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity, StageSeconds
from cases.intake import Intake, Rejection
from cases.study import Case, CaseStatus, InputName, InputState, MissingReason
from dashboard.commands.shapes import draft_shape, evidence_shape, intake_shape
from grounding.box import Box
from grounding.confidence import SIMULATED_ONLY
from grounding.report import Citation, GroundedReport, GroundedSentence, Laterality

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = ModelIdentity("embedded", "a" * 64, "nf4", "float32", "b" * 64, "overread-cells@1", 0, ("torch==2.13.0",))


def draft(**parts):
    given = {"status": DraftStatus.OK, "raw_text": "raw", **parts}
    return Draft(draft_id="d1", case_id="c1", created=WHEN, model=MODEL, **given)


def test_a_draft():
    sentence = GroundedSentence(
        "Nodule, left.",
        laterality=Laterality.LEFT,
        boxes=(Box(0.5, 0.25, 0.75, 0.5),),
        citations=(Citation("n1", 3, 9, "nodule"),),
    )
    shape = draft_shape(draft(report=GroundedReport((sentence,)), seconds=(StageSeconds("generate", 0.5),)))
    assert shape == {
        "case_id": "c1",
        "draft_id": "d1",
        "status": "ok",
        "failure": None,
        "raw_text": "raw",
        "model": {
            "model_id": "embedded",
            "revision": "a" * 64,
            "quantization": "nf4",
            "dtype": "float32",
            "prompt_hash": "b" * 64,
            "codec": "overread-cells@1",
            "seed": 0,
            "versions": ["torch==2.13.0"],
            "self_test": None,
        },
        "seconds": {"generate": 0.5},
        "sentences": [
            {
                "index": 0,
                "text": "Nodule, left.",
                "section": "findings",
                "polarity": "present",
                "laterality": "left",
                "location": None,
                "progression": "not_stated",
                "boxes": [{"x_min": 0.5, "y_min": 0.25, "x_max": 0.75, "y_max": 0.5}],
                "citations": [{"note_id": "n1", "start": 3, "end": 9, "quote": "nodule"}],
            }
        ],
    }


def test_a_failed_draft_keeps_its_raw_text_and_has_no_sentences():
    shape = draft_shape(draft(status=DraftStatus.FAILED, failure=Failure(FailureKind.TIMEOUT, "no answer in 60 s")))
    assert shape["failure"] == {"kind": "timeout", "message": "no answer in 60 s"}
    assert shape["raw_text"] == "raw"
    assert shape["sentences"] == []


def test_an_abstention_says_why():
    shape = draft_shape(draft(status=DraftStatus.ABSTAINED, abstention="a lateral view"))
    assert (shape["status"], shape["abstention"], shape["failure"]) == ("abstained", "a lateral view", None)


def test_an_import():
    case = Case(
        case_id="c1",
        patient_pseudonym="p1",
        received=WHEN,
        status=CaseStatus.ABSTAINED,
        image=None,
        abstention="a lateral view",
        inputs=(
            InputState(InputName.CURRENT_IMAGE, False, MissingReason.EXCLUDED),
            InputState(InputName.INDICATION, True),
        ),
        warnings=("no spacing",),
    )
    assert intake_shape(Intake((case,), (Rejection("x.dcm", "not-dicom", "not a DICOM file"),))) == {
        "cases": [
            {
                "case_id": "c1",
                "status": "abstained",
                "inputs": {
                    "current_image": {"present": False, "missing_reason": "excluded"},
                    "indication": {"present": True, "missing_reason": None},
                },
                "warnings": ["no spacing", "a lateral view"],
            }
        ],
        "rejected": [{"path": "x.dcm", "rule": "not-dicom", "message": "not a DICOM file"}],
    }


def test_the_evidence_of_a_draft(hand_written_evidence):
    shape = json.loads(json.dumps(evidence_shape(hand_written_evidence("c1"))))
    first, second, third = shape.pop("sentences")
    hostile = first["conflicts"][0]["note_says"]
    quote = {"note_id": "n2", "start": 0, "end": 8, "quote": hostile[:8]}
    changed = {"change": "laterality", "sentence": 0, "after": "Nodule <i>right</i>."}
    assert shape == {
        "evidence_id": "e-c1",
        "draft_id": "d-c1",
        "created": "2026-03-02T09:00:00+00:00",
        "protocol_sha256": "f" * 64,
        "action": "block",
        "missing": ["prior_image"],
        "unlikeness": 1.25,
        "quantization_changes": None,
        "triggers": [
            {
                "rule_id": "side",
                "version": 2,
                "action": "secondary_review",
                "reason": "The image and the notes differ.",
                "fact": "conflict",
                "value": 1.0,
                "comparison": "at_least",
                "threshold": 1.0,
                "sentence": 0,
                "detail": "",
            },
            {
                "rule_id": "orders",
                "version": 1,
                "action": "block",
                "reason": "A text gives orders.",
                "fact": "injected_instructions",
                "value": 1.0,
                "comparison": "at_least",
                "threshold": 1.0,
                "sentence": None,
                "detail": "",
            },
        ],
        "injections": [{"source": "n2", "start": 0, "end": 8, "pattern": "orders a result"}],
        "contradictions": [
            {"kind": "size", "first": quote, "second": {"note_id": "n1", "start": 0, "end": 5, "quote": "CHEST"}}
        ],
        "conflicts_unplaced": [],
        "copied": [{"note_id": "n2", "source_note_id": "n1", "share": 0.5, "spans": [[0, 8]]}],
        "appearing_without_notes": [{"change": "appears", "sentence": None, "before": None, "after": "Scar."}],
        "appearing_without_image": None,
        "seconds": {"attribution": 2.5},
    }
    assert first.pop("without_notes")[0].items() >= changed.items()
    assert first.pop("without_image")[0]["after"] is None
    assert first == {
        "sentence": 0,
        "attribution": {
            "inputs": {
                "current_image": {"shapley": -2.0, "without": -1.0},
                "clinical_notes": {"shapley": 8.0, "without": 9.0},
            },
            "full": -4.0,
            "empty": -10.0,
            "coalitions": 4,
        },
        "conflicts": [
            {
                "kind": "laterality",
                "sentence": 0,
                "image_says": "Nodule <i>right</i>.",
                "note_says": hostile,
                "citation": quote,
            }
        ],
        "copied_share": 0.75,
        "confidence": {
            "raw": -1.5,
            "method": "yes_no",
            "calibrated": 0.4,
            "calibrator_id": "yes_no-abc",
            "needs": "review",
            "missing": [],
            "word": "possible",
            "calibrated_on": SIMULATED_ONLY,
        },
        "heatmap": {"method": "occlusion", "rows": 1, "columns": 2, "values": [0.25, None]},
        "violations": [{"rule": "box-on-wrong-side@1", "message": "the boxes lie on the other side"}],
    }
    assert second == {
        "sentence": 1,
        "attribution": None,
        "without_notes": None,
        "without_image": None,
        "conflicts": [],
        "copied_share": None,
        "confidence": None,
        "heatmap": None,
        "violations": [],
    }
    assert (third["without_notes"], third["copied_share"]) == ([], 0.0)
