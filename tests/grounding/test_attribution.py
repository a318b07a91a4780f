"""Shapley values held against their axioms, against a computation by orders, and against values worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.attribution import Attribution, EvidenceInput, coalitions, in_order, shapley

IMAGE, PRIOR, REPORT, NOTES, VALUES = EvidenceInput
NATS = st.floats(min_value=-400.0, max_value=0.0)
SOME = st.sets(st.sampled_from(EvidenceInput)).map(in_order)


@st.composite
def games(draw):
    """Inputs, and a value for each of their coalitions."""
    inputs = draw(SOME)
    return inputs, {one: draw(NATS) for one in coalitions(inputs)}


@st.composite
def pairs(draw):
    """Two games of the same inputs."""
    inputs, first = draw(games())
    return inputs, first, {one: draw(NATS) for one in first}


def by_orders(inputs, values):
    """Shapley's own definition: what an input adds when it comes, averaged over all orders of coming."""
    gains = dict.fromkeys(inputs, 0.0)
    orders = list(permutations(inputs))
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            gains[player] += (values[before | {player}] - values[before]) / len(orders)
    return [gains[player] for player in inputs]


@given(games())
def test_the_values_are_those_by_all_orders(game):
    inputs, values = game
    assert list(shapley(inputs, values).shapley) == pytest.approx(by_orders(inputs, values), abs=1e-9)


@given(games())
def test_efficiency(game):
    inputs, values = game
    found = shapley(inputs, values)
    assert sum(found.shapley) == pytest.approx(values[frozenset(inputs)] - values[frozenset()], abs=1e-3)
    assert abs(found.residual) <= 1e-3
    assert found.coalitions == 2 ** len(inputs)


@given(games())
def test_symmetry(game):
    """Two inputs that do the same to every set get the same: the values are made equal under a swap of the two."""
    inputs, values = game
    if len(inputs) < 2:
        return
    first, second = inputs[:2]
    swap = {first: second, second: first}
    even = {one: values[one] + values[frozenset(swap.get(x, x) for x in one)] for one in values}
    found = shapley(inputs, even).shapley
    assert found[0] == pytest.approx(found[1], abs=1e-9)


@given(games(), NATS)
def test_dummy(game, gift):
    """An input that adds the same to every set gets just that, and removing it costs just that."""
    inputs, values = game
    if VALUES in inputs:
        return
    wider = {one | extra: values[one] + gift * bool(extra) for one in values for extra in (frozenset(), {VALUES})}
    found = shapley((*inputs, VALUES), {frozenset(one): value for one, value in wider.items()})
    assert found.shapley[-1] == pytest.approx(gift, abs=1e-6)
    assert found.without[-1] == pytest.approx(gift, abs=1e-6)
    assert found.shapley[:-1] == pytest.approx(shapley(inputs, values).shapley, abs=1e-6)


@given(pairs(), st.floats(min_value=-2, max_value=2))
def test_linearity(pair, times):
    inputs, first, second = pair
    summed = {one: times * first[one] + second[one] for one in first}
    expected = [
        times * a + b for a, b in zip(shapley(inputs, first).shapley, shapley(inputs, second).shapley, strict=True)
    ]
    assert list(shapley(inputs, summed).shapley) == pytest.approx(expected, abs=1e-6)


def test_values_by_hand():
    """The sentence needs both (an AND): each gets half, though losing either loses all."""
    values = {frozenset(): -8.0, frozenset({IMAGE}): -8.0, frozenset({REPORT}): -8.0, frozenset({IMAGE, REPORT}): -2.0}
    found = shapley((REPORT, IMAGE), values)
    assert (found.inputs, found.shapley, found.without) == ((IMAGE, REPORT), (3.0, 3.0), (6.0, 6.0))
    assert (found.full, found.empty, found.residual) == (-2.0, -8.0, 0.0)


def test_the_top_input_and_the_one_most_needed():
    """Either is enough (an OR), the notes a little more so: they are top, yet nothing is lost without them."""
    values = {frozenset(): -9.0, frozenset({IMAGE}): -1.5, frozenset({NOTES}): -1.0, frozenset({IMAGE, NOTES}): -1.5}
    found = shapley((IMAGE, NOTES), values)
    assert found.shapley == (3.5, 4.0)
    assert found.top is NOTES
    assert (found.without, found.most_needed) == ((-0.5, 0.0), None)


def test_without_inputs_there_is_nothing_to_attribute():
    found = shapley((), {frozenset(): -3.0})
    assert found == Attribution((), (), (), -3.0, -3.0, 1)
    assert (found.top, found.most_needed) == (None, None)


def test_an_input_that_harms_is_not_the_top():
    assert shapley((PRIOR,), {frozenset(): -1.0, frozenset({PRIOR}): -4.0}).top is None


HALF = {frozenset(): -1.0, frozenset({IMAGE}): -0.5}
REFUSED = [
    ((IMAGE, NOTES), HALF, "2 are missing"),  # half of the coalitions
    ((), HALF, "1 are of other inputs"),  # one too many
    ((NOTES,), HALF, "1 are missing, 1 are of other inputs"),  # of another input
    ((IMAGE,), {**HALF, frozenset(): -math.inf}, "finite"),  # impossible sentences are not measured
    ((IMAGE,), {**HALF, frozenset({IMAGE}): math.nan}, "finite"),
]


@pytest.mark.parametrize(("inputs", "values", "rule"), REFUSED)
def test_what_cannot_be_attributed(inputs, values, rule):
    with pytest.raises(ValueError, match=rule):
        shapley(inputs, values)


GOOD = shapley((IMAGE, NOTES), dict.fromkeys(coalitions((IMAGE, NOTES)), -1.0))
ILLEGAL = [
    ({"inputs": (NOTES, IMAGE)}, "in the order"),
    ({"inputs": (IMAGE, IMAGE)}, "once each"),
    ({"shapley": (0.0,)}, "one Shapley value"),
    ({"without": ()}, "one leave-one-out"),
    ({"full": math.nan}, "finite"),
    ({"without": (math.inf, 0.0)}, "finite"),
    ({"coalitions": 3}, "4 coalitions, not 3"),
    ({"full": -0.99}, "sum to full - empty"),  # a hundredth of a nat is left over
]


@pytest.mark.parametrize(("change", "rule"), ILLEGAL)
def test_an_attribution_refuses_what_is_none(change, rule):
    with pytest.raises(ValueError, match=rule):
        replace(GOOD, **change)


def test_rounding_is_no_fault():
    assert replace(GOOD, full=-1.0 + 9e-4).residual == pytest.approx(9e-4)
