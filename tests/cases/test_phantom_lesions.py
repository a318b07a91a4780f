"""Inserted lesions: the truth box holds the contrast, its peak is within the range, it lies in a lung."""

from __future__ import annotations

import numpy as np
import pytest

from cases.phantom.lesions import CONTRAST, Lesion, LesionKind, Shape, difference, footprint, place_lesion, tight_box
from cases.phantom.thorax import Anatomy, expose_thorax, project_thorax
from grounding.report import Laterality

DIAMETERS = (10.0, 16.0, 25.0, 40.0)
SIDE = 256


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    return project_thorax(seed=21, side_px=SIDE)


@pytest.fixture(scope="module", params=[0, 1, 2])
def placed(request: pytest.FixtureRequest, anatomy: Anatomy):
    rng = np.random.default_rng(request.param)
    return tuple(place_lesion(anatomy, rng, diameter_mm=size) for size in DIAMETERS)


def test_peak_contrast_measured_on_the_pictures_is_in_range_and_as_stated(anatomy: Anatomy, placed) -> None:
    for one in placed:
        rise = difference(anatomy, one.added_mm)
        peak = float(rise[one.added_mm > 0].max())
        assert CONTRAST[0] <= peak <= CONTRAST[1]
        assert peak == pytest.approx(one.lesion.contrast, abs=1e-6)


def test_the_box_holds_the_inserted_contrast(anatomy: Anatomy, placed) -> None:
    """Difference of two noisy pictures under one seed: what rose, rose inside the box, and the box is no wider."""
    without = expose_thorax(anatomy).pixels
    for one in placed:
        rise = expose_thorax(anatomy, added_mm=one.added_mm).pixels - without
        columns = (np.arange(SIDE) + 0.5) / SIDE
        box = one.lesion.box
        inside = ((columns >= box.x_min) & (columns <= box.x_max))[None, :] & (
            (columns >= box.y_min) & (columns <= box.y_max)
        )[:, None]
        strong = rise > 0.5 * one.lesion.contrast
        assert inside[strong].mean() > 0.9
        assert (rise * inside)[inside].sum() > 0.6 * rise[rise > 0].sum()
        row, column = np.unravel_index(np.argmax(rise), rise.shape)
        assert box.contains(columns[column], columns[row])
        for across, size in ((box.width, one.lesion.diameter_mm), (box.height, one.lesion.diameter_mm)):
            assert 0.55 * size < across * 375 < 1.9 * size


def test_the_stated_side_and_place_are_where_the_picture_has_it(anatomy: Anatomy, placed) -> None:
    for one in placed:
        mask = anatomy.masks.left if one.lesion.side is Laterality.LEFT else anatomy.masks.right
        x, y = one.lesion.center
        here = (int(y * SIDE), int(x * SIDE))
        assert mask[here] or (one.lesion.behind_heart and anatomy.masks.behind_heart[here])
        assert (x < 0.5) == (one.lesion.side is Laterality.RIGHT)
        assert one.lesion.box.contains(x, y)
        assert one.lesion.kind is (LesionKind.MASS if one.lesion.diameter_mm > 30 else LesionKind.NODULE)


def test_lesions_keep_clear_of_each_other(anatomy: Anatomy) -> None:
    rng = np.random.default_rng(5)
    lesions: tuple[Lesion, ...] = ()
    for _ in range(3):
        lesions += (place_lesion(anatomy, rng, diameter_mm=20.0, others=lesions).lesion,)
    for n, one in enumerate(lesions):
        for other in lesions[n + 1 :]:
            assert one.box.iou(other.box) == 0.0


def test_a_lung_without_room_is_an_error_with_words(anatomy: Anatomy) -> None:
    with pytest.raises(ValueError, match="no room in the lungs"):
        place_lesion(anatomy, np.random.default_rng(0), diameter_mm=350.0)


def test_a_smooth_round_shape_has_the_profile_of_a_sphere() -> None:
    shape = Shape(40.0, 1.0, 0.0, (), 0.5, (), ())
    plane = footprint(shape, side_px=375, center_px=(100.0, 120.0))  # 1 px is 1 mm
    assert plane[120, 100] == pytest.approx(1.0)
    assert plane[120, 112] == pytest.approx(0.8)  # sqrt(1 - (12/20)^2)
    assert plane[120, 121] == 0.0
    box = tight_box(plane, fraction=0.2)
    assert box.width * 375 == pytest.approx(39, abs=1.01)  # 0.2 of the height is at 0.98 of the radius
