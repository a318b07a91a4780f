"""Words, curves and the conformal rule: by hand, and as properties that hold for any numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.confidence import (
    ACCEPT_ALL,
    ACCEPT_NOTHING,
    Calibrator,
    Confidence,
    ConfidenceSet,
    ConformalRule,
    Knot,
    confidence_word,
    conformal_rule,
)

CURVE = Calibrator((Knot(-1.0, -2.0), Knot(0.0, 0.0), Knot(3.0, 1.0)))
PROBABILITIES = st.floats(0.001, 0.999)


@pytest.mark.parametrize(
    ("probability", "word"),
    [
        (1.0, "very likely"),
        (0.9, "very likely"),  # each bound belongs to its word
        (0.8999, "likely"),
        (0.66, "likely"),
        (0.6599, "possible"),
        (0.33, "possible"),
        (0.3299, "unlikely"),
        (0.0, "unlikely"),
    ],
)
def test_words_and_their_bounds(probability, word):
    assert confidence_word(probability) == word


@pytest.mark.parametrize("probability", [-0.01, 1.01, float("nan")])
def test_no_word_for_what_is_no_probability(probability):
    with pytest.raises(ValueError, match="between 0 and 1"):
        confidence_word(probability)


@pytest.mark.parametrize(
    ("raw", "log_odds"),
    [
        (-50.0, -2.0),  # flat below the first knot: no less sure than what was seen
        (-1.0, -2.0),
        (-0.5, -1.0),  # half way
        (0.0, 0.0),
        (1.5, 0.5),
        (3.0, 1.0),
        (50.0, 1.0),  # flat above the last
    ],
)
def test_a_curve_by_hand(raw, log_odds):
    assert CURVE.probability(raw) == pytest.approx(1 / (1 + math.exp(-log_odds)), abs=1e-12)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_higher_score_never_means_less(one, other):
    low, high = sorted((one, other))
    assert 0.0 < CURVE.probability(low) <= CURVE.probability(high) < 1.0


@pytest.mark.parametrize(
    "knots",
    [
        (),  # no curve
        (Knot(0.0, float("nan")),),
        (Knot(float("inf"), 0.0),),
        (Knot(0.0, 17.0),),  # surer than any fit can be
        (Knot(0.0, 0.0), Knot(0.0, 1.0)),  # two answers for one score
        (Knot(0.0, 1.0), Knot(1.0, 0.0)),  # higher scores would mean less
    ],
)
def test_what_is_no_curve(knots):
    with pytest.raises(ValueError, match="calibrator"):
        Calibrator(knots)


@pytest.mark.parametrize(
    ("worst", "alpha", "threshold"),
    [
        ([], 0.1, ACCEPT_NOTHING),  # nothing known: nothing is accepted
        ([None] * 8, 0.1, ACCEPT_NOTHING),  # 8 drafts cannot bear out 10 %, even without a wrong sentence
        ([None] * 9, 0.1, ACCEPT_ALL),  # 9 can: k = ceil(10 * 0.9) = 9
        ([None] * 8 + [0.7], 0.1, 0.7),  # the 9th smallest of 9
        ([None] * 10 + [0.6, 0.7], 0.25, ACCEPT_ALL),  # k = ceil(13 * 0.75) = 10: the 10th smallest has no wrong one
        ([0.9, 0.5, 0.8, 0.6], 0.4, 0.8),  # k = ceil(5 * 0.6) = 3
    ],
)
def test_thresholds_by_hand(worst, alpha, threshold):
    rule = conformal_rule([[one] for one in worst], alpha=alpha)
    assert (rule.threshold, rule.patients) == (threshold, len(worst))


def test_a_patients_drafts_share_one_loss():
    """Three patients, alpha 0.5: (n R + 1) / 4 at most 0.5, so that the losses may sum to 1."""
    worst = [[0.9, 0.8, None], [0.7], [None, None]]
    # above 0.7: 2/3 of the first patient's drafts; above 0: 2/3 + 1
    assert conformal_rule(worst, alpha=0.5).threshold == 0.7
    assert conformal_rule([*worst, []], alpha=0.5).patients == 3  # a patient without a draft says nothing


@given(
    st.lists(st.lists(st.none() | PROBABILITIES, min_size=1, max_size=3), min_size=1, max_size=30),
    st.sampled_from([0.05, 0.1, 0.2, 0.5]),
)
def test_the_guarantee_holds_for_any_exchangeable_patients(worst, alpha):
    """Each patient in turn is the new one, the others set the threshold: the mean loss of all is at most alpha."""
    lost = 0.0
    for index, new in enumerate(worst):
        rule = conformal_rule(worst[:index] + worst[index + 1 :], alpha=alpha)
        missed = [one is not None and rule.needs(one) is ConfidenceSet.ACCEPT for one in new]
        lost += sum(missed) / len(new)
    assert lost <= alpha * len(worst) + 1e-6


def test_what_needs_a_look():
    rule = ConformalRule(0.1, 0.8, 50)
    assert [rule.needs(p).value for p in (0.81, 0.8, 0.2, None)] == ["accept", "review", "review", "review"]
    assert ConformalRule(0.1, ACCEPT_NOTHING, 3).needs(0.9999) is ConfidenceSet.REVIEW
    assert ConformalRule(0.1, ACCEPT_ALL, 30).needs(0.0001) is ConfidenceSet.ACCEPT


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"raw": float("nan")}, "finite"),
        ({"calibrator_id": None}, "names its calibrator"),
        ({"calibrated": None}, "names its calibrator"),
        ({"calibrated": 1.0}, "never certain"),
        ({"missing": ("current_image",)}, "nothing missing"),  # ACCEPT though an input is missing
        ({"calibrated": None, "calibrator_id": None}, "nothing missing"),  # ACCEPT without a probability
    ],
)
def test_what_no_confidence_can_be(given, rule):
    whole = {
        "raw": 0.5,
        "method": "yes_no",
        "calibrated": 0.9,
        "calibrator_id": "yes_no-1",
        "needs": ConfidenceSet.ACCEPT,
    }
    with pytest.raises(ValueError, match=rule):
        Confidence(**(whole | given))


def test_the_word_of_a_confidence():
    assert Confidence(0.5, "yes_no", 0.7, "id", None).word == "likely"
    assert Confidence(0.5, "yes_no", None, None, None).word is None
