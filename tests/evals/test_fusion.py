"""Cases, answers, arms and figures, with a scripted model whose behaviour is known and figures counted by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from cases.draft import FailureKind
from cases.study import InputName
from evals.fusion import ALL, Arm, FusionResult, Scenario, run
from evals.fusion_answers import Answered, drafted_answer, fused, late_log_odds, read_answer
from evals.fusion_cases import SIZE_BEFORE, Notes, phantom_cases, real_cases
from evals.fusion_figures import Judgement, differences, figures, helps
from evals.rate import Figure
from grounding.box import Box
from grounding.report import GroundedSentence, Laterality, Polarity, Progression

LEFT, RIGHT = frozenset({Laterality.LEFT}), frozenset({Laterality.RIGHT})
IMAGE, NOTES, INDICATION = InputName.CURRENT_IMAGE, InputName.PRIOR_NOTES, InputName.INDICATION


@pytest.fixture(scope="module")
def phantoms():
    return tuple(phantom_cases(n=12, seed=3))


# -- cases


def assert_told(case):
    """What a case's notes say, read by the project's rules, against its truth."""
    truthful, wrong = (read_answer(case, ALL, notes) for notes in Notes)
    before = case.history not in (Progression.NEW, Progression.NOT_STATED)
    assert truthful.stated is before
    if case.present and before:
        assert truthful.sides == case.sides
        low, high = SIZE_BEFORE[case.history]
        ratio = truthful.size_mm / case.trial.lesions[0].diameter_mm
        assert low - 0.06 < ratio < high + 0.06  # notes give whole millimetres
    # A misleading note never names the side of a lesion that is there, and always a lesion where there is none.
    assert wrong.stated or case.present
    assert not wrong.sides & case.sides
    assert case.history is not Progression.NEW or wrong.stated
    assert case.history is not Progression.RESOLVED or wrong.sides != truthful.sides


def test_half_of_the_cases_have_a_lesion_and_notes_say_what_they_should(phantoms):
    assert [case.present for case in phantoms] == [True, False] * 6
    assert len({case.trial.patient for case in phantoms}) == 12
    assert all((case.history in (Progression.RESOLVED, Progression.NOT_STATED)) != case.present for case in phantoms)
    for case in phantoms:
        assert_told(case)


def test_the_same_seed_gives_the_same_cases(phantoms):
    (again,) = phantom_cases(n=1, seed=3)
    assert np.array_equal(again.trial.pixels, phantoms[0].trial.pixels)
    assert (again.truthful, again.wrong) == (phantoms[0].truthful, phantoms[0].wrong)


@pytest.mark.nih
def test_real_backgrounds_are_of_as_many_patients(nih):
    made = list(real_cases(nih, n=6, seed=2))
    assert [case.present for case in made] == [True, False] * 3
    assert len({case.trial.patient for case in made}) == 6
    for case in made:
        assert_told(case)


@pytest.mark.parametrize("inputs", [frozenset(), ALL, frozenset({IMAGE}), ALL - {NOTES}, ALL - {INDICATION}])
def test_what_is_not_given_is_removed_and_said_to_be(phantoms, inputs):
    shown = phantoms[0].shown(inputs, Notes.TRUTHFUL)
    assert {state.name for state in shown.inputs if state.present} == inputs
    assert bool(shown.notes) is (NOTES in inputs)
    assert (shown.indication is not None) is (INDICATION in inputs)


# -- answers


@pytest.mark.parametrize(
    ("sentences", "stated", "sides", "change"),
    [
        ([], False, frozenset(), Progression.NOT_STATED),  # "The lungs are clear."
        ([{"finding": "nodule", "laterality": Laterality.LEFT}], True, LEFT, Progression.NOT_STATED),
        (
            [{"finding": "mass", "laterality": Laterality.RIGHT, "progression": Progression.NEW}],
            True,
            RIGHT,
            Progression.NEW,
        ),
        # an earlier one is gone, and nothing else is there
        (
            [{"finding": "nodule", "polarity": Polarity.ABSENT, "progression": Progression.RESOLVED}],
            False,
            frozenset(),
            Progression.RESOLVED,
        ),
        # one is gone, another has come: the change is that of the one that is there
        (
            [
                {"finding": "nodule", "polarity": Polarity.ABSENT, "progression": Progression.RESOLVED},
                {"finding": "nodule", "laterality": Laterality.LEFT, "progression": Progression.NEW},
            ],
            True,
            LEFT,
            Progression.NEW,
        ),
        (
            [{"finding": "nodule", "polarity": Polarity.UNCERTAIN}],
            True,
            frozenset(),
            Progression.NOT_STATED,
        ),  # suspected
        ([{"finding": "effusion", "laterality": Laterality.LEFT}], False, frozenset(), Progression.NOT_STATED),
        (
            [{"finding": "nodule", "progression": Progression.NOT_COMPARABLE, "laterality": Laterality.BILATERAL}],
            True,
            frozenset(),
            Progression.NOT_STATED,
        ),
    ],
)
def test_what_a_draft_states(make, sentences, stated, sides, change):
    found = drafted_answer(make.drafted(*(GroundedSentence(f"Words {n}.", **one) for n, one in enumerate(sentences))))
    assert (found.stated, found.sides, found.change) == (stated, sides, change)


def test_a_failed_draft_states_nothing_and_is_known_as_failed(make):
    found = drafted_answer(make.failed(FailureKind.PARSE))
    assert not found.understood and not found.stated


def test_the_size_of_a_box_is_that_of_its_longer_side(make):
    found = drafted_answer(make.boxed(Box(0.1, 0.1, 0.14, 0.18)))
    assert found.size_mm == pytest.approx(0.08 * 375)


def test_no_note_is_no_denial(phantoms):
    assert read_answer(phantoms[0], frozenset({IMAGE}), Notes.TRUTHFUL).score == 0.0


SEEN, UNSEEN = Answered(True, LEFT, score=2.0, size_mm=20.0), Answered(False, score=-2.0)
NAMED, DENIED, NO_NOTE = (
    Answered(True, RIGHT, score=1.0, size_mm=20.0),
    Answered(False, score=-1.0),
    Answered(False, score=0.0),
)


@pytest.mark.parametrize(
    ("image", "note", "odds", "stated", "sides", "change"),
    [
        (SEEN, NAMED, 3.0, True, LEFT, Progression.STABLE),  # the image places it
        (SEEN, DENIED, 1.0, True, LEFT, Progression.NEW),
        (SEEN, NO_NOTE, 1.0, True, LEFT, Progression.NOT_STATED),  # nothing to compare with
        (UNSEEN, NAMED, 0.5, True, RIGHT, Progression.STABLE),  # the note alone tips it, and places it
        (UNSEEN, NAMED, -0.5, False, frozenset(), Progression.RESOLVED),
        (UNSEEN, DENIED, -3.0, False, frozenset(), Progression.NOT_STATED),
        (SEEN, NAMED, None, False, frozenset(), Progression.NOT_STATED),  # nothing to learn the weights from
        (Answered(True, LEFT, size_mm=30.0), NAMED, 1.0, True, LEFT, Progression.WORSE),  # 1.5 times
        (Answered(True, LEFT, size_mm=13.0), NAMED, 1.0, True, LEFT, Progression.IMPROVED),  # 0.65 times
    ],
)
def test_late_fusion_in_words(image, note, odds, stated, sides, change):
    found = fused(image, note, log_odds=odds)
    assert (found.stated, found.sides, found.change, found.score) == (stated, sides, change, odds)


def two(image, note):
    return Answered(False, score=image), Answered(False, score=note)


def test_the_weights_come_from_other_patients():
    # Image and note are dice; only remembering a patient's own row could tell. One patient has all rows but ten.
    random = np.random.default_rng(1)
    truth = random.random(200) < 0.5
    rows = [two(*random.normal(size=2)) for _ in truth]
    odds = np.array(late_log_odds(rows, rows, truth, patients=[str(n) for n in range(200)]), dtype=float)
    assert 0.35 < ((odds > 0) == truth).mean() < 0.65


def test_late_fusion_follows_what_it_was_taught_to_trust():
    truth = [True, False] * 20
    taught = [two(0.0, 1.0 if there else -1.0) for there in truth]  # the note knew
    met = [two(0.0, -1.0 if there else 1.0) for there in truth]  # now it lies
    odds = late_log_odds(taught, met, truth, patients=[str(n) for n in range(40)])
    assert all((value > 0) is not there for value, there in zip(odds, truth, strict=True))


def test_a_missing_score_says_neither_yes_nor_no():
    truth = [True, False] * 20
    taught = [two(1.0 if there else -1.0, 0.0) for there in truth]
    met = [two(None, 0.0) for _ in truth]
    odds = late_log_odds(taught, met, truth, patients=[str(n) for n in range(40)])
    assert np.abs(odds).max() < 0.5


def test_no_patient_teaches_the_weights_that_judge_them():
    # In patient "a" a high score means a lesion, in patient "b" none: each is judged by the other's rule, and wrongly.
    truth = [True, False] * 20
    rows = [two((1.0 if there else -1.0) * (1 if n < 20 else -1), 0.0) for n, there in enumerate(truth)]
    odds = late_log_odds(rows, rows, truth, patients=["a"] * 20 + ["b"] * 20)
    assert all((value > 0) is not there for value, there in zip(odds, truth, strict=True))


def test_one_patient_teaches_nobody():
    rows = [two(1.0, 1.0), two(-1.0, -1.0)]
    assert late_log_odds(rows, rows, [True, False], patients=["a", "a"]) == [None, None]


# -- figures, by hand


def judgement(patient, *, present, stated, score, change=None, found=0, false=0, missed=0):
    return Judgement(patient, present, stated, score, change, found, false, missed)


FOUR = (
    judgement("a", present=True, stated=True, score=2.0, change=True, found=1),
    judgement("b", present=True, stated=False, score=0.5, change=False, missed=1),
    judgement("c", present=False, stated=True, score=0.5, false=1),
    judgement("d", present=False, stated=False, score=-1.0),
)


def test_the_four_figures():
    found = {name: (one.value, one.n) for name, one in figures(FOUR, seed=0).items()}
    # Pairs: 2.0 beats both, 0.5 ties once and wins once: 3.5 of 4. F1: 2 * 1 / (2 * 1 + 1 + 1).
    assert found == {"auc": (0.875, 4), "accuracy": (0.5, 4), "change": (0.5, 2), "finding_f1": (0.5, 4)}


def test_all_or_none_has_the_interval_of_so_many_patients():
    rows = [judgement(str(n // 2), present=n % 4 < 2, stated=True, score=float(n % 4 < 2)) for n in range(40)]
    found = figures(rows, seed=0)
    assert found["auc"].as_dict() == {"value": 1.0, "ci95": None, "n": 40}
    none = figures([judgement(str(n // 2), present=True, stated=False, score=None) for n in range(40)], seed=0)
    assert none["accuracy"].ci95 == pytest.approx((0.0, 0.1611), abs=1e-4)  # Wilson, 0 of 20 patients
    assert none["accuracy"].n == 40


def test_what_cannot_be_judged_is_not_measured():
    unscored = [judgement("a", present=True, stated=True, score=None), FOUR[3]]
    found = figures(unscored, seed=0)
    assert found["auc"].value is None and found["change"].value is None
    assert figures([], seed=0)["accuracy"].value is None
    assert differences(unscored, unscored, seed=0)["auc"].as_dict() == {"value": None, "ci95": None, "n": 0}


def test_a_difference_is_paired():
    # 30 patients, the second answer right exactly where the first is: no spread at all in the difference.
    rows = [judgement(str(n), present=n % 2 == 0, stated=n % 3 == 0, score=float(n % 7)) for n in range(30)]
    assert all(one.ci95 == (0.0, 0.0) for one in differences(rows, rows, seed=1).values() if one.value is not None)
    with pytest.raises(ValueError, match="same cases"):
        differences(rows, rows[::-1], seed=1)


@pytest.mark.parametrize(
    ("figure", "word"),
    [
        (Figure(0.1, (0.02, 0.2), 9), "helps"),
        (Figure(-0.1, (-0.2, -0.02), 9), "harms"),
        (Figure(0.1, (0.0, 0.2), 9), "not shown"),  # zero is not excluded
        (Figure(0.1, None, 9), "not shown"),
        (Figure(None, None, 0), "not measured"),
    ],
)
def test_what_a_difference_shows(figure, word):
    assert helps(figure) == word


# -- all of it


class Scripted:
    """A model that sees every lesion, and believes notes only where it has no image; or one that believes any note."""

    def __init__(self, make, cases, *, gullible=False):
        self.make, self.gullible = make, gullible
        self.truth = {case.trial.case.case_id: case for case in cases}
        self.asked = []

    def _believed(self, shown):
        case = self.truth[shown.case_id]
        present = {state.name for state in shown.inputs if state.present}
        named = any(" mm" in note.text for note in shown.notes)  # every mention gives a size, no denial does
        if self.gullible and shown.notes:
            return named, case
        return (case.present if IMAGE in present else named), case

    def draft(self, shown, *, pixels):
        self.asked.append((shown.case_id, frozenset(s.name for s in shown.inputs if s.present)))
        there, case = self._believed(shown)
        if not there:
            return self.make.drafted()
        side = next(iter(case.sides), Laterality.LEFT)
        return self.make.drafted(GroundedSentence("Nodule.", finding="nodule", laterality=side))

    def score(self, shown, pixels):
        return 3.0 if self._believed(shown)[0] else -3.0


def value(result: FusionResult, scenario, arm, name):
    return figures(result.judged(scenario, arm), seed=0)[name].value


def ran(make, cases, **how):
    model = Scripted(make, cases, **how)
    return run(iter(cases), ground="simulated", draft=model.draft, score=model.score, seed=1), model


def test_a_model_that_sees_keeps_to_the_image(make, phantoms):
    result, model = ran(make, phantoms)
    for scenario in (Scenario.COMPLETE, Scenario.WRONG_NOTES, Scenario.NO_NOTES, Scenario.NO_INDICATION):
        assert value(result, scenario, Arm.JOINT, "auc") == 1.0
        assert value(result, scenario, Arm.JOINT, "finding_f1") == 1.0
    assert value(result, Scenario.NO_IMAGE, Arm.IMAGE_ONLY, "auc") == 0.5  # nothing is known of anybody
    assert value(result, Scenario.WRONG_NOTES, Arm.NOTES_READ, "accuracy") < 0.5
    assert len(model.asked) == 10 * len(phantoms)  # each question once: ten sets of inputs and notes a case
    assert result.faults.attempted == 10 * len(phantoms)


def test_a_gullible_model_is_harmed_by_wrong_notes(make, phantoms):
    result, _ = ran(make, phantoms, gullible=True)
    told = result.as_dict()["scenarios"]
    assert told["wrong_notes"]["context_helps"]["joint_minus_image_only"]["auc"] == "harms"
    assert told["wrong_notes"]["differences"]["joint_minus_image_only"]["auc"]["n"] == len(phantoms)
    assert told["no_notes"]["differences"]["joint_minus_image_only"]["auc"]["value"] == 0.0
    assert set(told) == {scenario.value for scenario in Scenario}
    assert set(told["complete"]["arms"]) == {arm.value for arm in Arm}
    assert set(told["complete"]["arms"]["joint"]) == {"auc", "accuracy", "change", "finding_f1"}
    # The change is judged on truthful notes only, and where there was something to change.
    judged = sum(case.history is not Progression.NOT_STATED for case in phantoms)
    assert told["complete"]["arms"]["joint"]["change"]["n"] == judged
    assert told["wrong_notes"]["arms"]["joint"]["change"]["n"] == 0


def test_one_missing_takes_one_input_of_each_case(make, phantoms):
    result, model = ran(make, phantoms)
    assert {len(inputs) for _, inputs in model.asked} == {0, 1, 2, 3}
    accuracies = [
        value(result, Scenario.ONE_MISSING, Arm.JOINT, "accuracy"),
        value(result, Scenario.NO_IMAGE, Arm.JOINT, "accuracy"),
    ]
    assert accuracies[1] <= accuracies[0] <= 1.0


def test_late_fusion_leans_on_the_note_where_there_is_no_image(make, phantoms):
    result, _ = ran(make, phantoms)
    stated = [one.stated for one in result.answers[Scenario.NO_IMAGE][Arm.LATE_READ]]
    named = [one.stated for one in result.answers[Scenario.NO_IMAGE][Arm.NOTES_READ]]
    assert any(stated)  # no picture is no denial
    assert np.mean(np.array(stated) == np.array(named)) > 0.7


def test_without_scores_areas_are_not_measured(make, phantoms):
    model = Scripted(make, phantoms)
    result = run(iter(phantoms[:6]), ground="simulated", draft=model.draft, score=None, seed=1)
    assert value(result, Scenario.COMPLETE, Arm.JOINT, "auc") is None
    assert value(result, Scenario.COMPLETE, Arm.JOINT, "accuracy") == 1.0


def test_no_cases_is_nothing_measured():
    told = run(iter(()), ground="real", draft=SimpleNamespace(), score=None, seed=1).as_dict()
    assert told["n_cases"] == 0 and told["model"] is None
    assert told["scenarios"]["complete"]["arms"]["late_fusion"]["finding_f1"] == {"value": None, "ci95": None, "n": 0}
