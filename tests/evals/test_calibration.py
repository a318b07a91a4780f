"""One whole run on sentences whose truth is written down, and how sentences of a draft are judged."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from evals.calibration import CalibrationResult, in_fit_half, run
from evals.calibration_cases import Judged, drafted_cases, is_right, judged_sentences
from evals.claim import Claim
from evals.report_trials import ReportTrial, Truth
from grounding.box import Box
from grounding.findings import Finding
from grounding.report import GroundedSentence, Laterality, Polarity
from vlm.calibration_file import Source
from vlm.raw_scores import Method

NOW = datetime(2026, 1, 1, tzinfo=UTC)
THERE = Box(0.2, 0.2, 0.4, 0.4)
TRUTH = Truth(
    (Claim(Finding.NODULE, Polarity.PRESENT, Laterality.RIGHT, boxes=(THERE,)),),
    (
        Claim(Finding.NODULE, Polarity.PRESENT, Laterality.RIGHT, boxes=(THERE,)),
        Claim(Finding.NODULE, Polarity.ABSENT, Laterality.LEFT),
    ),
    frozenset({"lesion"}),
)


def cases(count, *, seed):
    """Two sentences a patient; the sequence score is half of the log-odds, the yes_no score knows nothing."""
    random = np.random.default_rng(seed)
    for number in range(count):
        sentences = []
        for kind in ("lesion present", "lesion absent"):
            score = float(random.normal(0.5, 1.2))
            right = bool(random.random() < 1 / (1 + np.exp(-2 * score)))
            scores = ((Method.SEQUENCE, score), (Method.YES_NO, float(random.normal())), (Method.BOX, None))
            sentences.append(Judged(f"p{number}", f"d{number}", kind, right, kind.endswith("present"), scores))
        yield tuple(sentences)


@pytest.fixture(scope="module")
def result(make) -> CalibrationResult:
    return run(cases(300, seed=5), model=make.model, alpha=0.1, seed=1, source="written down")


@pytest.fixture(scope="module")
def told(result):
    return result.as_dict()


def test_a_run_finds_what_knows_and_keeps_its_promise(told):
    assert told["chosen"]["method"] == "sequence"
    best, noise = (told["methods"][name] for name in ("sequence", "yes_no"))
    assert best["ece"]["value"] < 0.1
    assert best["brier"]["value"] < noise["brier"]["value"] - 0.05
    assert best["auc"]["value"] > 0.8
    assert told["methods"]["samples"] == {"scored": False}
    assert told["boxed_only"]["sequence"]["n"] == 300
    rule = told["conformal"]
    assert rule["drafts_with_wrong_accepted"]["value"] <= 0.1 + 0.1  # alpha, and what so few drafts leave open
    assert 0.0 < rule["accepted"]["value"] < 1.0
    assert rule["wrong_among_accepted"]["value"] < 1 - best["right"]["value"]
    assert rule["wrong_put_to_review"]["value"] > 0.5
    json.dumps(told, allow_nan=False)


def test_halves_share_no_patient_and_the_judge_half_is_not_fitted_on(result, make):
    fit, judge = ({one.patient for one in half} for half in (result.fit, result.judge))
    assert not fit & judge
    assert len(fit) == pytest.approx(150, abs=40)
    assert all(in_fit_half(name, seed=1) for name in fit)
    turned = [
        tuple(
            one if in_fit_half(one.patient, seed=1) else dataclasses.replace(one, right=not one.right) for one in pair
        )
        for pair in cases(300, seed=5)
    ]
    other = run(turned, model=make.model, alpha=0.1, seed=1, source="the judge half upside down")
    assert (other.found, other.fitted) == (result.found, result.fitted)
    assert other.ece.value > 0.2


def test_the_product_is_fitted_on_all_with_the_error_of_the_judge_half(result, told):
    whole = result.calibration(made=NOW)
    assert (whole.sentences, whole.patients, whole.source) == (600, 300, Source.SIMULATED)
    assert whole.ece == result.ece
    assert whole.ece.value == told["methods"]["sequence"]["ece"]["value"]
    assert (whole.revision, whole.method) == (result.model.revision, Method.SEQUENCE)
    half = result.halves_calibration(made=NOW)
    assert half.sentences == len(result.fit)
    assert half.curves != whole.curves
    assert whole.rule.patients > half.rule.patients


@pytest.mark.parametrize("count", [0, 1, 6])
def test_too_few_sentences_calibrate_nothing(count, make):
    result = run(cases(count, seed=0), model=make.model, alpha=0.1, seed=0, source="few")
    assert result.calibration(made=NOW) is None
    assert result.halves_calibration(made=NOW) is None
    told = result.as_dict()
    assert told["not_calibrated"]["n"] == told["n_judge"]
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "boxes", "right"),
    [
        ("Nodule in the right upper zone.", (Box(0.2, 0.2, 0.4, 0.4),), True),
        ("Mass in the right upper zone, new.", (), True),  # nodule or mass, and whatever change: not part of it
        ("Nodule in the right upper zone.", (Box(0.6, 0.6, 0.8, 0.8),), False),  # the box lies elsewhere
        ("Nodule in the left upper zone.", (), False),  # the other side
        ("No focal nodule or mass.", (), False),
        ("No nodule in the left lung.", (), True),
        ("Pleural effusion.", (), None),  # nobody knows the truth
        ("Possible nodule in the right lung.", (), None),  # hedged
        ("History of lung cancer.", (), None),
    ],
)
def test_what_is_right(text, boxes, right):
    assert is_right(GroundedSentence(text, boxes=boxes), TRUTH, patient="p") is right


def test_only_judged_sentences_are_kept_with_their_scores(make):
    box = (Box(0.2, 0.2, 0.4, 0.4),)
    draft = make.drafted(
        GroundedSentence("Former smoker."),
        GroundedSentence("Nodule in the right upper zone.", finding="nodule", boxes=box),
        scores=(0.5,),
    )
    one = ReportTrial(make.trial(patient="p9", case_id="c9"), TRUTH)
    (kept,) = judged_sentences(draft.report, one, {Method.SEQUENCE: (None, -0.5)})
    assert (kept.patient, kept.draft, kept.kind) == ("p9", "c9", "lesion present")
    assert (kept.right, kept.boxed, kept.score(Method.SEQUENCE), kept.score(Method.BOX)) == (True, True, -0.5, None)


def test_a_failed_draft_is_never_scored(make):
    from cases.draft import FailureKind

    one = ReportTrial(make.trial(), TRUTH)
    told = make.told({"c": make.failed(FailureKind.PARSE)})
    (drafted,) = drafted_cases([one], draft=told, score=lambda trial, draft: pytest.fail("scored"))
    assert drafted.judged == ()
