from pathlib import Path

import numpy as np
import pytest

import evals
from evals.insertion import CONTRASTS, NoPlaceError, Tier, insert_nodule
from evals.lesion_shape import EDGE_SHARE, random_shape, render
from evals.lung_field import lung_field
from evals.matching import distance_px_1024


@pytest.fixture(scope="module")
def chest(thorax):
    pixels = thorax(512)
    return pixels, lung_field(pixels)


def inserted(chest, seed, tier=Tier.MODERATE, **more):
    pixels, field = chest
    return pixels, field, insert_nodule(pixels, field=field, tier=tier, random=np.random.default_rng(seed), **more)


@pytest.mark.parametrize("tier", list(Tier))
def test_the_contrast_is_what_was_really_added(chest, tier):
    for seed in range(5):
        pixels, _, result = inserted(chest, seed, tier)
        added = (result.pixels.astype(float) - pixels) / 65535
        assert added.max() == pytest.approx(result.lesion.contrast, abs=1e-4)
        assert CONTRASTS[tier][0] <= result.lesion.contrast <= CONTRASTS[tier][1]
        assert added.min() >= 0.0


def test_the_truth_box_is_where_the_addition_exceeds_30_percent(chest):
    for seed in range(5):
        pixels, _, result = inserted(chest, seed)
        added = result.pixels.astype(float) - pixels
        rows, columns = np.nonzero(added > 0.30 * added.max())
        want = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert [v * 512 for v in result.lesion.box.as_dict().values()] == pytest.approx(want, abs=1.01)


def test_size_in_millimetres_where_the_side_is_375(chest):
    # The lobes change a radius by at most a third of it, and do not change the mean.
    for seed in range(12):
        _, _, result = inserted(chest, seed)
        width_mm, height_mm = 375 * result.lesion.box.width, 375 * result.lesion.box.height
        assert 10 <= result.lesion.diameter_mm <= 40
        assert (width_mm + height_mm) / 2 == pytest.approx(result.lesion.diameter_mm, rel=0.2, abs=1.5)


def test_lesions_lie_in_the_lung_and_leave_the_rest_alone(chest):
    for seed in range(8):
        pixels, field, result = inserted(chest, seed)
        x, y = result.lesion.box.center
        assert field[int(y * 512), int(x * 512)]
        changed = np.argwhere(result.pixels != pixels)
        reach_px = 1.2 * 2.2 * result.lesion.diameter_mm / 375 * 512
        assert np.abs(changed - np.array([y * 512, x * 512])).max() < reach_px


def test_same_seed_same_lesion_other_seed_other_lesion(chest):
    first, again, other = (inserted(chest, seed)[2] for seed in (3, 3, 4))
    assert np.array_equal(first.pixels, again.pixels)
    assert first.lesion == again.lesion
    assert first.lesion.box != other.lesion.box


def test_two_lesions_keep_their_distance(chest):
    for seed in range(6):
        _, field, first = inserted(chest, seed)
        second = insert_nodule(
            first.pixels,
            field=field,
            tier=Tier.MODERATE,
            random=np.random.default_rng(100 + seed),
            apart_from=[first.lesion.box],
        )
        gap = distance_px_1024(first.lesion.box.center, second.lesion.box.center, columns=512, rows=512)
        assert gap > 140  # 150 between the nominal centres; the box's centre may lie a little beside


def test_no_headroom_is_said_and_nothing_saturates(chest):
    bright = np.full((512, 512), 60000, dtype=np.uint16)  # 0.916 of the range: 0.14 does not fit
    with pytest.raises(NoPlaceError, match="use another image"):
        insert_nodule(bright, field=chest[1], tier=Tier.CONSPICUOUS, random=np.random.default_rng(0))


def test_no_lung_no_lesion(thorax):
    with pytest.raises(NoPlaceError, match="no place"):
        insert_nodule(
            thorax(64), field=np.zeros((64, 64), dtype=bool), tier=Tier.SUBTLE, random=np.random.default_rng(0)
        )


def test_shapes_peak_at_one_end_at_zero_and_differ():
    random = np.random.default_rng(5)
    patches = [render(random_shape(random), radius_px=20.0) for _ in range(6)]
    for patch in patches:
        assert patch.max() == 1.0
        assert patch[0].max() == 0.0  # no visible square
        area = (patch > EDGE_SHARE).sum()
        assert area == pytest.approx(np.pi * 20**2, rel=0.25)  # the nominal disc, lobes aside
    assert not np.array_equal(patches[0], patches[1])


def test_the_lung_field_finds_two_dark_lungs(chest):
    field = chest[1]
    y, x = (np.mgrid[0:512, 0:512] + 0.5) / 512
    lungs = sum(((x - c) / 0.11) ** 2 + ((y - 0.43) / 0.25) ** 2 <= 1 for c in (0.31, 0.69)) > 0
    assert (field & lungs).sum() / (field | lungs).sum() > 0.8


def test_no_lungs_no_field():
    assert not lung_field(np.full((300, 200), 30000, dtype=np.uint16)).any()


def test_the_field_has_the_shape_of_the_picture():
    picture = np.random.default_rng(0).integers(0, 65535, (301, 203), dtype=np.uint16)
    assert lung_field(picture).shape == (301, 203)


def test_evaluation_knows_nothing_of_training():
    for path in Path(evals.__file__).parent.glob("*.py"):
        assert "vlm.embedded" not in path.read_text(encoding="utf-8"), path.name
