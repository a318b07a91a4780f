"""The JSON spellings: tables of awkward answers, each read in full or refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.box import Box
from grounding.codecs.phrase import CodecError
from grounding.codecs.registry import codec_named
from grounding.placement import letterbox, squash

SQUARE = letterbox(1000, 1000, side=1000)  # a step of each family is a pixel, so that one table serves all three
FAMILIES = {"gemma-box2d@1": "box_2d", "qwen2.5-vl@1": "bbox_2d", "qwen3-vl@1": "bbox_2d"}
BOX = "[100, 200, 300, 400]"

# KEY stands for the family's box key.
READ = [
    ('[{"KEY": [100, 200, 300, 400], "label": "Nodule."}]', [("Nodule.", 1)]),
    ('[{"label": "No effusion."}]', [("No effusion.", 0)]),  # no box
    ('[{"label": "No effusion.", "KEY": null}]', [("No effusion.", 0)]),
    (f'[{{"KEY": [{BOX}, {BOX}], "label": "Nodules."}}]', [("Nodules.", 2)]),  # two places of one statement
    (f'[{{"KEY": {BOX}, "label": "A."}}, {{"label": "B."}}]', [("A.", 1), ("B.", 0)]),
    (f'```json\n[{{"KEY": {BOX}, "label": "A."}}]\n```', [("A.", 1)]),  # a fence
    ('```json\n```json\n[{"label": "A."}]\n```\n```', [("A.", 0)]),  # nested fences
    ('```\n[{"label": "A."}]\n```<end_of_turn>', [("A.", 0)]),  # an end token behind it
    ('[{"label": "A."}]<|im_end|>', [("A.", 0)]),
    ('The left lung is clear.\nFinal Answer: [{"label": "A."}]', [("A.", 0)]),  # free reasoning first
    ('I first thought [{"label": "B."}] but no. Final Answer:\n[{"label": "A."}]', [("A.", 0)]),  # the last list counts
    ('See [1] and [2, 3].\n[{"label": "A."}]', [("A.", 0)]),  # brackets in the reasoning
    ('<think>[{"label": "B."</think>[{"label": "A."}]', [("A.", 0)]),  # a list that was given up
    ('[{"label": "Signe de l\'épanchement à gauche."}]', [("Signe de l'épanchement à gauche.", 0)]),
    ('[{"label": "\\u00c9panchement."}]', [("Épanchement.", 0)]),  # escaped
    ('[{"label": "Nodule [{ < 5 mm."}]', [("Nodule [{ < 5 mm.", 0)]),  # marks of the grammar in the words
    ('[{"label": " Nodule\\n in the lung. "}]', [("Nodule in the lung.", 0)]),  # white space
    ('[{"KEY": [100.5, 200.0, 300, 400], "label": "A."}]', [("A.", 1)]),  # decimals
    ('[{"KEY": [0, 0, 1000, 1000], "label": "A."}]', [("A.", 1)]),  # edge to edge
]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("text", "expected"), READ)
def test_what_is_well_formed_is_read_in_full(name, text, expected):
    phrases = codec_named(name).decode(text.replace("KEY", FAMILIES[name]), placement=SQUARE)
    assert [(phrase.text, len(phrase.boxes)) for phrase in phrases] == expected
    assert not any(phrase.clipped for phrase in phrases)


REFUSED = [
    ("", "empty"),
    (" \n ", "empty"),
    ("```json\n```", "does not end with a whole JSON list|empty"),  # a fence around nothing
    ("[]", "list is empty"),  # nothing said is not "nothing found"
    ("Final Answer: []", "list is empty"),
    ("The lungs are clear.", "whole JSON list"),  # prose
    ('[{"KEY": [100, 200, 300', "whole JSON list"),  # truncated in a box
    ('[{"KEY": [100, 200, 300, 400], "label": "A."}', "whole JSON list"),  # truncated before the end
    ('[{"KEY": [100, 200, 300, 400], "label": "A."}, {"KEY": [1', "whole JSON list"),  # after one whole entry
    ('Maybe [{"label": "B."}]. Final Answer: [{"label": "A', "whole JSON list"),  # never an earlier list instead
    ('[{"label": "A."}] There is also a mass.', "whole JSON list"),  # words behind the list
    ('[{"label": "A."}] [{"label": "B."', "whole JSON list"),  # a second list that does not close
    ('{"KEY": [100, 200, 300, 400], "label": "A."}', "whole JSON list"),  # an object without a list
    ('{"label": "A."}{"label": "B."}', "whole JSON list"),  # two objects run together
    ('{"findings": [{"label": "A."}]}', "whole JSON list"),  # a list inside of something else
    ('[{"label": "A.", "sub": [{"label": "B."}]', "whole JSON list"),  # truncated around an inner list
    ('[{"KEY": [1, 2, 3, 4], "label": "A.", "KEY": [5, 6, 7, 8], "label": "B."}]', "twice"),  # two objects in one
    ('[{"label": "A.", "label": "B."}]', "twice"),  # a key twice
    ('[{"label": "A."} {"label": "B."}]', "whole JSON list"),  # a comma short
    ('["A."]', "whole JSON list"),  # words alone
    ('[{"label": "A."}, "B."]', "not an object"),  # an entry that is none
    ('[{"label": "A."}, null]', "not an object"),
    ('[{"KEY": [100, 200, 300, 400]}]', "no words"),  # box without text
    ('[{"KEY": [100, 200, 300, 400], "label": ""}]', "no words"),
    ('[{"KEY": [100, 200, 300, 400], "label": " \\n"}]', "no words"),
    ('[{"KEY": [100, 200, 300, 400], "label": 7}]', "no words"),
    ("[{}]", "no words"),
    ('[{"KEY": [100, 200, 300, 400], "label": "A.", "score": 0.9}]', "alone"),  # a key that nobody reads
    ('[{"point_2d": [100, 200], "label": "A."}]', "alone"),  # another spelling of a place
    ('[{"KEY": [100, 200, 300], "label": "A."}]', "four numbers"),
    ('[{"KEY": [100, 200, 300, 400, 500], "label": "A."}]', "four numbers"),
    ('[{"KEY": [], "label": "A."}]', "four numbers"),  # null says "none"
    ('[{"KEY": [[100, 200, 300, 400], [1, 2]], "label": "A."}]', "four numbers"),
    ('[{"KEY": "100, 200, 300, 400", "label": "A."}]', "four numbers"),
    ('[{"KEY": {"x": 1}, "label": "A."}]', "four numbers"),
    ('[{"KEY": ["100", 200, 300, 400], "label": "A."}]', "finite number"),
    ('[{"KEY": [true, 200, 300, 400], "label": "A."}]', "finite number"),
    ('[{"KEY": [null, 200, 300, 400], "label": "A."}]', "finite number"),
    ('[{"KEY": [NaN, 200, 300, 400], "label": "A."}]', "NaN"),
    ('[{"KEY": [100, 200, Infinity, 400], "label": "A."}]', "Infinity"),
    ('[{"KEY": [100, 200, 1e999, 400], "label": "A."}]', "finite number"),  # overflows to infinity
    ('[{"KEY": [100, 200, ' + "9" * 400 + ', 400], "label": "A."}]', "finite number"),
    ('[{"KEY": [100, 200, ' + "9" * 5000 + ', 400], "label": "A."}]', "whole JSON list"),  # Python parses none so long
    ('[{"KEY": [300, 200, 100, 400], "label": "A."}]', "swapped"),
    ('[{"KEY": [100, 400, 300, 200], "label": "A."}]', "swapped"),
    ('[{"KEY": [100, 200, 100, 400], "label": "A."}]', "swapped"),  # no width
    ('[{"KEY": [0, 0, 0, 0], "label": "A."}]', "swapped"),
    ('[{"KEY": [100, 200, 300, 4000], "label": "A."}]', "out of range"),
    ('[{"KEY": [-500, 200, 300, 400], "label": "A."}]', "out of range"),
    ('[{"label": "A\\ud800."}]', "half a character"),  # cannot be written as UTF-8
    ('[{"label": "A\\u0000."}]', "control code"),
    ("[" * 60_000, "characters"),  # longer than any report
    ('[{"a":' * 8000, "whole JSON list"),  # nested beyond the parser's depth
]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[f"{n}-{reason}" for n, (_, reason) in enumerate(REFUSED)])
def test_what_is_not_well_formed_is_refused_with_a_reason(name, text, reason):
    answer = text.replace("KEY", FAMILIES[name])
    with pytest.raises(CodecError, match=reason) as caught:
        codec_named(name).decode(answer, placement=SQUARE)
    assert caught.value.raw == answer
    assert str(caught.value).startswith(name)


def test_the_error_does_not_quote_the_answer():
    with pytest.raises(CodecError) as caught:
        codec_named("qwen3-vl@1").decode('[{"label": "A.", "Mrs Smith": 1}]', placement=SQUARE)
    assert "Smith" not in str(caught.value)


def only_box(name, numbers, placement):
    entry = {FAMILIES[name]: numbers, "label": "A."}
    (phrase,) = codec_named(name).decode(json.dumps([entry]), placement=placement)
    return phrase


def test_gemma_writes_y_first_into_a_padded_square():
    """A 100 x 200 image in the middle of a square: input x 250 is the image's left edge, 750 its right."""
    phrase = only_box("gemma-box2d@1", [100, 250, 300, 500], letterbox(100, 200, side=896))
    (box,) = phrase.boxes
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == pytest.approx((0.0, 0.1, 0.5, 0.3))
    assert phrase.clipped == 0


