import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.spatial import covered_share, spatially_entailed
from grounding.box import Box

GRID = 16


@st.composite
def boxes(draw, least=1):
    made = []
    for _ in range(draw(st.integers(least, 4))):
        x, y = draw(st.integers(0, GRID - 1)), draw(st.integers(0, GRID - 1))
        right, bottom = draw(st.integers(x + 1, GRID)), draw(st.integers(y + 1, GRID))
        made.append(Box(x / GRID, y / GRID, right / GRID, bottom / GRID))
    return made


def mask(drawn):
    """RadFact's way, on a grid on which these boxes lie exactly."""
    cells = np.zeros((GRID, GRID), bool)
    for box in drawn:
        x_min, y_min, x_max, y_max = (round(v * GRID) for v in (box.x_min, box.y_min, box.x_max, box.y_max))
        cells[y_min:y_max, x_min:x_max] = True
    return cells


@settings(max_examples=60, deadline=None)
@given(boxes(), boxes(least=0))
def test_the_share_is_that_of_masks(candidate, evidence):
    drawn, true = mask(candidate), mask(evidence)
    assert covered_share(candidate, evidence) == pytest.approx((drawn & true).sum() / drawn.sum())


@pytest.mark.parametrize(
    ("candidate", "evidence", "entailed"),
    [
        ([Box(0.1, 0.1, 0.2, 0.2)], [Box(0.0, 0.0, 1.0, 1.0)], True),  # small inside large: precision, not IoU
        ([Box(0.0, 0.0, 1.0, 1.0)], [Box(0.1, 0.1, 0.2, 0.2)], False),  # and not the reverse
        ([Box(0.0, 0.0, 0.5, 1.0)], [Box(0.0, 0.0, 0.25, 1.0)], False),  # exactly half is not more than half
        ([Box(0.0, 0.0, 0.5, 1.0)], [Box(0.0, 0.0, 0.2, 1.0), Box(0.2, 0.0, 0.3, 1.0)], True),  # a union of two
        ([Box(0.0, 0.0, 0.5, 1.0)], [], False),
        ([], [Box(0.0, 0.0, 0.5, 1.0)], False),  # nothing drawn shows nothing
    ],
)
def test_the_rule(candidate, evidence, entailed):
    assert spatially_entailed(candidate, evidence) is entailed


def test_a_share_of_nothing():
    with pytest.raises(ValueError, match="at least one candidate"):
        covered_share([], [])
