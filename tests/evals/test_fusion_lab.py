import numpy as np
import pytest

from evals.delong import areas
from evals.fusion_cohort import Missing, Sees, draw_cohort, known_area, log_ratio
from evals.fusion_lab import FUSED, MODELS, Arm, Learner, ceilings, fused_scores, judge
from evals.fusion_lab_result import run
from evals.rate import Rate

QUICK = dict.fromkeys(Arm, 0.9)  # a ceiling that no test here looks at


@pytest.fixture(scope="module")
def complete():
    return judge(Learner.LOGISTIC, Missing.NOTHING, n=3000, seed=4)


def test_both_tables_beat_either_and_stay_under_the_ceiling(complete):
    for arm in FUSED:
        for alone in (Arm.IMAGE, Arm.CLINICAL):
            order = list(Arm)
            found = complete.areas.difference(order.index(arm), order.index(alone)).figure
            assert found.ci95[0] > 0.02
        assert complete.area(arm).value < complete.area(Arm.BEST).value < complete.area(Arm.ROUTINE).value
        under = complete.under_ceiling(arm)
        assert under.value == pytest.approx(known_area(Sees.BOTH) - complete.area(arm).value)
        assert under.ci95[0] <= under.value <= under.ci95[1]


def test_models_are_judged_on_patients_they_never_saw():
    # Labels that are dice: whatever a model learnt of its training patients, it knows nothing of the test patients.
    random = np.random.default_rng(0)
    cohort = draw_cohort(1600, random)
    shuffled = cohort.rows(np.ones(1600, bool))
    shuffled.malignant[:] = random.permutation(shuffled.malignant)
    half = np.arange(1600) < 800
    scores = fused_scores(shuffled.rows(half), shuffled.rows(~half), learner=Learner.BOOSTING, seed=0)
    found = areas(np.stack([scores[arm] for arm in MODELS]), shuffled.malignant[~half])
    assert all(0.40 < value < 0.60 for value in found.values)


@pytest.mark.parametrize("learner", list(Learner))
@pytest.mark.parametrize("missing", [Missing.AT_RANDOM, Missing.NOT_AT_RANDOM])
def test_every_model_takes_missing_tables(learner, missing):
    found = judge(learner, missing, n=800, seed=2, ceiling=QUICK)
    assert all(0.6 < found.area(arm).value < 0.97 for arm in Arm)
    assert found.areas.n == 400


def test_the_same_patients_are_tested_whatever_is_missing():
    one, other = (
        judge(Learner.LOGISTIC, m, n=400, seed=3, ceiling=QUICK) for m in (Missing.NOTHING, Missing.AT_RANDOM)
    )
    assert one == judge(Learner.LOGISTIC, Missing.NOTHING, n=400, seed=3, ceiling=QUICK)
    assert (one.areas.positives, one.areas.negatives) == (other.areas.positives, other.areas.negatives)
    assert one.area(Arm.BEST).value > other.area(Arm.BEST).value


def test_ceilings_of_single_tables_are_only_given_where_they_are_known():
    assert set(ceilings(Missing.NOTHING)) == set(Arm)
    lab = judge(Learner.LOGISTIC, Missing.AT_RANDOM, n=400, seed=1, ceiling={Arm.EARLY: 0.87})
    assert lab.under_ceiling(Arm.IMAGE).as_dict() == {"value": None, "ci95": None, "n": 0}
    assert lab.under_ceiling(Arm.EARLY).n == 200


def test_the_lab_as_json():
    told = run(n=400, repeats=3, seed=1).as_dict()
    assert told["simulated"] is True and told["n_test"] == 200
    assert set(told["learners"]) == {"logistic", "boosting"}
    for found in told["learners"].values():
        assert set(found) == {"complete", "missing_at_random", "missing_not_at_random"}
        arms, differences = found["complete"]["arms"], found["complete"]["differences"]
        assert set(arms) == {arm.value for arm in Arm}
        gap = arms["hybrid"]["auc"]["value"] - arms["image"]["auc"]["value"]
        assert differences["hybrid_minus_image"]["value"] == pytest.approx(gap)
        assert differences["hybrid_minus_image"]["n"] == 200
    assert told["repeats"]["n"] == 3 and told["repeats"]["arms"]["early"]["auc"]["n"] == 3
    assert told["ceiling"]["both_missing_at_random"] < told["ceiling"]["both"] < told["ceiling"]["routine"]


@pytest.mark.campaign
def test_delongs_interval_holds_the_known_area_as_often_as_it_says():
    # 300 cohorts of a size at which the interval's normal approximation is good: 0.95, give or take 3 standard errors.
    held = [
        low <= known_area(Sees.BOTH) <= high
        for seed in range(300)
        for cohort in [draw_cohort(1500, np.random.default_rng(seed))]
        for low, high in [areas(log_ratio(cohort, Sees.BOTH), cohort.malignant).figure().ci95]
    ]
    assert 0.91 < Rate(sum(held), len(held)).value < 0.985
