"""MAIRA-2's spelling: a table of awkward answers, each read in full or refused with a reason."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.box import Box
from grounding.codecs.maira2 import Maira2Codec
from grounding.codecs.phrase import Codec, CodecError, Phrase
from grounding.codecs.registry import CODECS, codec_named
from grounding.placement import center_crop, letterbox

SQUARE = letterbox(100, 100, side=100)
BOX = "<box><x10><y20><x30><y40></box>"

READ = [
    ("<obj>No effusion.</obj>", [("No effusion.", 0)]),
    (f"<obj>Nodule.{BOX}</obj>", [("Nodule.", 1)]),
    (f"<obj>Nodules. {BOX}{BOX}</obj>", [("Nodules.", 2)]),  # two places of one statement
    (f"<obj>Nodule. {BOX} {BOX} </obj>", [("Nodule.", 2)]),  # spaces between boxes
    (f"<obj>A.{BOX}</obj><obj>B.</obj>", [("A.", 1), ("B.", 0)]),
    (f"<obj>A.{BOX}</obj>\n <obj>B.</obj>\n", [("A.", 1), ("B.", 0)]),  # white space between objects
    ("<s><obj>A.</obj></s>", [("A.", 0)]),  # special tokens at both ends
    (" <s> <obj>A.</obj> </s> ", [("A.", 0)]),
    ("<obj>Nodule < 5 mm.</obj>", [("Nodule < 5 mm.", 0)]),  # a sign that opens no token
    ("<obj>Nodule <5 mm.</obj>", [("Nodule <5 mm.", 0)]),
    ("<obj>Épanchement à gauche.</obj>", [("Épanchement à gauche.", 0)]),
    ("<obj>A.<box><x0><y0><x99><y99></box></obj>", [("A.", 1)]),  # first and last bin
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_what_is_well_formed_is_read_in_full(text: str, expected: list[tuple[str, int]]):
    phrases = Maira2Codec().decode(text, placement=SQUARE)
    assert [(phrase.text, len(phrase.boxes)) for phrase in phrases] == expected


REFUSED = [
    ("", "empty"),
    ("   \n", "empty"),
    ("<s></s>", "empty"),
    ("The lungs are clear.", "outside"),  # random prose
    ("<obj>A.</obj> and more", "outside"),  # prose behind an object
    ("I see: <obj>A.</obj>", "outside"),  # prose before it
    (f"{BOX}", "outside"),  # a box without an object
    ("</obj>", "outside"),
    ("<obj>A", "truncated"),
    ("<obj>A.<box><x1><y2>", "truncated"),
    (f"<obj>A.{BOX}</obj><obj>B", "truncated"),  # the second half is missing: the first is not a report
    ("<obj>A.<box><x10><y20><x30></box></obj>", "malformed"),  # three bins
    ("<obj>A.<box><x10><y20><x30><y40><x50></box></obj>", "malformed"),  # five
    ("<obj>A.<box><y10><x20><y30><x40></box></obj>", "malformed"),  # axes swapped
    ("<obj>A.<box></box></obj>", "malformed"),
    ("<obj>A.<box><x10><y20><x30><y40></obj>", "malformed"),  # box not closed
    (f"<obj>A.{BOX} more</obj>", "malformed"),  # words behind a box
    ("<obj>A <obj>B.</obj></obj>", "malformed"),  # an object in an object
    ("<obj>A.<unk></obj>", "malformed"),  # a token that is no word
    ("<obj>A.<box><x-1><y20><x30><y40></box></obj>", "malformed"),
    ("<obj>A.<box><x1.5><y20><x30><y40></box></obj>", "malformed"),
    ("<obj>A.<box><x٣><y20><x30><y40></box></obj>", "malformed"),  # a digit of another script
    ("<obj>A.<box><x10><y20><x100><y40></box></obj>", "bin 100"),
    ("<obj>A.<box><x30><y20><x10><y40></box></obj>", "swapped"),
    ("<obj>A.<box><x10><y40><x30><y20></box></obj>", "swapped"),
    ("<obj>A.<box><x10><y20><x10><y40></box></obj>", "swapped"),  # no width
    (f"<obj>{BOX}</obj>", "no words"),
    ("<obj></obj>", "no words"),
    ("<obj>  </obj>", "no words"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_not_well_formed_is_refused_with_a_reason(text: str, reason: str):
    with pytest.raises(CodecError, match=reason) as caught:
        Maira2Codec().decode(text, placement=SQUARE)
    assert caught.value.raw == text


def test_a_bin_stands_for_its_middle_in_the_models_input():
    (phrase,) = Maira2Codec().decode(f"<obj>A.{BOX}</obj>", placement=SQUARE)
    assert phrase.boxes == (Box(0.105, 0.205, 0.305, 0.405),)  # (k + 0.5) / 100 by hand


def test_a_center_crop_is_undone():
    """A 200 x 100 image cropped to its middle: input x 0.5 is original x 0.5, input x 0 is original x 0.25."""
    text = "<obj>A.<box><x0><y0><x49><y49></box></obj>"
    (phrase,) = Maira2Codec().decode(text, placement=center_crop(200, 100, side=518))
    (box,) = phrase.boxes
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == pytest.approx((0.2525, 0.005, 0.4975, 0.495))


def test_a_box_in_the_padding_is_refused():
    """A 100 x 200 image letterboxed into a square has padding left of x = 0.25."""
    text = "<obj>A.<box><x0><y10><x20><y40></box></obj>"
    with pytest.raises(CodecError, match="padding"):
        Maira2Codec().decode(text, placement=letterbox(100, 200, side=100))


def test_the_error_does_not_quote_the_answer():
    with pytest.raises(CodecError) as caught:
        Maira2Codec().decode("<obj>Mrs Smith has a nodule", placement=SQUARE)
    assert "Smith" not in str(caught.value)


def test_an_error_crosses_a_process_with_its_raw_text():
    error = pickle.loads(pickle.dumps(CodecError("why", raw="<obj>")))
    assert (str(error), error.raw) == ("why", "<obj>")


def test_a_phrase_without_words_is_refused():
    with pytest.raises(ValueError, match="has words"):
        Phrase(" ", ())


@given(st.text(alphabet="<>/objbxy0159 Nodule.", max_size=80))
def test_any_text_is_read_or_refused(text: str):
    try:
        phrases = Maira2Codec().decode(text, placement=SQUARE)
    except CodecError as error:
        assert error.raw == text
    else:
        assert phrases


BIN = st.integers(0, 99)


@given(BIN, BIN, BIN, BIN)
def test_bins_come_back(a: int, b: int, c: int, d: int):
    text = f"<obj>A.<box><x{a}><y{b}><x{c}><y{d}></box></obj>"
    if a >= c or b >= d:
        with pytest.raises(CodecError):
            Maira2Codec().decode(text, placement=SQUARE)
        return
    (phrase,) = Maira2Codec().decode(text, placement=SQUARE)
    (box,) = phrase.boxes
    corners = (box.x_min, box.y_min, box.x_max, box.y_max)
    assert tuple(int(value * 100) for value in corners) == (a, b, c, d)


@pytest.mark.parametrize("name", sorted(CODECS))
def test_each_codec_of_the_registry_is_what_its_name_says(name: str):
    codec = codec_named(name)
    assert isinstance(codec, Codec)
    assert codec.name == name


@pytest.mark.parametrize("name", ["", "maira2", "maira2@2", "grounding.codecs.maira2:Maira2Codec"])
def test_an_unknown_codec_is_a_lookup_error_that_names_the_known_ones(name: str):
    with pytest.raises(LookupError, match="maira2@1"):
        codec_named(name)
