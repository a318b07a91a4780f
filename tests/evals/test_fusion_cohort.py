"""The known ceilings are checked by drawing, by Bayes' rule on what was drawn, and by integrating a density."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from evals.delong import areas
from evals.fusion_cohort import (
    ANCHOR,
    COLUMNS,
    FACT_SHARE,
    IMAGE,
    IMAGE_SHIFT,
    PREVALENCE,
    ROUTINE_SHIFT,
    SHIFT_SHARE,
    WITHIN_IMAGE,
    Missing,
    Sees,
    draw_cohort,
    integrated_area,
    known_area,
    log_ratio,
    with_missing,
)


@pytest.fixture(scope="module")
def drawn():
    return draw_cohort(60_000, np.random.default_rng(5), prevalence=0.5)


@pytest.mark.parametrize(
    ("sees", "published"),
    [
        (Sees.IMAGE, ANCHOR["unimodal"]),
        (Sees.CLINICAL, ANCHOR["unimodal"]),
        (Sees.BOTH, ANCHOR["multimodal"]),
        (Sees.ROUTINE, ANCHOR["routine"]),
    ],
)
def test_the_task_has_the_shape_it_says(drawn, sees, published):
    assert known_area(sees) == pytest.approx(published, abs=0.001)
    found = areas(log_ratio(drawn, sees), drawn.malignant)
    assert found.values[0] == pytest.approx(known_area(sees), abs=4 * np.sqrt(found.covariance[0][0]))


def test_the_image_ceiling_by_integrating_the_roc_curve():
    # One number w ~ N(0, d) of benign masses, N(share d, d) of malignant ones; d by the equicorrelated inverse.
    shift, rho, k = np.array(IMAGE_SHIFT), WITHIN_IMAGE, len(IMAGE)
    d = (shift @ shift - rho / (1 + (k - 1) * rho) * shift.sum() ** 2) / (1 - rho)

    def below(w):  # P(benign < w) times the malignant density
        density = sum(
            p * norm.pdf(w, share * d, np.sqrt(d)) for p, share in zip(FACT_SHARE[1], SHIFT_SHARE, strict=True)
        )
        return norm.cdf(w, 0, np.sqrt(d)) * density

    assert known_area(Sees.IMAGE) == pytest.approx(quad(below, -20, 30)[0], abs=1e-7)


@pytest.mark.parametrize("missing", list(Missing))
@pytest.mark.parametrize("sees", [Sees.BOTH, Sees.ROUTINE])
def test_the_ratio_is_what_bayes_rule_says(drawn, missing, sees):
    # At even prevalence the ratio is the odds: patients given 70 % are malignant in 70 %, whatever is missing.
    cohort = with_missing(drawn, missing, np.random.default_rng(6))
    given = 1 / (1 + np.exp(-log_ratio(cohort, sees)))
    groups = [np.ones(cohort.n, bool), np.isnan(cohort.table[:, 0]), np.isnan(cohort.table[:, -1])]
    for group in groups[: 1 if missing is Missing.NOTHING else 3]:
        for low in (0.0, 0.2, 0.4, 0.6, 0.8):
            chosen = group & (given >= low) & (given < low + 0.2)
            error = np.sqrt(0.25 / chosen.sum())
            assert cohort.malignant[chosen].mean() == pytest.approx(given[chosen].mean(), abs=4 * error)


def test_a_ratio_that_ignores_why_a_table_is_missing_is_not_calibrated(drawn):
    # The other half of the check above: it can fail.
    cohort = with_missing(drawn, Missing.NOT_AT_RANDOM, np.random.default_rng(6))
    gone = np.isnan(cohort.table[:, 0])
    blind = log_ratio(drawn, Sees.CLINICAL)[gone]
    given = 1 / (1 + np.exp(-blind))
    assert cohort.malignant[gone].mean() - given.mean() > 0.05


def test_missing_takes_whole_tables_and_never_both(drawn):
    for missing in (Missing.AT_RANDOM, Missing.NOT_AT_RANDOM):
        gone = np.isnan(with_missing(drawn, missing, np.random.default_rng(1)).table)
        no_image, no_clinical = gone[:, : len(IMAGE)], gone[:, len(IMAGE) :]
        assert (no_image.all(axis=1) == no_image.any(axis=1)).all()
        assert (no_clinical.all(axis=1) == no_clinical.any(axis=1)).all()
        assert not (no_image[:, 0] & no_clinical[:, 0]).any()
        assert 0.15 < no_image[:, 0].mean() < 0.35
    assert not np.isnan(drawn.table).any()  # the complete cohort is left as it was


def test_why_it_is_missing_is_as_its_name_says(drawn):
    at, own = (with_missing(drawn, m, np.random.default_rng(2)) for m in (Missing.AT_RANDOM, Missing.NOT_AT_RANDOM))
    shape, age = drawn.table[:, 0], drawn.table[:, len(IMAGE)]
    by_own = np.corrcoef(np.isnan(own.table[:, 0]), shape)[0, 1]
    by_other = np.corrcoef(np.isnan(at.table[:, 0]), age)[0, 1]
    assert min(by_own, by_other) > 0.3


def test_missing_inputs_lower_the_ceiling():
    for sees in (Sees.BOTH, Sees.ROUTINE):
        lower = integrated_area(sees, Missing.AT_RANDOM, draws=40_000).values[0]
        assert lower < known_area(sees) - 0.01


def test_one_table_of_an_incomplete_cohort_has_no_known_best_score(drawn):
    with pytest.raises(ValueError, match="complete inputs only, not missing_at_random"):
        log_ratio(with_missing(drawn, Missing.AT_RANDOM, np.random.default_rng(1)), Sees.IMAGE)


def test_patients_are_as_the_constants_say():
    cohort = draw_cohort(40_000, np.random.default_rng(8))
    assert cohort.table.shape == (40_000, len(COLUMNS))
    assert cohort.malignant.mean() == pytest.approx(PREVALENCE, abs=0.01)
    apart = cohort.routine[cohort.malignant].mean() - cohort.routine[~cohort.malignant].mean()
    assert apart == pytest.approx(ROUTINE_SHIFT, abs=0.05)
    again = draw_cohort(40_000, np.random.default_rng(8))
    assert np.array_equal(cohort.table, again.table)
