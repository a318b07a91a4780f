import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from evals.rate import Figure, Rate


# By hand, z = 1.959964: centre (p + z2/2n) / (1 + z2/n), half width z sqrt(p q/n + z2/4n2) / (1 + z2/n).
@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (7, 50, 0.069508, 0.261862),  # Newcombe 1998-style small proportion
        (0, 10, 0.0, 0.277533),  # none: upper = z2 / (n + z2)
        (10, 10, 0.722467, 1.0),  # all: lower = n / (n + z2)
        (1, 1, 0.206549, 1.0),  # one of one proves little
    ],
)
def test_wilson_by_hand(count, total, low, high):
    found = Rate(count, total).ci95
    assert found == pytest.approx((low, high), abs=1e-6)


def test_wilson_bound_of_none_by_formula():
    z2 = 1.959963984540054**2
    assert Rate(0, 10).ci95[1] == pytest.approx(z2 / (10 + z2), abs=1e-12)


@settings(deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_agrees_with_a_second_implementation(counts):
    assert Rate(*counts).ci95 == pytest.approx(proportion_confint(*counts, method="wilson"), abs=1e-9)


def test_nothing_counted_is_not_zero():
    assert Rate(0, 0).value is None
    assert Rate(0, 0).ci95 is None
    assert Rate(0, 0).as_dict() == {"value": None, "ci95": None, "n": 0, "count": 0}


@pytest.mark.parametrize(("count", "total"), [(3, 2), (-1, 2), (0, -1)])
def test_refuses_more_than_all_and_less_than_none(count, total):
    with pytest.raises(ValueError, match="0 <= count <= total"):
        Rate(count, total)


@pytest.mark.parametrize(
    ("value", "ci95", "n"),
    [
        (0.5, None, 0),  # measured on nothing
        (None, (0.0, 1.0), 3),  # an interval of nothing
        (math.nan, None, 3),  # not a number
        (0.5, (0.0, math.inf), 3),  # an interval without an end
    ],
)
def test_figure_refuses_what_was_not_measured(value, ci95, n):
    with pytest.raises(ValueError, match=r"measured|finite"):
        Figure(value, ci95, n)


def test_shape_of_a_figure():
    assert Figure(0.5, (0.25, 0.75), 4).as_dict() == {"value": 0.5, "ci95": [0.25, 0.75], "n": 4}
