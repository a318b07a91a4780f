"""RG1 and the false boxes on normals."""

from datetime import UTC, datetime

import numpy as np
import pytest

from evals.false_alarms import run as false_alarms
from evals.rg1 import OPACITIES, UNCOMPRESSED, check_rg1, rg1
from evals.trial import image_of, trial_case
from grounding.box import Box

ON, OFF = Box(0.70, 0.32, 0.76, 0.40), Box(0.45, 0.85, 0.55, 0.95)


def drafter(make, upright, mirrored):
    """Tells the two apart by the bright first column of the upright picture."""

    def draft(case, *, pixels):
        return make.boxed(*(upright if pixels[0, 0] else mirrored))

    return draft


@pytest.mark.parametrize(
    ("upright", "mirrored", "on", "pairs", "passed"),
    [
        ((ON, OFF), (ON.mirrored(), OFF.mirrored()), (1, 2), (4, 4), True),
        ((ON,), (ON,), (1, 1), (0, 2), False),  # the box stays where it was
        ((OFF,), (OFF.mirrored(),), (0, 1), (2, 2), False),  # nowhere near an opacity
        ((ON,), (), (1, 1), (0, 1), False),  # nothing on the mirror image
        ((), (), (0, 0), (0, 0), False),  # nothing at all is no pass
        ((ON,) * 9, (ON.mirrored(),) * 9, (9, 9), (18, 18), False),  # too many boxes
    ],
)
def test_rg1(make, upright, mirrored, on, pairs, passed):
    pixels = np.zeros((40, 36), dtype=np.uint16)
    pixels[:, 0] = 1
    case = trial_case("rg1", image_of(pixels, view="PA", simulated=False))
    result = check_rg1(case, pixels=pixels, draft=drafter(make, upright, mirrored))
    assert (result.on_opacity.count, result.on_opacity.total) == on
    assert (result.mirrored.count, result.mirrored.total) == pairs
    assert result.passed is passed
    assert result.as_dict()["passed"] is passed


def test_rg1_tolerance_is_80_px_of_1024(make):
    pixels = np.zeros((64, 64), dtype=np.uint16)
    pixels[:, 0] = 1
    case = trial_case("rg1", image_of(pixels, view="PA", simulated=False))
    for shift, paired in ((0.07, 2), (0.09, 0)):  # 72 and 92 px
        back = ON.mirrored()
        moved = Box(back.x_min + shift, back.y_min, back.x_max + shift, back.y_max)
        result = check_rg1(case, pixels=pixels, draft=drafter(make, (ON,), (moved,)))
        assert result.mirrored.count == paired


def test_the_marked_opacities_are_denser_than_the_lung_around_them():
    case, pixels = rg1(UNCOMPRESSED, now=lambda: datetime(2024, 5, 1, tzinfo=UTC))
    assert pixels.shape == (case.image.rows, case.image.columns) == (1955, 1841)
    rows, columns = pixels.shape
    # Clear lung beside them on the same side, read off the same picture: (x, y).
    for box, clear in ((OPACITIES[0], (0.27, 0.32)), (OPACITIES[5], (0.70, 0.27)), (OPACITIES[6], (0.71, 0.44))):
        x, y = box.center
        at, beside = (pixels[int(v * rows), int(u * columns)] for u, v in ((x, y), clear))
        assert at > beside


def test_false_boxes_on_normals(make):
    trials = [make.trial(patient=f"p{n}", case_id=str(n)) for n in range(4)]
    drafts = {"0": make.boxed(ON, OFF), "1": make.drafted(), "2": make.boxed(ON), "3": make.drafted()}
    told = false_alarms(trials, draft=make.told(drafts)).as_dict()
    assert (told["n_images"], told["false_boxes"]) == (4, 3)
    assert told["false_boxes_per_image"]["value"] == 0.75
    assert told["images_with_a_box"]["count"] == 2


def test_no_normals_measure_nothing(make):
    told = false_alarms([], draft=make.told({})).as_dict()
    assert told["false_boxes_per_image"] == {"value": None, "ci95": None, "n": 0}
