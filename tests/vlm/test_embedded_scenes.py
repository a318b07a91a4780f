"""What the embedded model is trained on: scenes with a past, balanced backgrounds, and the batches they become."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm.embedded.backgrounds import Backgrounds, balanced, joined
from vlm.embedded.effusions import draw_effusion
from vlm.embedded.lessons import Features, Lesson
from vlm.embedded.scenes import Truth, make_scene
from vlm.embedded.statements import EFFUSION, OPACITY
from vlm.embedded.train_tower import collate
from vlm.embedded.views import SIDE_PX, View

NO = np.zeros(1, bool)


def backgrounds(*, nodular: bool = False, opaque: bool = False) -> Backgrounds:
    """One grey picture with lungs."""
    lungs = np.zeros((32, 32), np.float32)
    lungs[8:22, 6:13] = lungs[8:22, 19:26] = 1.0
    picture = np.full((1, 352, 352), 90, np.uint8)
    weights = lungs[None] / lungs.sum()
    return Backgrounds(picture, weights, np.array([nodular]), NO, np.array([opaque]), NO, np.ones(1))


@given(st.integers(0, 2**32 - 1), st.floats(60, 290), st.floats(60, 290))
@settings(max_examples=60, deadline=None)
def test_a_place_goes_into_the_view_where_its_pixels_go(seed: int, x: float, y: float) -> None:
    picture = np.zeros((352, 352), np.uint8)
    picture[int(y), int(x)] = 255
    view = View.random(np.random.default_rng(seed), stored=352)
    shown = view.shown(picture)
    wanted = view.into((int(x) + 0.5, int(y) + 0.5))  # the middle of the pixel
    if shown.max() > 0.2 and all(2 < value < SIDE_PX - 2 for value in wanted):
        row, column = np.unravel_index(int(shown.argmax()), shown.shape)
        assert np.hypot(column + 0.5 - wanted[0], row + 0.5 - wanted[1]) < 1.5


def test_one_patient_is_mirrored_in_all_images_or_in_none() -> None:
    rng = np.random.default_rng(0)
    view = View.random(rng, stored=352, flipped=True)
    assert all(view.again(rng).flipped for _ in range(20))


def test_a_scene_says_what_it_drew() -> None:
    rng = np.random.default_rng(5)
    scenes = [make_scene(backgrounds(), rng, count=2) for _ in range(60)]
    assert 2 in {len(scene.truth.lesions) for scene in scenes} <= {0, 1, 2}
    assert all((scene.prior is not None) == scene.truth.with_prior for scene in scenes)
    assert {size is None for scene in scenes for size in scene.truth.before_mm} == {True, False}
    assert any(scene.truth.gone for scene in scenes)
    assert any(EFFUSION in scene.truth.described for scene in scenes)


def test_a_picture_with_a_lesion_of_unknown_place_gets_none_drawn_and_teaches_no_place() -> None:
    rng = np.random.default_rng(5)
    both = joined(backgrounds(), backgrounds(nodular=True))
    unplaced = [scene.truth for scene in (make_scene(both, rng, count=2) for _ in range(200)) if not scene.truth.placed]
    assert 3 <= len(unplaced) <= 30  # about 6 % of 200
    assert all(truth.lesions == () and truth.gone == () for truth in unplaced)


def test_mined_labels_are_told_nine_times_in_ten() -> None:
    rng = np.random.default_rng(6)
    told = sum(OPACITY in make_scene(backgrounds(opaque=True), rng, count=0).truth.described for _ in range(200))
    assert 165 <= told <= 195


def test_the_source_of_a_picture_no_longer_predicts_its_label() -> None:
    strata, clean = ["a"] * 10 + ["b"] * 10, [True] + [False] * 9 + [True] * 8 + [False] * 2
    share = balanced(strata, clean)
    assert share.sum() == pytest.approx(1.0)
    for source in "ab":
        rows = [index for index, one in enumerate(strata) if one == source]
        assert sum(share[rows]) == pytest.approx(0.5)  # a stratum keeps its size
        assert sum(share[index] for index in rows if clean[index]) == pytest.approx(0.25)


def test_an_effusion_fills_one_base_from_below() -> None:
    image = np.full((320, 320), 0.3, np.float32)
    where = draw_effusion(image, np.random.default_rng(1))
    columns = np.flatnonzero(where.any(0))
    assert columns.max() < 160 or columns.min() >= 160
    assert not where[: int(0.5 * 320)].any()
    assert image[where].mean() > 0.5
    assert image[~where].mean() < 0.32


def test_a_batch_keeps_the_rows_of_its_priors() -> None:
    rng = np.random.default_rng(7)
    scenes = [make_scene(backgrounds(), rng, count=1) for _ in range(12)]
    batch = collate(scenes)
    assert batch.prior_rows == tuple(row for row, scene in enumerate(scenes) if scene.prior is not None)
    assert batch.prior.shape == (len(batch.prior_rows), SIDE_PX, SIDE_PX)
    for row, prior in zip(batch.prior_rows, batch.prior, strict=True):
        assert np.array_equal(prior.numpy(), scenes[row].prior)


def test_maps_go_to_the_decoder_row_by_row_the_current_image_first() -> None:
    current = torch.arange(3.0).view(3, 1, 1).expand(3, 100, 4)
    prior = torch.tensor([10.0, 12.0]).view(2, 1, 1).expand(2, 100, 4)
    empty = torch.zeros(3, 1)
    flags = (torch.tensor([True, True, False]), torch.tensor([True, False, True]))
    batch = Lesson(empty, empty, empty, empty > 0, *flags)
    order = Features(current, prior, (0, 2)).in_order(batch)
    assert order[:, 0, 0].tolist() == [0.0, 10.0, 1.0, 12.0]


def test_a_lesion_without_its_past_is_refused() -> None:
    with pytest.raises(ValueError, match="each lesion has its past"):
        Truth(before_mm=(3.0,))
