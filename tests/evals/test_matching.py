import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.matching import deviations_px_1024, distance_px_1024, match, points_at
from grounding.box import Box

LESION = Box(0.40, 0.40, 0.60, 0.60)


@pytest.mark.parametrize(
    ("point", "lesion", "size", "hit"),
    [
        ((0.5, 0.5), LESION, (100, 100), True),  # the middle
        ((0.61, 0.5), LESION, (100, 100), False),  # just beside
        ((0.509, 0.5), Box(0.499, 0.499, 0.501, 0.501), (1024, 1024), True),  # tiny: grown to 20 px, 10 to each side
        ((0.5105, 0.5), Box(0.499, 0.499, 0.501, 0.501), (1024, 1024), False),  # 10.75 px off
        # 512 wide, 1024 high: 20 px of 1024 are 20/512 of the width, 10 px to each side are 0.0195
        ((0.519, 0.5), Box(0.499, 0.499, 0.501, 0.501), (512, 1024), True),
        ((0.5, 0.5105), Box(0.499, 0.499, 0.501, 0.501), (512, 1024), False),  # but 20/1024 of the height
    ],
)
def test_hit_rule(point, lesion, size, hit):
    assert points_at(point, lesion, columns=size[0], rows=size[1]) is hit


def test_a_second_box_on_a_found_lesion_is_false():
    found = match([(0.5, 0.5), (0.45, 0.5)], [LESION], scores=[0.3, 0.9], columns=100, rows=100)
    assert found.found_by == (1,)  # the more probable one, though it is further off
    assert found.finds == (None, 0)


def test_without_scores_the_order_decides():
    found = match([(0.5, 0.5), (0.45, 0.5)], [LESION], scores=None, columns=100, rows=100)
    assert found.finds == (0, None)


def test_a_box_in_two_lesions_takes_the_nearest_and_leaves_the_other():
    other = Box(0.50, 0.40, 0.70, 0.60)
    found = match([(0.58, 0.5), (0.57, 0.5)], [LESION, other], scores=[0.9, 0.8], columns=100, rows=100)
    assert found.found_by == (1, 0)  # 0.58 is nearer to 0.6; the second box then finds the first lesion


def test_scores_must_fit():
    with pytest.raises(ValueError, match="one score a box"):
        match([(0.5, 0.5)], [], scores=[], columns=10, rows=10)


POINTS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), max_size=8)
BOXES = st.lists(
    st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)).map(
        lambda c: Box(c[0] - 0.1, c[1] - 0.1, c[0] + 0.1, c[1] + 0.1)
    ),
    max_size=5,
)


@settings(deadline=None)
@given(POINTS, BOXES, st.floats(0, 1))
def test_the_match_above_a_threshold_is_part_of_the_whole(points, lesions, threshold):
    whole = match([p[:2] for p in points], lesions, scores=[p[2] for p in points], columns=50, rows=70)
    kept = [i for i, p in enumerate(points) if p[2] >= threshold]
    part = match([points[i][:2] for i in kept], lesions, scores=[points[i][2] for i in kept], columns=50, rows=70)
    assert part.finds == tuple(whole.finds[i] for i in kept)


def test_distance_on_a_portrait_image():
    # 500 x 1000: the long side becomes 1024, so half the width is 256 px
    assert distance_px_1024((0.0, 0.5), (0.5, 0.5), columns=500, rows=1000) == 256.0


def test_every_lesion_has_a_deviation():
    lesions = [Box(0.2, 0.2, 0.3, 0.3), Box(0.7, 0.45, 0.8, 0.55)]
    assert deviations_px_1024([], lesions, columns=64, rows=64)[1] == 256.0  # the image centre stands in
    near = deviations_px_1024([(0.25, 0.25), (0.75, 0.25)], lesions, columns=64, rows=64)
    assert near == (0.0, 256.0)  # each to its nearest
