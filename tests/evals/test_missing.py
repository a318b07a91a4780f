import dataclasses
from datetime import timedelta

import numpy as np
import pytest

from cases.draft import FailureKind
from cases.study import InputName
from evals.longitudinal_scenes import CHANGES, STUDY_DAY, LongitudinalScene
from evals.missing import Measured, changes_claimed, claims_change, names_missing, run
from evals.missing_cases import SUBSETS, TURNS, given, subset_name, truth_of, whole_case, whole_cases
from evals.missing_figures import Table, as_dict
from evals.scenes import Ground
from evals.trial import Lesion
from grounding.box import Box
from grounding.confidence import Confidence, ConfidenceSet
from grounding.report import GroundedReport, GroundedSentence, Laterality, Polarity, Progression
from grounding.triggers import Action, Comparison, FactName, Trigger
from vlm.limitations import FORBIDS, NO_PRIOR

HERE = Box(0.2, 0.2, 0.3, 0.3)  # the patient's right
ALL = frozenset(InputName)
THEN_MM = {
    Progression.NEW: None,
    Progression.WORSE: 10.0,
    Progression.STABLE: 20.0,
    Progression.IMPROVED: 40.0,
    Progression.RESOLVED: 20.0,
}


def picture(level):
    return np.full((64, 64), level, dtype=np.uint16)


def scene(number=0):
    return LongitudinalScene(
        scene_id=f"s{number}",
        ground=Ground.REAL,
        patient=f"p{number}",
        view_position="PA",
        now=picture(20),
        without=picture(0),
        lesion=Lesion(HERE, "conspicuous", 20.0, 0.2),
        priors={change: picture(int(size or 1)) for change, size in THEN_MM.items()},
        then_mm=THEN_MM,
        acquired_then=STUDY_DAY - timedelta(days=90),
    )


def limits(case):
    """What a draft ought to say of missing inputs, in the product's words."""
    away = [state.name for state in case.inputs if not state.present]
    said = [f"{name.value.replace('_', ' ').capitalize()}: missing (excluded): {FORBIDS[name]}." for name in away]
    return (*said, NO_PRIOR) if {InputName.PRIOR_IMAGE, InputName.PRIOR_NOTES} <= set(away) else tuple(said)


NODULE = GroundedSentence(
    "Nodule in the right upper zone.", finding="nodule", laterality=Laterality.RIGHT, boxes=(HERE,), groundable=True
)
CLEAR = GroundedSentence("No nodule or mass.", finding="nodule", polarity=Polarity.ABSENT)
UNSEEN = GroundedSentence("No current image was given.")


class Reader:
    """Says what the current picture shows, and every missing input; `claims`: it compares whatever it was given."""

    def __init__(self, make, *, claims=False, silent=False, fails=()):
        self.make, self.claims, self.silent, self.fails = make, claims, silent, fails
        self.asked = []

    def __call__(self, case, *, pixels):
        self.asked.append((case, pixels))
        there = {state.name for state in case.inputs if state.present}
        if frozenset(there) in self.fails:
            return self.make.failed(FailureKind.PARSE)
        seen = NODULE if int(pixels.current[0, 0]) else CLEAR
        said = [seen if InputName.CURRENT_IMAGE in there else UNSEEN]
        if self.claims:
            said.append(GroundedSentence("Heart larger than before.", progression=Progression.WORSE))
        report = GroundedReport(tuple(said), limitations=() if self.silent else limits(case))
        return dataclasses.replace(self.make.drafted(*said), report=report)


def ask(drafter, *, n=6, **more):
    return run(whole_cases(map(scene, range(n)), seed=0), draft=drafter, seed=0, ground="hand-made", **more)


def test_every_subset_is_there_once_and_named():
    assert len(SUBSETS) == len(set(SUBSETS)) == 32
    assert SUBSETS[0] == ALL
    assert SUBSETS[-1] == frozenset()
    assert len({subset_name(one) for one in SUBSETS}) == 32


