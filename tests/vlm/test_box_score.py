from __future__ import annotations

import json
import math

import pytest

from grounding.box import Box
from grounding.codecs import gemma, qwen3, radfact
from grounding.codecs.phrase import Phrase
from grounding.placement import squash
from vlm.box_score import box_scores


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], ()),  # no answer
        (["No", "effusion"], ()),  # no box
        (["<box>", "a", "b", "</box>"], (0.25,)),  # 0.5 for each of two location tokens
        (["<box>", "a", "</box>", "w", "<box>", "a", "b", "c", "</box>"], (0.5, 0.125)),  # in order
        ([" <box>", "a", "</box> "], (0.5,)),  # a tokenizer's white space
        (["<box>", "a"], ()),  # never closed: truncated, no score
        (["</box>", "a"], ()),  # closed without being opened
        (["<box>", "a", "<box>", "b", "</box>"], (0.5,)),  # opened twice: the inner one is the box
        (["<box>", "<x1>", "<y2>", "<x3>", "<y4>", "</box>"], (0.5**4,)),  # MAIRA-2, each bin a token
        (["<", "box", ">", "<x", "1>", "<y2>", "</", "box", ">"], (0.5**3,)),  # a server that cuts special tokens
        (["<box>", " ", "<x1>", "\n", "<y2>", "</box>"], (0.25,)),  # white space is no place
        (["<box>", "", "<x1>", "</box>"], (0.5,)),  # a token of half a character is no text yet
        (["<obj>", "a ", "<box>", "<x1>", "</box>", "<box>", "<x2>", "<y2>", "</box>"], (0.5, 0.25)),  # two of one
    ],
)
def test_the_product_over_location_tokens(tokens, expected):
    assert box_scores(tokens, [math.log(0.5)] * len(tokens)) == pytest.approx(expected)


def scored(*parts):
    """Tokens with a probability each; a bare string has 0.001, which must not count."""
    pairs = [part if isinstance(part, tuple) else (part, 0.001) for part in parts]
    return box_scores([text for text, _ in pairs], [math.log(p) for _, p in pairs])


H, Q = 0.5, 0.25
END = '], "label": "a"}]'
REST = (',"y_max":', ("1", Q), "}]}]")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # one number a token: the geometric mean of 1/2, 1/2, 1/4, 1/4 is (1/64) ** (1/4)
        (['[{"box_2d": [', ("1", H), ",", ("2", H), ",", ("3", Q), ",", ("4", Q), END], (64**-0.25,)),
        # digit by digit: five tokens hold digits
        (
            ['[{"bbox_2d": [', ("1", H), ("0", H), ",", ("2", H), ",", ("3", H), ",", ("4", Q), END],
            ((0.5**4 * 0.25) ** 0.2,),
        ),
        # bracket, comma and digit in one token; two coordinates in one token count once
        (['[{"box_2d"', ":", (" [1", H), ",", ("2, 3", Q), (", 4]", H), "}]"], ((1 / 16) ** (1 / 3),)),
        # one token for all four
        (['[{"box_2d":', ("[1,2,3,4]", Q), ',"label":"a"}]'], (0.25,)),
        # a list of boxes under one key, and two entries: in the order of the answer
        (
            [
                '[{"box_2d": [[',
                ("1,2,3,4", H),
                "], [",
                ("5,6,7,8", Q),
                ']], "label": "a"}, {"label": "b", "box_2d": [',
                ("1,1,2,2", 0.75),
                "]}]",
            ],
            (0.5, 0.25, 0.75),
        ),
        (['[{"box_2d": null, "label": "No effusion."}]'], ()),  # no box
        # the numbers of the words do not count, nor a box that the words quote
        (
            ['[{"label": "', "12", ' mm \\"box_2d\\": [', "1,2,3,4", ']", "box_2d": [', ("1,2,3,4", H), "]}]"],
            (0.5,),
        ),
        # boxes of the reasoning, before the answer's own list
        (['So [{"box_2d": [', ("9,9,9,9", Q), ']}] it is. [{"box_2d": [', ("1,2,3,4", H), END], (0.5,)),
        # a fence and an end token around it
        (["```json\n", '[{"box_2d": [', ("1,2,3,4", H), END, "\n", "```", "<end_of_turn>"], (0.5,)),
        # fractions, exponents and signs belong to the number
        (
            ['[{"box_2d": [', ("-1", H), (".5", H), ",", ("2e", H), ("1", H), ",", ("3, 4", Q), END],
            ((0.5**4 * 0.25) ** 0.2,),
        ),
        # RadFact: a corner has a name, in any order, and the names do not count
        (
            [
                '{"prediction": [{"text": "a", "boxes": [{"x_min": ',
                ("0.1", H),
                ', "y_min": ',
                ("0.2", H),
                ', "y_max": ',
                ("0.", Q),
                ("9", Q),
                ', "x_max": ',
                ("0.8", H),
                "}]}]}",
            ],
            ((0.5**3 * 0.25**2) ** 0.2,),
        ),
        # RadFact, its list alone; "0," is one token
        (
            ['[{"text": "a", "boxes": [{"x_min":', ("0,", H), '"y_min":', ("0", H), ',"x_max":', ("1", H), *REST],
            ((0.5**3 * 0.25) ** 0.25,),
        ),
        (['[{"box_2d": [', ("1", H), ",", ("2", H)], ()),  # truncated
        (["The nodule lies at [1, 2, 3, 4]."], ()),  # prose
        (['[{"box_2d": [', ("1,2,3,4", H), END, " and more"], ()),  # what the codec refuses has no score
    ],
)
def test_the_geometric_mean_over_the_tokens_of_numbers(parts, expected):
    assert scored(*parts) == pytest.approx(expected)


BOXES = (Box(0.1, 0.2, 0.3, 0.4), Box(0.5, 0.5, 0.75, 1.0))
PHRASES = (Phrase("Nodule.", BOXES[:1]), Phrase("No effusion."), Phrase("Two masses.", BOXES))


@pytest.mark.parametrize("codec", [gemma, qwen3, radfact])
@pytest.mark.parametrize("length", [1, 2, 3, 7, 1000])
def test_as_many_scores_as_the_codec_reads_boxes_however_the_answer_is_cut(codec, length):
    text = codec.spell(PHRASES, placement=squash(100, 100, input_columns=100, input_rows=100))
    tokens = [text[start : start + length] for start in range(0, len(text), length)]
    assert box_scores(tokens, [math.log(0.5)] * len(tokens)) == pytest.approx((0.5,) * 3)


def test_a_short_number_gains_nothing():
    """Equally sure of every digit, a box in the corner and one far from it score alike."""
    near, far = ([{"box_2d": box, "label": "a"}] for box in ([1, 2, 3, 4], [901, 902, 990, 1000]))
    scores = [box_scores(list(json.dumps(one)), [math.log(0.5)] * len(json.dumps(one))) for one in (near, far)]
    assert scores[0] == pytest.approx(scores[1])


def test_a_probability_for_each_token():
    with pytest.raises(ValueError, match="one probability a token"):
        box_scores(["<box>"], [])
