import json

import pytest

from cases.draft import FailureKind
from evals.claim import Claim
from evals.report import judge, run
from evals.report_figures import score
from evals.report_trials import NO_LESION, ReportTrial, Truth, _groups, simulated_reports
from grounding.box import Box
from grounding.codecs.radfact import read_phrases
from grounding.findings import Finding
from grounding.report import GroundedReport, GroundedSentence, Laterality, Polarity, Progression, Section

HERE, THERE = Box(0.2, 0.2, 0.4, 0.4), Box(0.6, 0.6, 0.8, 0.8)
LESION = Claim(Finding.NODULE, Polarity.PRESENT, Laterality.RIGHT, Progression.NEW, boxes=(HERE,))
FREE_LEFT = Claim(Finding.NODULE, Polarity.ABSENT, Laterality.LEFT)
SCOPE = _groups(frozenset({Finding.NODULE}))
ILL = Truth((LESION,), (LESION, FREE_LEFT), SCOPE)
WELL = Truth((NO_LESION,), (NO_LESION,), SCOPE)
RIGHT = GroundedSentence("Nodule in the right mid zone, new since the prior report.", boxes=(HERE,))
UNCHANGED = GroundedSentence("Nodule in the right mid zone, stable compared with the prior report.", boxes=(THERE,))
LEFT = GroundedSentence("Nodule in the left mid zone.", boxes=(THERE,))
NONE = GroundedSentence("No focal nodule or mass.")
HEDGED = GroundedSentence("Possible nodule in the right mid zone.")
OTHER = GroundedSentence("Small right pleural effusion.")
HISTORY = GroundedSentence("History of lung cancer.")


def result_of(make, cases):
    """A run over (truth, sentences or None for a failed draft); each case a patient of its own."""
    trials = [ReportTrial(make.trial(patient=f"p{n}", case_id=f"c{n}"), truth) for n, (truth, _) in enumerate(cases)]
    drafts = {
        f"c{n}": make.failed(FailureKind.PARSE) if said is None else make.drafted(*said)
        for n, (_, said) in enumerate(cases)
    }
    return run(trials, draft=make.told(drafts), seed=0, source="by hand")


def values(scored):
    return [scored[name]["value"] for name in ("precision", "recall", "f1")]


def test_by_hand(make):
    cases = [
        (ILL, (RIGHT,)),  # right claim, found
        (ILL, (LEFT,)),  # the wrong side, missed
        (WELL, (NONE,)),  # right, found
        (WELL, (LEFT, HISTORY)),  # a false claim; history is none
        (ILL, None),  # a failed draft claims nothing and misses
    ]
    shape = result_of(make, cases).as_dict()
    assert values(shape["overall"]) == [2 / 4, 2 / 5, pytest.approx(2 * 0.5 * 0.4 / 0.9)]
    assert shape["overall"]["f1"]["n"] == 9
    assert values(shape["by_polarity"]["present"])[:2] == [1 / 3, 1 / 3]
    assert values(shape["by_polarity"]["absent"])[:2] == [1.0, 1 / 2]
    assert values(shape["by_laterality"]["right"])[:2] == [1.0, 1 / 3]
    assert values(shape["by_laterality"]["left"])[:2] == [0.0, None]
    assert shape["by_laterality"]["bilateral"]["precision"] == {"value": None, "ci95": None, "n": 0}
    assert values(shape["by_section"]["findings"])[:2] == [2 / 4, 2 / 5]
    assert values(shape["by_section"]["impression"]) == [None, None, None]  # nothing was written there
    assert shape["faults"]["unparseable"]["count"] == 1
    assert (shape["n_images"], shape["n_claims_drafted"], shape["n_claims_true"]) == (5, 4, 5)


def test_what_is_not_judged_is_counted_apart(make):
    shape = result_of(make, [(ILL, (HEDGED, OTHER))]).as_dict()
    assert (shape["n_uncertain"], shape["n_out_of_scope"], shape["n_claims_drafted"]) == (1, 1, 0)
    assert values(shape["overall"]) == [None, 0.0, 0.0]  # nothing claimed, nothing found


def test_a_right_claim_with_a_wrong_change(make):
    shape = result_of(make, [(ILL, (UNCHANGED,)), (ILL, (RIGHT,))]).as_dict()
    assert values(shape["overall"]) == [1.0, 1.0, 1.0]
    assert values(shape["by_progression"]["stable"])[:2] == [0.0, None]
    assert values(shape["by_progression"]["new"])[:2] == [1.0, 1 / 2]


def test_boxes_by_radfacts_rule(make):
    shape = result_of(make, [(ILL, (RIGHT,)), (ILL, (UNCHANGED,)), (ILL, (LEFT,))]).as_dict()
    assert shape["grounding"]["precision"]["value"] == 1 / 2  # of the two right claims with boxes
    assert shape["spatial"]["precision"]["value"] == 1 / 3  # of all three
    assert shape["grounding"]["recall"]["value"] == 1 / 2
    assert shape["spatial"]["recall"]["value"] == 1 / 3


def test_sections_stand_apart(make):
    impression = GroundedSentence("Nodule in the right mid zone.", section=Section.IMPRESSION)
    shape = result_of(make, [(ILL, (LEFT, impression))]).as_dict()
    assert values(shape["by_section"]["findings"])[0] == 0.0
    assert values(shape["by_section"]["impression"])[:2] == [1.0, 1.0]
    assert values(shape["by_section"]["findings"])[1] == 0.0  # only the impression found it


def test_changes_that_the_truth_does_not_know_are_not_judged():
    mined = Claim(Finding.NODULE, Polarity.PRESENT, None, None)
    one = judge(GroundedReport((UNCHANGED,)), Truth((mined,), (mined,), SCOPE), patient="p")
    assert [(item.right, item.change_known) for item in one.drafted] == [(True, False)]


def test_the_examples_are_radfacts(make):
    result = result_of(make, [(ILL, (RIGHT, HISTORY)), (WELL, None)])
    first, second = json.loads(json.dumps(list(result.examples)))
    assert [phrase.text for phrase in read_phrases(first["prediction"])] == [RIGHT.text, HISTORY.text]
    (target,) = read_phrases(first["target"])
    assert (target.text, target.boxes) == ("Right nodule, new.", (HERE,))
    assert second["prediction"] == []  # a failed draft predicts nothing: it is not left out
    assert [phrase.text for phrase in read_phrases(second["target"])] == ["No nodule."]


def test_intervals_are_by_patient():
    drafted = [[True], [False]] * 20
    spread = score(drafted, drafted, [str(n) for n in range(40)], seed=0).precision
    lumped = score(drafted, drafted, ["a", "b"] * 20, seed=0).precision
    assert lumped.ci95 == (0.0, 1.0)  # two patients, one always right
    assert spread.ci95[1] - spread.ci95[0] < 0.4


def test_simulated_truths_hold_together():
    made = list(simulated_reports(n=6, seed=3))
    assert len({len(one.trial.lesions) for one in made}) > 1
    for one in made:
        lesions = [claim for claim in one.truth.expected if claim.polarity is Polarity.PRESENT]
        assert [claim.boxes[0] for claim in lesions] == [lesion.box for lesion in one.trial.lesions]
        for claim in lesions:
            assert (claim.laterality is Laterality.RIGHT) == (claim.boxes[0].center[0] < 0.5)
        assert set(one.truth.expected) <= set(one.truth.evidence)
        assert bool(lesions) != (one.truth.expected[0].polarity is Polarity.ABSENT)
