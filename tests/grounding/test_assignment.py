"""The cheapest pairing, against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from grounding.assignment import assigned

COST = st.one_of(st.integers(0, 3).map(float), st.floats(-50, 50, allow_subnormal=False))  # ties, and none


@st.composite
def tables(draw):
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    return draw(st.lists(st.lists(COST, min_size=columns, max_size=columns), min_size=rows, max_size=rows))


@given(tables())
def test_it_is_as_cheap_as_scipys(costs):
    pairs = assigned(costs)
    table = np.array(costs)
    assert sum(costs[row][column] for row, column in pairs) == pytest.approx(table[linear_sum_assignment(table)].sum())
    assert len(pairs) == min(table.shape)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert list(pairs) == sorted(pairs)


@pytest.mark.parametrize("costs", [[], [[]], [[], []]])
def test_nothing_to_pair(costs):
    assert assigned(costs) == ()


@pytest.mark.parametrize("costs", [[[1.0, 2.0], [1.0]], [[math.nan]], [[math.inf]]])
def test_what_is_no_table_of_costs(costs):
    with pytest.raises(ValueError, match="finite, and as many"):
        assigned(costs)
