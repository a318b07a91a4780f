"""Surer with less: counted where nothing that was removed is a cause, and not where something is."""

from __future__ import annotations

import dataclasses

import pytest

from cases.draft import FailureKind
from cases.study import InputName, InputState, Observation, PriorNote
from evals.calibration_cases import Drafted
from evals.report_trials import ReportTrial, Truth
from evals.sharpening import removals, sharpening
from grounding.confidence import Confidence, ConfidenceSet
from grounding.report import GroundedSentence

NODULE = GroundedSentence("Nodule in the left upper zone.", finding="nodule")
FREE = GroundedSentence("No focal nodule or mass.", finding="nodule")
EMPTY = Truth((), (), frozenset())
REVIEW, ACCEPT = ConfidenceSet.REVIEW, ConfidenceSet.ACCEPT


def sure(p, needs=REVIEW):
    return Confidence(0.0, "yes_no", p, "id", needs)


UNKNOWN = Confidence(0.0, "yes_no", None, None, REVIEW)


def noted(make, note):
    """A case with one report and one value."""
    trial = make.trial(patient="p1", case_id="c")
    present = (InputName.CURRENT_IMAGE, InputName.PRIOR_NOTES, InputName.STRUCTURED_VALUES)
    states = tuple(InputState(s.name, present=True) if s.name in present else s for s in trial.case.inputs)
    case = dataclasses.replace(
        trial.case,
        notes=(PriorNote("n1", None, "report", note),),
        observations=(Observation("CRP", "3 mg/L"),),
        inputs=states,
    )
    return dataclasses.replace(trial, case=case)


def found(make, note, *, full, without_report, again=NODULE):
    """The run where the full draft states the nodule that surely, and the draft without the report so surely."""
    trial = noted(make, note)

    def confide(one, draft):
        given = full if one.case.notes else without_report
        return (given,) * len(draft.report.sentences if draft.report else ())

    def draft(case, *, pixels):
        return make.drafted(NODULE if case.notes else again)

    drafted = Drafted(ReportTrial(trial, EMPTY), make.drafted(NODULE), ())
    return sharpening([drafted], draft=draft, confide=confide, seed=0).as_dict()


@pytest.mark.parametrize(
    ("note", "full", "less", "sharpened", "caused"),
    [
        ("Nodule in the left upper lobe.", sure(0.6), sure(0.5), 0, 0),
        ("Nodule in the left upper lobe.", sure(0.6), sure(0.64), 0, 0),  # within the tolerance
        ("Nodule in the left upper lobe.", sure(0.6), sure(0.7), 1, 0),  # nothing removed speaks against it
        ("No nodule or mass.", sure(0.6), sure(0.7), 0, 1),  # the note did
        ("Nodule in the right upper lobe.", sure(0.6), sure(0.7), 0, 1),  # the note had it on the other side
        ("Nodule in the left upper lobe.", sure(0.6, REVIEW), sure(0.6, ACCEPT), 1, 0),  # to accept, at the same score
        ("Nodule in the left upper lobe.", sure(0.9, ACCEPT), UNKNOWN, 0, 0),  # no probability: wider
        ("Nodule in the left upper lobe.", UNKNOWN, sure(0.2), 1, 0),  # a probability from less
    ],
)
def test_one_removed_report(make, note, full, less, sharpened, caused):
    told = found(make, note, full=full, without_report=less)
    by = told["by_input"]
    assert set(by) == {"current_image", "prior_report", "structured_values", "all_context"}
    assert (by["prior_report"]["value"], by["prior_report"]["n"]) == (sharpened, 1)
    assert by["structured_values"]["value"] == 0  # the report is still there: nothing changes
    assert told["value"] == pytest.approx(2 * sharpened / 4)  # the report alone, and all context
    assert told["with_cause"]["value"] == pytest.approx(2 * caused / 4)
    moved = (full.needs, less.needs) == (REVIEW, ACCEPT)
    assert told["to_accept_without_cause"]["value"] == pytest.approx(2 * moved / 4)
    wider = less.calibrated is None or (full.calibrated is not None and less.calibrated < full.calibrated - 0.05)
    assert told["widened"]["value"] == pytest.approx(2 * wider / 4)


def test_a_stand_that_the_full_draft_did_not_take_is_no_pair(make):
    told = found(make, "Nodule.", full=sure(0.2), without_report=sure(0.9), again=FREE)
    assert set(told["by_input"]) == {"current_image", "structured_values"}


def test_nothing_drafted_is_not_measured(make):
    failed = Drafted(ReportTrial(make.trial(), EMPTY), make.failed(FailureKind.PARSE), ())
    told = sharpening([failed], draft=None, confide=None, seed=0).as_dict()
    assert (told["cases"], told["value"], told["n"]) == (0, None, 0)


def test_what_is_removed(make):
    assert [name for name, _ in removals(make.trial().case)] == ["current_image"]
    names = dict(removals(noted(make, "Nodule.").case))
    assert {part.value for part in names["all_context"]} == {"prior_report", "structured_values"}
