"""Every codec backwards and forwards: a box that is spelt comes back within one step, in images of several shapes."""

from __future__ import annotations

import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.box import Box
from grounding.codecs.phrase import Phrase
from grounding.codecs.registry import CODECS, codec_named
from grounding.placement import Placement, center_crop, letterbox, squash

SIZES = ((2048, 2500), (2500, 2048), (640, 480), (333, 1001), (1024, 1024))  # columns, rows

LAID = {
    "gemma-box2d@1": lambda columns, rows: letterbox(columns, rows, side=896),
    "maira2@1": lambda columns, rows: center_crop(columns, rows, side=518),
    "overread-cells@1": lambda columns, rows: letterbox(columns, rows, side=384),
    "qwen2.5-vl@1": lambda columns, rows: squash(columns, rows, input_columns=28 * 20, input_rows=28 * 31),
    "qwen3-vl@1": lambda columns, rows: squash(columns, rows, input_columns=32 * 20, input_rows=32 * 13),
    "radfact@1": lambda columns, rows: center_crop(columns, rows, side=300),
}
STEPS = {"maira2@1": 1 / 100, "radfact@1": 1e-9}  # shares of the input; else a thousandth, or a pixel


def step_px(name: str, placement: Placement) -> tuple[float, float]:
    """One step of the spelling on each axis, input pixels."""
    if name == "qwen2.5-vl@1":
        return 1.0, 1.0
    share = STEPS.get(name, 1 / 1000)
    return share * placement.input_columns, share * placement.input_rows


def spell(name: str):
    return importlib.import_module(CODECS[name].split(":")[0]).spell


@st.composite
def boxes_in(draw: st.DrawFn, placement: Placement) -> Box:
    """A box of which every edge lies where the model saw, of a width that a reader could draw."""
    seen = placement.seen
    x = draw(st.floats(seen.x_min, seen.x_max - seen.width * 0.03))
    y = draw(st.floats(seen.y_min, seen.y_max - seen.height * 0.03))
    least, share = 0.0299, draw(st.tuples(st.floats(0, 1), st.floats(0, 1)))
    right = x + seen.width * least + share[0] * (seen.x_max - x - seen.width * least)
    bottom = y + seen.height * least + share[1] * (seen.y_max - y - seen.height * least)
    return Box(x, y, min(seen.x_max, right), min(seen.y_max, bottom))


def test_every_codec_that_spells_boxes_is_under_test():
    assert set(LAID) == set(CODECS) - {"prose@1"}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", sorted(set(LAID) - {"overread-cells@1"}))
@given(data=st.data())
def test_a_box_comes_back_within_one_step(name, size, data):
    placement = LAID[name](*size)
    box = data.draw(boxes_in(placement))
    text = spell(name)((Phrase("Nodule.", (box,)), Phrase("No effusion.")), placement=placement)
    first, second = codec_named(name).decode(text, placement=placement)
    (found,) = first.boxes
    across, down = step_px(name, placement)
    for drawn, read, step in zip(
        placement.to_input(box), placement.to_input(found), (across, down, across, down), strict=True
    ):
        assert abs(drawn - read) <= step + 1e-6
    assert (first.text, first.clipped, second) == ("Nodule.", 0, Phrase("No effusion."))


@pytest.mark.parametrize("size", SIZES, ids=str)
@given(data=st.data())
def test_a_box_of_cells_comes_back_within_half_a_step(size, data):
    """Half an offset is a 160th of the side; a size is within a sixth of an octave between its smallest and largest."""
    placement = LAID["overread-cells@1"](*size)
    box = data.draw(boxes_in(placement))
    drawn = placement.to_input(box)
    (phrase,) = codec_named("overread-cells@1").decode(
        spell("overread-cells@1")((Phrase("Nodule.", (box,)),), placement=placement), placement=placement
    )
    read = placement.to_input(phrase.boxes[0])
    shown = placement.to_input(Box(0.0, 0.0, 1.0, 1.0))
    for low, high in ((0, 2), (1, 3)):
        share = min(max((drawn[high] - drawn[low]) / 384, 6 / 320), 0.6)  # what the largest and smallest step can say
        half = share * 384 * 2 ** (1 / 6) / 2
        middle = (drawn[low] + drawn[high]) / 2
        assert read[low] >= max(shown[low], middle - half - 384 / 160) - 1e-6
        assert read[high] <= min(shown[high], middle + half + 384 / 160) + 1e-6


@pytest.mark.parametrize("name", sorted(set(LAID) - {"overread-cells@1"}))
def test_a_box_thinner_than_a_step_is_still_a_box(name):
    placement = LAID[name](2048, 2500)
    seen = placement.seen
    corner = Box(seen.x_max - 1e-5, seen.y_max - 1e-5, seen.x_max, seen.y_max)
    (phrase,) = codec_named(name).decode(
        spell(name)((Phrase("A.", (corner,)),), placement=placement), placement=placement
    )
    assert phrase.boxes[0].area > 0


@pytest.mark.parametrize("name", ["maira2@1", "radfact@1"])
def test_a_box_in_the_margin_of_a_crop_cannot_be_spelt(name):
    with pytest.raises(ValueError, match="never saw"):
        spell(name)((Phrase("A.", (Box(0.0, 0.0, 1.0, 0.01),)),), placement=LAID[name](1000, 2000))


def test_cells_are_spelt_in_a_square_only():
    with pytest.raises(ValueError, match="square"):
        spell("overread-cells@1")((Phrase("A."),), placement=LAID["qwen3-vl@1"](10, 10))


@pytest.mark.parametrize("name", sorted(LAID))
def test_several_boxes_of_one_statement_stay_together(name):
    placement = LAID[name](1024, 1024)
    both = (Box(0.2, 0.2, 0.3, 0.3), Box(0.6, 0.6, 0.8, 0.8))
    (phrase,) = codec_named(name).decode(
        spell(name)((Phrase("Nodules.", both),), placement=placement), placement=placement
    )
    assert [box.iou(other) > 0.5 for box, other in zip(phrase.boxes, both, strict=True)] == [True, True]
