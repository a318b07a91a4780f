"""Fitting and choosing: against written-down truths, independent fits, and parts that must not share a patient."""

from __future__ import annotations

import numpy as np
import pytest

from evals.calibration_cases import Judged
from evals.calibration_fit import (
    FEWEST,
    Candidate,
    Curve,
    candidates,
    chosen,
    fit_curves,
    isotonic,
    parted,
    platt,
    probabilities,
    rule_of,
)
from grounding.confidence import Calibrator, ConfidenceSet, Knot
from vlm.raw_scores import Method

FLAT = {"lesion present": Calibrator((Knot(-10.0, -10.0), Knot(10.0, 10.0)))}  # the log-odds are the score


def judged(number, score, *, right, draft=None, patient=None, kind="lesion present", **others):
    scores = {Method.SEQUENCE: score, **{Method(name): value for name, value in others.items()}}
    return Judged(patient or f"p{number}", draft or f"d{number}", kind, right, False, tuple(scores.items()))


def drawn(count, *, seed, slope=2.0):
    """Sentences whose score is their true log-odds over the slope, and whose yes_no score knows nothing."""
    random = np.random.default_rng(seed)
    scores, noise = random.normal(0, 1.5, count), random.normal(0, 1, count)
    right = random.random(count) < 1 / (1 + np.exp(-slope * scores))
    return [
        judged(n, float(s), right=bool(r), yes_no=float(z))
        for n, (s, r, z) in enumerate(zip(scores, right, noise, strict=True))
    ]


@pytest.mark.parametrize(("fit", "off"), [(platt, 0.03), (isotonic, 0.08)])
def test_a_known_curve_is_found(fit, off):
    every = drawn(4000, seed=1)
    curve = fit(np.array([one.score(Method.SEQUENCE) for one in every]), np.array([float(one.right) for one in every]))
    for score in (-1.5, -0.5, 0.0, 0.5, 1.5):
        assert curve.probability(score) == pytest.approx(1 / (1 + np.exp(-2 * score)), abs=off)


def test_platt_is_logistic_regression_with_platts_targets():
    """Against scikit-learn: each sentence stands once for each outcome, weighted by its smoothed target."""
    from sklearn.linear_model import LogisticRegression

    every = drawn(60, seed=2)
    scores = np.array([one.score(Method.SEQUENCE) for one in every])
    right = np.array([float(one.right) for one in every])
    targets = np.where(right > 0, (right.sum() + 1) / (right.sum() + 2), 1 / ((1 - right).sum() + 2))
    model = LogisticRegression(C=1e9, tol=1e-10).fit(
        np.tile(scores, 2)[:, None], np.repeat([1, 0], 60), sample_weight=np.concatenate([targets, 1 - targets])
    )
    expected = model.predict_proba(scores[:, None])[:, 1]
    curve = platt(scores, right)
    assert [curve.probability(s) for s in scores] == pytest.approx(expected.tolist(), abs=2e-3)


@pytest.mark.parametrize(
    ("scores", "right"),
    [
        ([1.0] * 30, [1.0] * 20 + [0.0] * 10),  # one score for all
        (list(range(30)), [1.0] * 30),  # all right
        (list(range(30)), [0.0] * 30),  # all wrong
        (list(range(30)), [1.0] * 15 + [0.0] * 15),  # the wrong way round: a higher score must not mean less
    ],
)
@pytest.mark.parametrize("fit", [platt, isotonic])
def test_awkward_sentences_still_give_a_curve(fit, scores, right):
    curve = fit(np.array(scores, dtype=np.float64), np.array(right))
    low, high = curve.probability(min(scores)), curve.probability(max(scores))
    share = sum(right) / 30
    assert 0.0 < low <= high < 1.0
    assert low == pytest.approx(share, abs=0.07)


def test_isotonic_levels_by_hand():
    """Levels (0, 1, 0): 1/3 at 1.0, then 1 at 3.5; each with one more sentence of the overall 4/7."""
    curve = isotonic(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 0.0, 1.0, 1.0]))
    levels = [1 / (1 + np.exp(-knot.log_odds)) for knot in curve.knots]
    assert [knot.raw for knot in curve.knots] == [1.0, 3.5]
    assert levels == pytest.approx([(1 + 4 / 7) / 4, (2 + 4 / 7) / 3])