def test_gemma_boxes_that_reach_into_the_padding_are_cut_and_counted():
    phrase = only_box("gemma-box2d@1", [100, 200, 300, 500], letterbox(100, 200, side=896))
    assert (phrase.boxes[0].x_min, phrase.clipped) == (0.0, 1)
    rounded = only_box("gemma-box2d@1", [100, 249, 300, 500], letterbox(100, 200, side=896))
    assert rounded.clipped == 0  # a step past the edge is the rounding of the spelling


@pytest.mark.parametrize("numbers", [[0, 0, 1001, 10], [-1, 0, 10, 10]])
def test_gemma_numbers_outside_of_its_range_are_refused_however_near(numbers):
    with pytest.raises(CodecError, match="out of range"):
        only_box("gemma-box2d@1", numbers, SQUARE)


def test_a_box_in_the_padding_is_refused():
    with pytest.raises(CodecError, match="beside the image"):
        only_box("gemma-box2d@1", [100, 0, 300, 240], letterbox(100, 200, side=896))


def test_qwen25_writes_pixels_of_the_resized_image():
    """A 2000 x 1000 image resized to 280 x 140: pixel 70 of 280 is a quarter."""
    (box,) = only_box("qwen2.5-vl@1", [70, 35, 140, 70], squash(2000, 1000, input_columns=280, input_rows=140)).boxes
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == pytest.approx((0.25, 0.25, 0.5, 0.5))