def test_a_whole_case_has_all_five_and_its_subsets_only_theirs():
    whole = whole_case(scene(), Progression.WORSE, np.random.default_rng(0))
    assert all(state.present for state in whole.trial.case.inputs)
    for inputs in SUBSETS:
        case, pixels = given(whole, inputs)
        assert {state.name for state in case.inputs if state.present} == inputs
        assert (case.prior_image is not None) == (pixels.prior is not None) == (InputName.PRIOR_IMAGE in inputs)
        assert bool(case.notes) == (InputName.PRIOR_NOTES in inputs)
        assert (case.indication is not None) == (InputName.INDICATION in inputs)
        assert bool(case.observations) == (InputName.STRUCTURED_VALUES in inputs)
        assert case.image is not None  # the frame stays, as of an excluded image


@pytest.mark.parametrize(
    ("change", "level", "prior", "kinds"),
    [
        (Progression.NEW, 20, 1, {Polarity.PRESENT}),
        (Progression.WORSE, 20, 10, {Polarity.PRESENT}),
        (Progression.IMPROVED, 20, 40, {Polarity.PRESENT}),
        (Progression.RESOLVED, 0, 20, {Polarity.ABSENT}),
        (None, 0, 1, {Polarity.ABSENT}),
    ],
)
def test_pictures_and_truth_belong_together(change, level, prior, kinds):
    whole = whole_case(scene(), change, np.random.default_rng(1))
    assert (int(whole.trial.pixels[0, 0]), int(whole.trial.prior_pixels[0, 0])) == (level, prior)
    assert {claim.polarity for claim in truth_of(scene(), change).expected} == kinds
    assert bool(whole.trial.lesions) == (level > 0)
    told = "mm" in whole.trial.case.notes[0].text
    assert told == (change not in (None, Progression.NEW))


def test_turns_have_every_change_and_none():
    changes = [whole.change for whole in whole_cases(map(scene, range(6)), seed=0)]
    assert changes == list(TURNS) == [*CHANGES, None]


def test_a_reader_who_says_all_that_is_missing(make):
    drafter = Reader(make)
    shape = as_dict(ask(drafter))
    assert (shape["n_images"], shape["n_drafts"], len(shape["by_subset"])) == (6, 192, 32)
    assert len(drafter.asked) == 192
    whole = shape["all"]
    assert (whole["failed"]["value"], whole["failed"]["n"]) == (0.0, 192)
    assert (whole["names_what_is_missing"]["value"], whole["names_what_is_missing"]["n"]) == (1.0, 192)
    assert (whole["forbids_change"]["value"], whole["forbids_change"]["n"]) == (1.0, 48)  # 8 subsets without a prior
    assert (whole["changes_claimed_without_prior"], whole["changes_unflagged"]) == (0, 0)
    # The image says all: right in every draft that has it, nothing found in the others.
    assert shape["by_input"]["current_image"]["with"]["findings"]["f1"]["value"] == 1.0
    assert shape["by_input"]["current_image"]["without"]["findings"]["recall"]["value"] == 0.0
    assert shape["by_subset"]["nothing"]["findings"]["f1"]["value"] == 0.0
    assert shape["by_subset"]["current_image"]["findings"]["f1"]["value"] == 1.0
    # Not measured is None, not zero.
    assert whole["confidence"] is None
    assert whole["triggers"] is None
    with_prior = shape["by_subset"]["prior_image"]
    assert with_prior["changes_claimed_without_prior"] is None
    assert with_prior["forbids_change"]["value"] is None


def test_a_silent_reader_is_found_out(make):
    whole = as_dict(ask(Reader(make, silent=True)))["all"]
    assert whole["names_what_is_missing"]["value"] == pytest.approx(1 / 32)  # nothing was missing once
    assert whole["forbids_change"]["value"] == 0.0


def test_changes_claimed_without_a_prior_are_counted_and_flagged(make):
    shape = as_dict(ask(Reader(make, claims=True)))
    assert shape["all"]["changes_claimed_without_prior"] == 48  # one a draft of 8 subsets, 6 cases
    assert shape["all"]["changes_unflagged"] == 0
    assert shape["by_subset"]["current_image"]["changes_claimed_without_prior"] == 6


def test_a_rule_that_misses_a_claim_is_found_out(make, monkeypatch):
    monkeypatch.setattr("evals.missing.violations", lambda *_, **__: ())
    assert as_dict(ask(Reader(make, claims=True)))["all"]["changes_unflagged"] == 48