def test_a_kind_with_few_sentences_has_no_curve():
    every = [judged(n, float(n), right=n % 2 == 0) for n in range(FEWEST)]
    every += [judged(n, 0.0, right=True, kind="lesion absent") for n in range(FEWEST - 1)]
    curves = fit_curves(every, method=Method.SEQUENCE, curve=Curve.PLATT)
    assert set(curves) == {"lesion present"}
    assert probabilities(every[-1:], curves, method=Method.SEQUENCE) == [None]
    assert probabilities(every[:1], curves, method=Method.BOX) == [None]  # never asked


def test_the_method_that_knows_is_chosen():
    found = candidates(drawn(300, seed=3), seed=0)
    best = chosen(found)
    assert (best.method, best.curve) == (Method.SEQUENCE, Curve.PLATT)  # the simpler of two as good
    (noise,) = [one for one in found if one.method is Method.YES_NO and one.curve is Curve.PLATT]
    assert noise.brier == pytest.approx(0.25, abs=0.02)
    assert best.brier < noise.brier - 2 * noise.excess_se


def test_a_method_that_leaves_sentences_out_is_not_chosen():
    every = [*drawn(100, seed=4), judged(1000, None, right=True, yes_no=0.0)]
    best = chosen(candidates(every, seed=0))
    assert best.method is Method.YES_NO
    assert chosen(candidates([], seed=0)) is None


@pytest.mark.parametrize(
    ("briers", "first"),
    [
        ([(0.195, 0.01), (0.19, 0.0)], 0),  # within one standard error: the cheaper one
        ([(0.21, 0.01), (0.19, 0.0)], 1),  # beyond it
        ([(None, None), (0.3, 0.0)], 1),
        ([(0.19, 0.0), (0.19, 0.0)], 0),
    ],
)
def test_one_standard_error(briers, first):
    methods = (Method.SEQUENCE, Method.SAMPLES)
    found = [Candidate(m, Curve.PLATT, brier, se) for m, (brier, se) in zip(methods, briers, strict=True)]
    assert chosen(found) is found[first]


def test_a_draft_is_as_bad_as_its_surest_wrong_sentence_and_a_patient_as_the_mean_of_drafts():
    every = [judged(n, 0.0, right=True) for n in range(17)]
    every += [
        judged(20, 1.0, right=False, draft="a", patient="x"),
        judged(21, 2.0, right=False, draft="a", patient="x"),  # the surer of the two
        judged(22, 9.0, right=True, draft="a", patient="x"),  # right: does not count
        judged(23, 5.0, right=False, draft="b", patient="x"),  # the patient's second draft
        judged(24, 0.5, right=False, draft="c", patient="y"),
    ]
    # 19 patients: at 0.05 no loss is allowed, at 0.075 half a patient's, at 0.1 one
    for alpha, score in ((0.05, 5.0), (0.075, 2.0), (0.1, 0.5)):
        rule = rule_of(every, FLAT, method=Method.SEQUENCE, alpha=alpha)
        assert rule.patients == 19
        assert rule.threshold == pytest.approx(1 / (1 + np.exp(-score)))


def test_the_promise_holds_on_average_over_many_sites():
    """300 sites of 40 and 20 patients with two sentences each: alpha of the new drafts are missed, no more."""
    random, missed = np.random.default_rng(6), []
    for _ in range(300):
        every = []
        for number in range(60):
            for score in random.normal(0.5, 1.0, 2):
                is_right = bool(random.random() < 1 / (1 + np.exp(-score)))
                every.append(judged(number, float(score), right=is_right, draft=f"d{number}"))
        rule = rule_of(every[:80], FLAT, method=Method.SEQUENCE, alpha=0.2)
        given = probabilities(every[80:], FLAT, method=Method.SEQUENCE)
        slipped = {
            one.draft
            for one, p in zip(every[80:], given, strict=True)
            if not one.right and rule.needs(p) is ConfidenceSet.ACCEPT
        }
        missed.append(len(slipped) / 20)
    assert 0.15 < np.mean(missed) < 0.2 + 3 * np.std(missed) / np.sqrt(300)


def test_parts_share_no_patient():
    every = [judged(n, 0.0, right=True, patient=f"p{n % 30}") for n in range(90)]
    first, second = parted(every, 0.7, seed=5)
    names = [{one.patient for one in part} for part in (first, second)]
    assert (len(names[0]), len(names[1]), names[0] & names[1]) == (21, 9, set())
    assert len(first) + len(second) == 90
