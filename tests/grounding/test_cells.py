"""The embedded model's spelling of places, by hand and by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.box import Box
from grounding.codecs.cells import CellsCodec, place_tokens, place_vocabulary
from grounding.codecs.phrase import CodecError
from grounding.codecs.registry import codec_named
from grounding.placement import letterbox

SQUARE = letterbox(320, 320, side=320)
WIDE = letterbox(640, 320, side=320)  # 80 px of padding above and below
BOX = "<box><c047><x4><y0><w06><h06></box>"

MALFORMED = (
    ("", "empty"),  # nothing
    ("   ", "empty"),  # white space only
    ("No focal nodule or mass.", "outside"),  # prose
    ("<obj>Nodule.", "truncated"),  # cut in the words
    ("<obj>Nodule.<box><c047><x4>", "truncated"),  # cut in the box
    ("<obj>Nodule.<box><c047><x4><y0><w06></box></obj>", "malformed"),  # a token too few
    ("<obj>Nodule.<box><x4><c047><y0><w06><h06></box></obj>", "malformed"),  # another order
    (f"<obj>{BOX}</obj>", "no words"),  # box without text
    ("<obj></obj>", "no words"),  # nothing said
    ("<obj>Nodule.<box><c100><x4><y0><w06><h06></box></obj>", "does not exist"),  # cell out of range
    ("<obj>Nodule.<box><c047><x8><y0><w06><h06></box></obj>", "does not exist"),  # offset out of range
    ("<obj>Nodule.<box><c047><x4><y0><w16><h06></box></obj>", "does not exist"),  # size out of range
    (f"<obj>Nodule.{BOX}</obj> and more", "outside"),  # prose after the answer
    (f"<obj>Nodule.<obj>Mass.</obj>{BOX}</obj>", "malformed"),  # objects in one another
)


@pytest.mark.parametrize(("text", "rule"), MALFORMED)
def test_malformed_is_an_error_with_the_raw_text(text: str, rule: str) -> None:
    with pytest.raises(CodecError, match=rule) as caught:
        CellsCodec().decode(text, placement=SQUARE)
    assert caught.value.raw == text


def test_a_place_by_hand() -> None:
    # Cell 47 is row 4, column 7; x offset 4.5/8 of 32 px from 224 is 242; y offset 0.5/8 of 32 px from 128 is 130;
    # size step 6 is 6 px times 2 ** 2 = 24 px.
    (phrase,) = CellsCodec().decode(f"<s><obj>Nodule.{BOX}</obj></s>", placement=SQUARE)
    (box,) = phrase.boxes
    corners = (box.x_min * 320, box.y_min * 320, box.x_max * 320, box.y_max * 320)
    assert corners == pytest.approx((230, 118, 254, 142))


def test_padding_is_undone() -> None:
    # The same tokens on an image twice as wide: input row 130 is (130 - 80) / 160 of the image's height.
    (phrase,) = CellsCodec().decode(f"<obj>Nodule.{BOX}</obj>", placement=WIDE)
    (box,) = phrase.boxes
    assert box.center == pytest.approx((242 / 320, 50 / 160))


def test_a_box_in_the_padding_is_an_error() -> None:
    with pytest.raises(CodecError, match="padding"):
        CellsCodec().decode("<obj>Nodule.<box><c005><x4><y0><w00><h00></box></obj>", placement=WIDE)


def test_statements_with_and_without_boxes_keep_their_order() -> None:
    text = f"<obj>Nodule.{BOX}{BOX}</obj><obj>No effusion, < 5 mm.</obj>"
    phrases = CellsCodec().decode(text, placement=SQUARE)
    assert [(phrase.text, len(phrase.boxes)) for phrase in phrases] == [("Nodule.", 2), ("No effusion, < 5 mm.", 0)]


def test_the_registry_knows_it() -> None:
    assert codec_named("overread-cells@1") == CellsCodec()


def test_the_vocabulary_has_148_places() -> None:
    assert len(set(place_vocabulary())) == 100 + 8 + 8 + 16 + 16


@given(x=st.floats(0.05, 0.95), y=st.floats(0.05, 0.95), width=st.floats(0.02, 0.09), height=st.floats(0.02, 0.09))
def test_a_box_comes_back_within_half_a_step(x: float, y: float, width: float, height: float) -> None:
    truth = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    tokens = place_tokens(*(edge * 320 for edge in (truth.x_min, truth.y_min, truth.x_max, truth.y_max)), side=320)
    (phrase,) = CellsCodec().decode(f"<obj>Nodule.<box>{''.join(tokens)}</box></obj>", placement=SQUARE)
    (box,) = phrase.boxes
    assert abs(box.center[0] - x) <= 1 / 160 + 1e-9  # half an eighth of a tenth
    assert abs(box.center[1] - y) <= 1 / 160 + 1e-9
    assert 2 ** (-1 / 6) - 1e-6 <= box.width / width <= 2 ** (1 / 6) + 1e-6  # half of a third of an octave
