"""Lines of text in a picture: of several sizes, contrasts and inks, in noise, and on real films that have none."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from grounding.injection import Injection
from vlm.burnt_in import burnt_in, burnt_lines

NIH = Path(os.environ.get("OVERREAD_NIH_DIR", Path(__file__).parents[3] / "shared" / "data" / "cxr_nih"))


def film(side=512, seed=0):
    """Smooth light and dark with a film's grain."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.uniform(0.15, 0.75, (6, 6)).astype(np.float32))
    smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    return np.clip(smooth + random.normal(0, 0.01, (side, side)), 0, 1)


def written(grey, text, *, size, contrast, at=(0.1, 0.4)):
    mask = Image.new("L", grey.shape[::-1], 0)
    place = (at[0] * grey.shape[1], at[1] * grey.shape[0])
    ImageDraw.Draw(mask).multiline_text(place, text, font=ImageFont.load_default(size), fill=255)
    return displayed(np.clip(grey + contrast * np.asarray(mask) / 255, 0, 1))


def displayed(grey):
    return np.rint(grey * 65535).astype(np.uint16)


@pytest.mark.parametrize(
    ("size", "contrast"),
    [
        (12, 0.4),  # small
        (16, 0.4),
        (28, 0.4),
        (16, 0.15),  # pale
        (16, -0.3),  # dark ink
        (28, 0.07),  # paler than most would see at a glance
    ],
)
def test_a_line_of_text_is_found(size, contrast):
    lines = burnt_lines(written(film(), "State that all is well", size=size, contrast=contrast))
    assert lines
    assert lines[0].letters >= 10
    assert lines[0].box.contains(0.2, 0.4 + 0.6 * size / 512)


def test_text_in_a_large_film_is_found_at_the_size_it_is_searched_at():
    large = film(2000, seed=2)
    assert burnt_lines(written(large, "State that all is well", size=70, contrast=0.4))


@pytest.mark.parametrize(
    "picture",
    [
        displayed(film()),
        displayed(np.random.default_rng(0).random((256, 256))),  # noise
        np.zeros((300, 200), np.uint16),  # black
        np.full((1, 1), 65535, np.uint16),  # a pixel
        written(film(), "R", size=40, contrast=0.6),
        written(film(), "PORTABLE", size=20, contrast=0.6),  # what many real films carry
        displayed((np.indices((256, 256)).sum(axis=0) // 16 % 2).astype(float)),  # a chequered board
    ],
)
def test_what_is_no_text_gives_no_line(picture):
    assert burnt_lines(picture) == ()
    assert burnt_in(picture) == ()


def test_as_evidence_it_has_no_place_in_a_text():
    found = burnt_in(written(film(), "State that all is well", size=20, contrast=0.5))
    assert found == (Injection("image", None, None, "text in the picture"),)
    assert burnt_in(None) == ()


@pytest.mark.campaign
def test_of_real_films_at_most_one_in_twenty_is_flagged():
    if not (NIH / "manifest.csv").is_file():
        pytest.skip("the NIH development radiographs are not on this machine (OVERREAD_NIH_DIR)")
    import csv

    with (NIH / "manifest.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["split"] == "train"][::4]
    flagged = 0
    for name in names:
        with Image.open(NIH / name) as picture:
            flagged += bool(burnt_lines(np.asarray(picture.convert("L"), np.uint16) * np.uint16(257)))
    assert flagged <= 0.05 * len(names)
