from __future__ import annotations

import math

import pytest

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
    ],
)
def test_scores(tokens, expected):
    assert box_scores(tokens, [math.log(0.5)] * len(tokens)) == pytest.approx(expected)


def test_a_probability_for_each_token():
    with pytest.raises(ValueError, match="zip"):
        box_scores(["<box>"], [])
