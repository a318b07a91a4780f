"""Confidences of a draft: probabilities only where they were calibrated, and a look wherever an input is missing."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from cases.draft import Draft, DraftStatus
from cases.study import InputName, InputState, MissingReason
from grounding.attribution import EvidenceInput
from grounding.confidence import Calibrator, ConfidenceSet, ConformalRule, Knot
from grounding.report import GroundedReport, GroundedSentence, Polarity, Progression
from vlm.backend import Scored
from vlm.calibration_file import Calibration, CalibrationError, MeasuredEce, Source
from vlm.coalitions import without
from vlm.confidence import confidences, missing_for
from vlm.outcome import identity
from vlm.raw_scores import Method
from vlm.registry import embedded_spec

SPEC = embedded_spec()
SENTENCES = (
    GroundedSentence("Nodule in the right upper zone, stable.", finding="nodule", progression=Progression.STABLE),
    GroundedSentence("No pleural effusion.", finding="effusion", polarity=Polarity.ABSENT),
    GroundedSentence("Possible mass in the left lung.", finding="mass", polarity=Polarity.UNCERTAIN),
    GroundedSentence("Former smoker.", finding="smoking"),
    GroundedSentence("Mass in the left mid zone.", finding="mass"),
)
CALIBRATION = Calibration(
    model_id=SPEC.model_id,
    revision=SPEC.content,
    quantization="none",
    method=Method.SEQUENCE,
    curves=(("lesion present", Calibrator((Knot(-2.0, -2.0), Knot(0.0, 2.0)))),),
    rule=ConformalRule(0.1, 0.4, 100),
    source=Source.SIMULATED,
    sentences=200,
    patients=200,
    seed=0,
    ece=MeasuredEce(None, None, 0, 0),
    made=datetime(2026, 1, 1, tzinfo=UTC),
)


class Even:
    """Every character is a token of log-probability -1: the mean of any words is -1."""

    spec = SPEC

    def answer(self, *, image, prompt, prior=None):
        raise AssertionError

    def log_probabilities(self, *, image, prompt, continuations, prior=None):
        return tuple(Scored((-1.0,) * len(text)) for text in continuations)


def given(case, pixels, *, calibration=CALIBRATION, sentences=SENTENCES):
    raw = "".join(f"<obj>{one.text}</obj>" for one in sentences)
    draft = Draft(
        "d", case.case_id, case.received, DraftStatus.OK, identity(SPEC), raw, report=GroundedReport(sentences)
    )
    return confidences(case, pixels=pixels, draft=draft, backend=Even(), calibration=calibration)


def test_each_sentence_by_what_was_calibrated(make_case, pixels):
    nodule, effusion, hedged, smoker, mass = given(make_case(), pixels)
    assert (nodule.raw, nodule.method) == (pytest.approx(-1.0), "sequence")
    assert nodule.calibrated == pytest.approx(0.5)  # half way between log-odds of -2 and 2
    assert (nodule.needs, nodule.calibrator_id) == (ConfidenceSet.ACCEPT, CALIBRATION.calibrator_id)
    assert mass.calibrated == pytest.approx(0.5)
    for uncovered in (effusion, hedged):  # no curve of that kind: no probability, and somebody is to look
        assert (uncovered.calibrated, uncovered.calibrator_id) == (None, None)
        assert uncovered.needs is ConfidenceSet.REVIEW
    assert smoker is None


def test_without_a_calibration_there_are_raw_scores_only(make_case, pixels):
    nodule, *_ = given(make_case(), pixels, calibration=None)
    assert (nodule.calibrated, nodule.needs, nodule.word) == (None, None, None)


def test_a_calibration_of_other_weights_is_refused(make_case, pixels):
    with pytest.raises(CalibrationError, match="fit it again"):
        given(make_case(), pixels, calibration=dataclasses.replace(CALIBRATION, revision="0" * 64))


@pytest.mark.parametrize("removed", [frozenset({name}) for name in EvidenceInput] + [frozenset(EvidenceInput)])
def test_with_an_input_removed_no_sentence_is_surer(make_case, pixels, removed):
    """The score itself stays the same here, so whatever changes is the rule's doing."""
    case = make_case()
    fewer, _ = without(case, pixels, removed)
    for before, after in zip(given(case, pixels), given(fewer, pixels), strict=True):
        if before is None:
            assert after is None
            continue
        assert (after.calibrated or 0.0) <= (before.calibrated or 0.0)
        assert (before.needs, after.needs) != (ConfidenceSet.REVIEW, ConfidenceSet.ACCEPT)


@pytest.mark.parametrize(
    ("removed", "missing", "has_probability"),
    [
        ({EvidenceInput.CURRENT_IMAGE}, ("current_image",), False),  # never calibrated without an image
        ({EvidenceInput.PRIOR_REPORT}, ("prior_image", "prior_notes"), True),  # "stable", and nothing to compare with
        ({EvidenceInput.STRUCTURED_VALUES}, (), True),  # no sentence leans on a laboratory value
    ],
)
def test_what_a_sentence_leans_on_and_lacks(make_case, pixels, removed, missing, has_probability):
    fewer, _ = without(make_case(), pixels, removed)
    nodule, *_, mass = given(fewer, pixels)
    assert nodule.missing == missing
    assert (nodule.calibrated is not None) is has_probability
    assert nodule.needs is (ConfidenceSet.REVIEW if missing else ConfidenceSet.ACCEPT)
    assert ("prior_notes" in mass.missing) is False  # it compares with nothing


def test_a_note_that_the_model_never_reads_does_not_count(make_case):
    case = make_case()
    assert missing_for(SENTENCES[0], case, SPEC) == ()
    unread = dataclasses.replace(SPEC, family="maira2")  # reads notes only beside a prior image
    assert missing_for(SENTENCES[0], case, unread) == ("prior_image", "prior_notes")
    gone = InputState(InputName.PRIOR_NOTES, present=False, missing_reason=MissingReason.EXCLUDED)
    states = tuple(gone if state.name is InputName.PRIOR_NOTES else state for state in case.inputs)
    excluded = dataclasses.replace(case, inputs=states)  # the text is there, and was not shown
    assert missing_for(SENTENCES[0], excluded, SPEC) == ("prior_image", "prior_notes")