def test_qwen25_pixels_of_the_original_are_refused_not_cut():
    with pytest.raises(CodecError, match="another frame"):
        only_box("qwen2.5-vl@1", [500, 250, 1000, 500], squash(2000, 1000, input_columns=280, input_rows=140))


@pytest.mark.parametrize("name", ["qwen2.5-vl@1", "qwen3-vl@1"])
@pytest.mark.parametrize(
    ("numbers", "kept", "clipped"),
    [
        ([-50, 0, 500, 1000], (0.0, 0.0, 0.5, 1.0), 1),  # left of the image
        ([500, 900, 1050, 1060], (0.5, 0.9, 1.0, 1.0), 1),  # past the lower right corner
        ([0, 0, 1001, 1000], (0.0, 0.0, 1.0, 1.0), 0),  # a step is rounding
    ],
)
def test_qwen_boxes_that_leave_the_image_are_cut_and_counted(name, numbers, kept, clipped):
    phrase = only_box(name, numbers, SQUARE)
    (box,) = phrase.boxes
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == pytest.approx(kept)
    assert phrase.clipped == clipped


@pytest.mark.parametrize("name", ["qwen2.5-vl@1", "qwen3-vl@1"])
def test_a_qwen_box_wholly_past_the_edge_is_refused(name):
    with pytest.raises(CodecError, match="beside the image"):
        only_box(name, [1010, 100, 1050, 200], SQUARE)


def test_qwen3_numbers_do_not_depend_on_the_size_of_the_input():
    small, large = (squash(2000, 1000, input_columns=64 * k, input_rows=32 * k) for k in (1, 20))
    assert only_box("qwen3-vl@1", [250, 0, 500, 500], small).boxes[0].x_min == pytest.approx(0.25)
    assert only_box("qwen3-vl@1", [250, 0, 500, 500], large).boxes[0].x_min == pytest.approx(0.25)


@pytest.mark.parametrize("name", [*FAMILIES, "radfact@1", "prose@1"])
@given(text=st.text(alphabet='[]{}",:box_2dlabe 019.NaInfity\\`\n', max_size=80))
def test_any_text_is_read_or_refused(name, text):
    try:
        phrases = codec_named(name).decode(text, placement=SQUARE)
    except CodecError as error:
        assert error.raw == text
    else:
        assert phrases


def test_phrases_that_differ_only_in_what_was_cut_are_not_equal():
    whole, cut = only_box("qwen3-vl@1", [0, 0, 9, 9], SQUARE), only_box("qwen3-vl@1", [-9, 0, 9, 9], SQUARE)
    assert whole.boxes == cut.boxes == (Box(0.0, 0.0, 0.009, 0.009),)
    assert whole != cut
