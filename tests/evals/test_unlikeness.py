"""Areas and flags of scores that are known: one that sees what is odd, and one that sees nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from evals.unlike_pictures import SPOILT, not_square, other_pictures, spoilt
from evals.unlikeness import run


@dataclass
class Row:
    patient: str
    picture: np.ndarray

    def pixels(self):
        return self.picture


@pytest.fixture
def rows(thorax):
    return [Row(f"p{n}", thorax(64) + np.uint16(n)) for n in range(12)]


def test_a_score_that_knows_its_own_pictures_has_the_whole_area(rows):
    known = {row.picture.tobytes() for row in rows}
    found = run(rows, score=lambda pixels: 0.5 if pixels.tobytes() in known else 2.0, seed=1, drawings=2).as_dict()
    assert found["area"]["value"] == 1.0
    assert found["flagged_radiographs"]["value"] == 0.0
    assert found["flagged_unlike"]["value"] == 1.0
    assert set(SPOILT) <= set(found["by_kind"])
    assert found["n_unlike"] == 12 * len(SPOILT) + sum(1 for _ in other_pictures(drawings=2, seed=1))
    json.dumps(found)


def test_a_score_that_is_always_the_same_has_half(rows):
    found = run(rows, score=lambda _: 1.0, seed=1, drawings=1, alike=[("simulated", "s", rows[0].picture)]).as_dict()
    assert found["area"]["value"] == 0.5
    assert found["flagged_radiographs"]["value"] == 1.0  # at the threshold is flagged
    assert found["must_not_be_flagged"]["simulated"]["flagged"]["n"] == 1
    assert found["must_not_be_flagged"]["simulated"]["median_score"] == 1.0


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_picture_is_another_displayed_one(thorax, how):
    picture = thorax(64)
    other = spoilt(picture, how, np.random.default_rng(0))
    assert other.dtype == np.uint16
    assert other.ndim == 2
    assert other.shape != picture.shape or (other != picture).any()
    again = spoilt(picture, how, np.random.default_rng(0))
    assert np.array_equal(other, again)


def test_other_pictures_are_of_each_kind_and_no_chest():
    listed = list(other_pictures(drawings=1, seed=0))
    assert {"drawn_limb", "drawn_skull", "photograph"} <= {kind for kind, *_ in listed}
    assert len({name for _, name, _ in listed}) == len(listed)
    assert all(pixels.dtype == np.uint16 and np.ptp(pixels) > 10_000 for *_, pixels in listed)
    assert not any("RG1" in name for _, name, _ in listed)


def test_a_film_that_is_not_square_is_the_middle_of_one(thorax):
    shapes = [not_square(thorax(100), np.random.default_rng(n)).shape for n in range(20)]
    assert all(max(shape) == 100 and min(shape) >= 80 for shape in shapes)
