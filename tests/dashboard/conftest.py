"""A small pilot made by the real store, with drafts written by hand: what a page test opens."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity, StageSeconds
from cases.evidence import DraftEvidence, SentenceEvidence
from cases.images import ImageStore
from cases.paths import StorePaths
from cases.store import Store
from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason, PriorNote
from grounding.attribution import Attribution, EvidenceInput
from grounding.box import Box
from grounding.check import Rule, Violation
from grounding.codecs.phrase import Phrase
from grounding.confidence import Confidence, ConfidenceSet
from grounding.conflict import Conflict, ConflictKind
from grounding.contradiction import Contradiction
from grounding.copied import CopiedText
from grounding.derive import derive_sentence
from grounding.heatmap import Heatmap
from grounding.injection import Injection
from grounding.redraft import RedraftChange, SentenceChange
from grounding.report import Citation, GroundedReport
from grounding.triggers import Action, Comparison, FactName, Trigger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOTE = (
    "CHEST RADIOGRAPH\nFINDINGS: There is a nodule in the left upper zone measuring 14 mm. The right lung is clear.\n"
    "No pleural effusion."
)
# A note is untrusted: this one tries to become markup, Markdown and script.
HOSTILE = (
    "<script>window.pwned = 1</script><img src=x onerror='window.pwned=1'> :red[**shout**] $x^2$ [link](javascript:1)"
)
MODEL = ModelIdentity("hand-written", "0" * 64, "none", "float32", "1" * 64, "overread-cells@1")
SENTENCES = (
    ("Nodule in the left upper zone, unchanged since the prior report.", (Box(0.62, 0.24, 0.72, 0.34),)),
    ("There is an opacity in the right lower zone.", (Box(0.22, 0.6, 0.36, 0.74),)),
    ("No pleural effusion.", ()),
)


def inputs(*, missing: tuple[InputName, ...] = (InputName.PRIOR_IMAGE,)) -> tuple[InputState, ...]:
    return tuple(
        InputState(
            name, present=name not in missing, missing_reason=MissingReason.NOT_SENT if name in missing else None
        )
        for name in InputName
    )


def radiograph(side: int = 96) -> np.ndarray:
    rows, columns = np.mgrid[0:side, 0:side] / side
    lungs = np.exp(-(((columns - 0.3) / 0.13) ** 2) - ((rows - 0.45) / 0.28) ** 2)
    lungs += np.exp(-(((columns - 0.7) / 0.13) ** 2) - ((rows - 0.45) / 0.28) ** 2)
    return (65535 * (0.85 - 0.6 * lungs)).astype(np.uint16)


def case(name: str, *, sha256: str | None, side: int, **fields) -> Case:
    image = sha256 and Image(sha256, side, side, "DX", "PA", None, None, None, simulated=True)
    start = Case(
        case_id=name,
        patient_pseudonym=f"P-{name}",
        received=NOW - timedelta(hours=3),
        status=CaseStatus.REGISTERED,
        image=image or None,
        notes=(PriorNote("n1", date(2025, 8, 1), "report", NOTE), PriorNote("n2", None, "note", HOSTILE)),
        indication="Cough for six weeks",
        age_years=64,
        sex="F",
        inputs=inputs(),
    )
    return replace(start, **fields)


def draft(name: str, *, notes: dict[str, str]) -> Draft:
    sentences = tuple(derive_sentence(Phrase(text, boxes), notes=notes) for text, boxes in SENTENCES)
    report = GroundedReport(sentences, limitations=("prior image: not sent",))
    return Draft(f"d-{name}", name, NOW, DraftStatus.OK, MODEL, raw_text="as written", report=report)


def prepare(path: Path, *, pixels: np.ndarray | None = None) -> Path:
    """A store of four cases: drafted, failed, out of scope, and waiting for a draft."""
    pixels = radiograph() if pixels is None else pixels
    path.parent.mkdir(parents=True, exist_ok=True)
    sha256 = ImageStore(StorePaths(path).images).put(pixels)
    shape = {"sha256": sha256, "side": pixels.shape[0]}
    current, earlier = (
        Image(sha256, *pixels.shape, "DX", "PA", None, None, day, simulated=True)
        for day in (date(2026, 3, 1), date(2024, 2, 28))
    )
    failed_case = case("case-failed", **shape, notes=(), inputs=inputs(missing=(InputName.PRIOR_NOTES,)))
    cases = (
        case("case-drafted", **shape),
        replace(failed_case, image=current, prior_image=earlier),
        case("case-leg", **shape, status=CaseStatus.ABSTAINED, abstention="a leg, not a chest"),
        case("case-waiting", **shape, indication=None),
    )
    failure = Failure(FailureKind.PARSE, "the answer is not a report")
    with Store.open(path, now=lambda: NOW) as store:
        for one in cases:
            store.register(one, agent="tests", role="importer")
        store.record_draft(draft("case-drafted", notes={"n1": NOTE, "n2": HOSTILE}), agent="tests")
        failed = Draft("d-failed", "case-failed", NOW, DraftStatus.FAILED, MODEL, raw_text="<obj> ???", failure=failure)
        store.record_draft(failed, agent="tests")
    return path


def evidence(name: str) -> DraftEvidence:
    """Evidence of the good draft by hand: the first sentence has everything, the second nothing, the third no trouble.

    Numbers chosen so that shares can be had by head: 8 of 10 nats for the first sentence, 2 of 10 against it.
    """
    image, note = EvidenceInput.CURRENT_IMAGE, EvidenceInput.CLINICAL_NOTES
    driven = Attribution((image, note), (-2.0, 8.0), (-1.0, 9.0), -4.0, -10.0, 4)
    plainly = Attribution((image, note), (3.0, 0.0), (3.0, 0.0), -4.0, -7.0, 4)
    quote = Citation("n2", 0, 8, HOSTILE[:8])
    first = SentenceEvidence(
        0,
        attribution=driven,
        without_notes=(SentenceChange(RedraftChange.LATERALITY, 0, SENTENCES[0][0], "Nodule <i>right</i>."),),
        without_image=(SentenceChange(RedraftChange.DISAPPEARS, 0, SENTENCES[0][0], None),),
        conflicts=(Conflict(ConflictKind.LATERALITY, 0, "Nodule <i>right</i>.", HOSTILE, quote),),
        copied_share=0.75,
        confidence=Confidence(-1.5, "yes_no", 0.4, "yes_no-abc", ConfidenceSet.REVIEW),
        heatmap=Heatmap("occlusion", 1, 2, (0.25, None)),
        violations=(Violation(Rule.BOX_ON_WRONG_SIDE, 0, "the boxes lie on the other side"),),
    )
    third = SentenceEvidence(
        2,
        plainly,
        (),
        (),
        copied_share=0.0,
        confidence=Confidence(2.0, "yes_no", 0.8, "yes_no-abc", ConfidenceSet.ACCEPT),
    )
    return DraftEvidence(
        evidence_id=f"e-{name}",
        draft_id=f"d-{name}",
        case_id=name,
        created=NOW,
        sentences=(first, SentenceEvidence(1), third),
        protocol_sha256="f" * 64,
        contradictions=(Contradiction(ConflictKind.SIZE, quote, Citation("n1", 0, 5, "CHEST")),),
        copied=(CopiedText("n2", "n1", 0.5, ((0, 8),)),),
        injections=(Injection("n2", 0, 8, "orders a result"),),
        unlikeness=1.25,
        missing=("prior_image",),
        triggers=(
            Trigger(
                "side",
                2,
                Action.SECONDARY_REVIEW,
                "The image and the notes differ.",
                FactName.CONFLICT,
                1.0,
                Comparison.AT_LEAST,
                1.0,
                sentence=0,
            ),
            Trigger(
                "orders",
                1,
                Action.BLOCK,
                "A text gives orders.",
                FactName.INJECTED_INSTRUCTIONS,
                1.0,
                Comparison.AT_LEAST,
                1.0,
            ),
        ),
        seconds=(StageSeconds("attribution", 2.5),),
        appearing_without_notes=(SentenceChange(RedraftChange.APPEARS, None, None, "Scar."),),
    )


@pytest.fixture
def hand_written_evidence():
    """The maker of the good draft's evidence."""
    return evidence


@pytest.fixture
def measured_pilot(pilot) -> Path:
    """The small pilot, with the evidence of its good draft."""
    with Store.open(pilot, now=lambda: NOW) as store:
        store.record_evidence(evidence("case-drafted"), agent="tests")
    return pilot


@pytest.fixture
def pilot(tmp_path, monkeypatch) -> Path:
    """A prepared store, named to the dashboard by its environment variable; safe server settings."""
    import streamlit as st

    path = prepare(tmp_path / "pilot.duckdb")
    monkeypatch.setenv("OVERREAD_STORE", str(path))
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    st.cache_resource.clear()
    st.cache_data.clear()
    yield path
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def prepare_pilot():
    """The maker of the small pilot, for a test that serves it from another process."""
    return prepare


@pytest.fixture
def hand_written_draft():
    """The maker of the small pilot's good draft, for a drafter written by hand."""
    return draft


os.environ.setdefault("STREAMLIT_SERVER_HEADLESS", "true")