def test_failed_drafts_count_as_such_and_find_nothing(make):
    shape = as_dict(ask(Reader(make, fails={ALL, frozenset()})))
    assert shape["all"]["failed"]["value"] == pytest.approx(2 / 32)
    assert shape["by_subset"]["nothing"]["failed"]["value"] == 1.0
    assert shape["by_subset"][subset_name(ALL)]["findings"]["f1"]["value"] == 0.0
    assert shape["by_subset"]["nothing"]["names_what_is_missing"]["value"] is None
    assert shape["faults"]["unparseable"]["count"] == 12


def trigger(rule, action):
    return Trigger(rule, 1, action, "For a reason.", FactName.MISSING_INPUT, 1.0, Comparison.AT_LEAST, 1.0)


def test_confidence_and_triggers_by_subset(make):
    """0.9 for each sentence on the image, all of which are right; none for a draft that saw no image."""

    def measure(case, pixels, draft):
        blind = InputName.CURRENT_IMAGE in {state.name for state in case.inputs if not state.present}
        sure = None if blind else Confidence(2.0, "m", 0.9, "c", ConfidenceSet.ACCEPT)
        fired = (trigger("missing", Action.SECONDARY_REVIEW),) if blind else (trigger("note", Action.INFORM),)
        return Measured((sure,) * len(draft.report.sentences), fired)

    outcomes = ask(Reader(make), n=2, measure=measure).outcomes
    row = Table(0).row([one for one in outcomes if one.inputs == {InputName.CURRENT_IMAGE}])
    assert row["confidence"]["judged_sentences"] == 2
    assert row["confidence"]["mean_probability"]["value"] == pytest.approx(0.9)
    assert row["confidence"]["right"]["value"] == 1.0
    assert row["confidence"]["ece"]["value"] == pytest.approx(0.1)
    assert row["confidence"]["needs_a_look"]["value"] == 0.0
    assert row["triggers"] == {
        "drafts": 2,
        "asks_second_reader": row["triggers"]["asks_second_reader"],
        "drafts_by_rule": {"note": 2},
    }
    assert row["triggers"]["asks_second_reader"]["value"] == 0.0
    blind = Table(0).row([one for one in outcomes if not one.inputs])
    assert blind["confidence"]["mean_probability"]["value"] is None
    assert blind["triggers"]["asks_second_reader"]["value"] == 1.0


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Nodule in the left lung, new.", True),
        ("Newly seen mass.", True),
        ("The nodule has grown.", True),
        ("The effusion has resolved.", True),
        ("Unchanged cardiomegaly.", True),
        ("The nodule described in the prior report is not seen.", True),
        ("No longer seen.", True),
        ("No prior report for comparison.", False),  # says that there is none
        ("No previous film; change cannot be assessed.", False),
        ("Nodule in the left upper zone.", False),
        ("History of lung cancer.", False),
        ("Pneumonia.", False),  # "new" inside a word
    ],
)
def test_what_claims_a_change(text, claims):
    assert claims_change(text) is claims


@pytest.mark.parametrize(
    ("text", "progression"),
    [
        ("Nodule in the left upper zone, new since the prior report.", Progression.NEW),
        ("Mass in the right lower zone, smaller than on the prior image.", Progression.IMPROVED),
        ("The nodule in the left mid zone on the prior image is no longer seen.", Progression.RESOLVED),
        ("Stable nodule.", Progression.NOT_STATED),  # the field was not filled, the words say it all the same
    ],
)
def test_the_product_flags_what_claims_a_change(text, progression):
    absent = progression is Progression.RESOLVED
    sentence = GroundedSentence(
        text,
        finding="nodule",
        polarity=Polarity.ABSENT if absent else Polarity.PRESENT,
        progression=progression,
        boxes=() if absent else (HERE,),
    )
    assert changes_claimed(GroundedReport((sentence, CLEAR))) == (1, 0)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (("Indication: missing (not sent): the clinical question is not known.",), True),
        (("Indication: missing (not sent).",), False),  # not what that forbids
        (("Indication: too long for the prompt, not read.",), False),  # it is there
        ((), False),
        (
            (
                "Indication: missing (not sent): the clinical question is not known.",
                "Prior image: missing (not sent): change cannot be seen.",
            ),
            False,
        ),  # names one that is there
    ],
)
def test_what_names_a_missing_input(lines, named):
    report = GroundedReport((CLEAR,), limitations=lines)
    assert names_missing(report, ALL - {InputName.INDICATION}) is named
