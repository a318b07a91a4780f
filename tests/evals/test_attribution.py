"""Attribution's measure on hand-made models whose right and wrong inputs are known, and the words of its cases."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest

from cases.draft import FailureKind
from cases.study import InputName
from dashboard.commands import evaluate_attribution
from evals import attribution_wording as wording
from evals.attribution import run
from evals.attribution_cases import Fact, FactCase, fact_cases
from evals.attribution_seconds import Seconds, Stopwatch, summary
from evals.drafter import product_drafter
from evals.longitudinal_scenes import STUDY_DAY, LongitudinalScene
from evals.scenes import Ground
from evals.trial import Lesion
from grounding.attribution import EvidenceInput
from grounding.box import Box
from grounding.codecs.cells import spell
from grounding.codecs.phrase import Phrase
from grounding.context import read_note
from grounding.findings import Finding
from grounding.placement import letterbox
from grounding.report import GroundedSentence, Laterality, Polarity, Progression, Section
from vlm.backend import Answer, ScoredAnswer
from vlm.coalitions import table
from vlm.registry import embedded_spec

SIDE = 320
LESION = Lesion(Box(0.6, 0.2, 0.7, 0.3), "conspicuous", 20.0)  # image right: the patient's left, upper zone
WHITE, BLACK = 60000, 1000
STUDY_NOW = datetime(2024, 1, 1, tzinfo=UTC)


def picture(*, lesion: bool) -> np.ndarray:
    pixels = np.full((SIDE, SIDE), BLACK, dtype=np.uint16)
    if lesion:
        pixels[64:96, 192:224] = WHITE
    return pixels


@pytest.fixture
def scene():
    bare, shown = picture(lesion=False), picture(lesion=True)
    priors = dict.fromkeys(Progression, bare) | {Progression.RESOLVED: shown}
    return LongitudinalScene(
        scene_id="s",
        ground=Ground.SIMULATED,
        patient="p1",
        view_position="PA",
        now=shown,
        without=bare,
        lesion=LESION,
        priors=priors,
        then_mm={},
        acquired_then=STUDY_DAY.replace(year=2019),
    )


def cases(scene, *, reads_prior=True, seed=0):
    found = fact_cases(scene, reads_prior=reads_prior, random=np.random.default_rng(seed))
    return {one.fact: one for one in found}


class Model:
    """Says what its inputs hold, and scores words by whether it would have said them: one token a character.

    A lesion it sees by the brightest pixel; a cancer or a habit it reads from the prompt. What it would not say costs
    1 nat a character. With `blames_image` it says cancers by the image alone: attribution must then be found wrong.
    """

    def __init__(self, *, blames_image=False, silent=False):
        self.spec = dataclasses.replace(embedded_spec(), prompt="overread-2")
        self.blames_image, self.silent = blames_image, silent

    def answer(self, *, image, prompt, prior=None):
        said = ["Nodule in the left upper zone."] if self._sees(image) else ["No focal nodule or mass."]
        said += [f"History of {organ} cancer." for organ in wording.ORGANS if f"{organ} cancer" in self._told(prompt)]
        said += [f"{habit.capitalize()} smoker." for habit in wording.HABITS if f"smoking {habit}" in prompt]
        phrases = [Phrase(text, (LESION.box,) if "Nodule" in text else ()) for text in said]
        kept = phrases[:1] if self.silent else phrases
        return Answer(spell(kept, placement=letterbox(SIDE, SIDE, side=SIDE)), (), (), False, ())

    def log_probabilities(self, *, image, prompt, continuations, prior=None):
        raise AssertionError

    def answer_log_probabilities(self, asked):
        return tuple(self._scored(one) for one in asked)

    def _scored(self, one):
        would = self.answer(image=one.image, prompt=one.prompt).text
        costs = [0.0] * len(one.answer)
        for found in re.finditer(r"<obj>([^<]+)", one.answer):
            about_cancer = self.blames_image and "cancer" in found[1]
            if (one.image is None) if about_cancer else (found[1] not in would):
                costs[found.start(1) : found.end(1)] = [-1.0] * len(found[1])
        return ScoredAnswer(tuple((index, index + 1) for index in range(len(costs))), tuple(costs))

    @staticmethod
    def _sees(image):
        return image is not None and image.max() > 200

    @staticmethod
    def _told(prompt):
        return re.sub(r"values: .*prior cancer (\w+)", r"\1 cancer", prompt)


def measured(scene, model, **named):
    counter = iter(range(1000))
    draft = product_drafter(model, now=lambda: STUDY_NOW, new_id=lambda: f"d{next(counter)}")
    return run([scene], ground="made by hand", draft=draft, backend=model, seed=0, **named).as_dict()


def test_a_model_that_reads_its_inputs_is_found_right(scene):
    told = measured(scene, Model())
    for fact in (one for one in Fact if not one.joint):
        figures = told["by_fact"][fact.value]
        assert figures["drafted"]["count"] == figures["drafted"]["n"] == 1, fact
        assert figures["remarked"]["top_is_right"]["value"] == 1.0, fact
        assert figures["remarked"]["top_is_most_needed"]["value"] == 1.0, fact
    assert told["alone"]["in_draft"]["top_is_right"] == {"value": 1.0, "ci95": pytest.approx([0.2, 1], abs=0.1), "n": 6}
    assert (told["n_images"], told["n_patients"], told["unmeasured"], told["seed"]) == (1, 1, 0, 0)
    assert told["seconds"]["subsets"] == 32  # five inputs: the embedded family reads an earlier image too
    json.dumps(told)


def test_a_model_that_credits_the_wrong_input_is_found_wrong(scene):
    told = measured(scene, Model(blames_image=True))
    histories = [told["by_fact"][fact.value]["remarked"] for fact in (Fact.NOTE_HISTORY, Fact.VALUE_HISTORY)]
    assert [one["top_is_right"]["value"] for one in histories] == [0.0, 0.0]
    assert [one["top_is_most_needed"]["value"] for one in histories] == [1.0, 1.0]  # wrong, and consistently so
    assert told["by_fact"][Fact.LESION.value]["remarked"]["top_is_right"]["value"] == 1.0
    assert told["alone"]["remarked"]["top_is_right"]["value"] == pytest.approx(2 / 6)


def test_a_fact_that_is_not_drafted_is_counted_and_not_forced(scene):
    told = measured(scene, Model(silent=True))
    smoking = told["by_fact"][Fact.VALUE_SMOKING.value]
    assert (smoking["drafted"]["count"], smoking["drafted"]["n"]) == (0, 1)
    assert smoking["remarked"]["top_is_right"] == {"value": None, "ci95": None, "n": 0}
    assert told["alone"]["remarked"]["top_is_right"]["n"] == 1  # the lesion


def test_failed_drafts_are_counted(scene, make):
    model = Model()
    told = run([scene], ground="g", draft=lambda case, pixels: make.failed(FailureKind.PARSE), backend=model, seed=0)
    assert told.as_dict()["faults"]["unparseable"]["count"] == told.as_dict()["n_cases"] == 9
    assert told.as_dict()["seconds"]["n"] == 0


def test_each_fact_stands_in_one_input_only(scene):
    """By the prompt that each case asks: the word of the fact is there exactly while its input is."""
    for fact, one in cases(scene).items():
        if not one.word:
            continue
        about = table(one.trial.case, pixels=one.trial.rendered, backend=Model())
        everything = frozenset(about.players)
        assert {EvidenceInput.CURRENT_IMAGE, EvidenceInput.CLINICAL_NOTES, fact.known_to} <= everything
        for player in everything:
            assert (one.word in about.asked(everything - {player}, "x").prompt) == (player is not fact.known_to)


def test_a_lesion_stands_in_one_picture_only(scene):
    for fact, one in cases(scene).items():
        assert (one.trial.pixels.max() == WHITE) == (fact in (Fact.LESION, Fact.COMPARED_LESION))
        prior = one.trial.prior_pixels
        assert (prior is not None and prior.max() == WHITE) == (fact is Fact.PRIOR_LESION)
        assert bool(one.trial.lesions) == (one.trial.pixels.max() == WHITE)


def test_a_model_that_reads_no_prior_image_is_given_none(scene):
    found = cases(scene, reads_prior=False)
    assert Fact.PRIOR_LESION not in found
    assert all(one.trial.case.prior_image is None for one in found.values())
    given = cases(scene)[Fact.NOTE_HISTORY].trial.case
    assert all(state.present for state in given.inputs)
    assert {state.name for state in given.inputs} == set(InputName)


def stated(text, **facts):
    return GroundedSentence(text, **facts)


BREAST = FactCase(Fact.NOTE_HISTORY, None, "breast")
FORMER = FactCase(Fact.VALUE_SMOKING, None, "former")
GONE = FactCase(Fact.REPORT_LESION, None, "", "left")
PAST = {"finding": "malignancy", "section": Section.HISTORY}
RESOLVED = {"finding": "nodule", "polarity": Polarity.ABSENT, "progression": Progression.RESOLVED}

# case, drafted sentence -> whether it states the fact
STATES = [
    (BREAST, stated("History of breast cancer.", **PAST), True),
    (BREAST, stated("History of cancer.", **PAST), True),  # unnamed is not another
    (BREAST, stated("History of skin cancer.", **PAST), False),
    (BREAST, stated("Mass in the breast.", finding="mass"), False),
    (FORMER, stated("Former smoker.", finding="smoking"), True),
    (FORMER, stated("Current smoker.", finding="smoking"), False),
    (GONE, stated("The nodule is not seen.", **RESOLVED, laterality=Laterality.LEFT), True),
    (GONE, stated("The nodule is not seen.", **RESOLVED, laterality=Laterality.RIGHT), False),
    (GONE, stated("No nodule.", finding="nodule", polarity=Polarity.ABSENT, laterality=Laterality.LEFT), False),
]


@pytest.mark.parametrize(("case", "sentence", "states"), STATES)
def test_which_sentence_states_a_fact(case, sentence, states):
    assert case.states(sentence) is states


@pytest.mark.parametrize(
    ("box", "facts", "states"),
    [
        (LESION.box, {"finding": "nodule"}, True),
        (LESION.box, {"finding": "effusion"}, False),
        (Box(0.3, 0.2, 0.4, 0.3), {"finding": "nodule"}, False),  # points elsewhere
        (None, {"finding": "nodule", "polarity": Polarity.ABSENT}, False),
        (None, {"finding": "nodule"}, False),  # shows no place
    ],
)
def test_a_lesion_is_stated_by_pointing_at_it(scene, box, facts, states):
    sentence = stated("Nodule.", boxes=(box,) if box else (), **facts)
    assert cases(scene)[Fact.LESION].states(sentence) is states


@pytest.mark.parametrize("organ", wording.ORGANS)
def test_a_history_reads_as_one(organ):
    for text in {wording.history(organ, np.random.default_rng(seed)) for seed in range(40)}:
        mentions = [m for one in read_note(text) for m in one.reading.mentions if m.finding is Finding.MALIGNANCY]
        assert mentions, text
        assert all(m.polarity is Polarity.PRESENT for m in mentions)


def test_words_of_no_weight_name_no_lesion_cancer_or_smoking():
    weighty = {Finding.NODULE, Finding.MASS, Finding.MALIGNANCY, Finding.SMOKING}
    for text in (*wording.WEIGHTLESS_NOTES, *wording.WEIGHTLESS_INDICATIONS, *wording.REST):
        found = {m.finding: m.polarity for one in read_note(text) for m in one.reading.mentions}
        assert not {name for name in found if name in weighty and found[name] is not Polarity.ABSENT}, text


def test_the_dearest_cases_are_timed():
    seconds = [Seconds(4, (9.0, 9.0), (9.0, 9.0))] + [Seconds(32, (float(n), 1.0), (1.0, 0.5)) for n in (1, 2, 4)]
    told = summary(seconds)
    assert (told["subsets"], told["n"]) == (32, 3)
    assert told["attribution"] == {"wall_median_s": 2.0, "processor_median_s": 1.0, "wall_most_s": 4.0}
    assert told["both"] == {"wall_median_s": 3.0, "processor_median_s": 1.5, "wall_most_s": 5.0}
    assert summary([])["attribution"]["wall_median_s"] is None


def test_a_lap_is_what_passed_since_the_last():
    watch = Stopwatch()
    sum(range(200_000))
    first, second = watch.lap(), watch.lap()
    assert first[0] > second[0] > 0
    assert first[1] > second[1] >= 0


def test_the_command_needs_a_ground():
    parser = argparse.ArgumentParser()
    evaluate_attribution.add_parsers(parser.add_subparsers())
    given = parser.parse_args(["attribution", "--simulated", "--n", "3", "--seed", "2", "--json"])
    assert (given.n, given.seed, given.simulated, given.cases) == (3, 2, True, None)
    with pytest.raises(SystemExit):
        parser.parse_args(["attribution", "--json"])
