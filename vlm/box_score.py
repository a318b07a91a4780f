"""How probable a model itself found each box it drew: the score by which boxes are ranked.

Two spellings, two scores; neither is a calibrated probability that the box is right, and they are comparable between
boxes of one codec only. The probabilities are the raw model's, before a grammar took other tokens away.

- Location tokens between `<box>` and `</box>` (the embedded model's cells, MAIRA-2's `<x12><y34>`): the *product* of
  the tokens' probabilities, which is the probability of exactly this place once a box is begun. Every box of such a
  codec has the same number of tokens (or of pieces of them), so no box gains by being short.
- Numbers in JSON (`box_2d` of Gemma, `bbox_2d` of Qwen, RadFact's corners): the *geometric mean* over the tokens that
  hold a digit of a coordinate. A tokenizer may spell 7 by one token and 1000 by four; under a product, boxes near the
  upper left corner would win by that alone. Brackets, commas, keys and words do not count.

A token counts when it shares a character with a coordinate, however the tokenizer cut the answer: `"[5"`, `"7,"` and
`"7, 5"` each count once. Only boxes of the answer that the codec reads are scored: the last list, not earlier ones in
the model's reasoning.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from grounding.codecs.json_list import answer_start

Span = tuple[int, int]

_OBJECT_BOX: Final = re.compile(r"<box>((?:(?!<box>).)*?)</box>", re.DOTALL)
_KEYED: Final = re.compile(r'"b?box_2d"\s*:\s*(\[(?:[^\[\]]|\[[^\[\]]*\])*\])')  # a box, or a list of boxes
_FLAT: Final = re.compile(r"\[[^\[\]]*\]")
_CORNERS: Final = re.compile(r'\{[^{}]*"x_min"\s*:[^{}]*\}')
_NUMBER: Final = re.compile(r"(?<=[\[,:\s])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def box_scores(tokens: Sequence[str], log_probabilities: Sequence[float]) -> tuple[float, ...]:
    """The score of each box, in the order of the answer; none where no box can be told from the tokens.

    Args:
        tokens: the answer's tokens as text.
        log_probabilities: natural log of each token's probability; same length.

    Raises:
        ValueError: not one probability a token.

    >>> tokens = ["a", "<box>", "<x1>", "<y2>", "</box>"]
    >>> [round(score, 6) for score in box_scores(tokens, [-9.0, -9.0, math.log(0.5), math.log(0.25), -9.0])]
    [0.125]
    """
    if len(tokens) != len(log_probabilities):
        msg = f"one probability a token: {len(tokens)} tokens, {len(log_probabilities)} probabilities"
        raise ValueError(msg)
    text = "".join(tokens)
    spans = _token_spans(tokens)
    objects = _object_boxes(text)
    if objects:
        return tuple(_product(_logs([box], spans, log_probabilities)) for box in objects)
    return tuple(_geometric_mean(_logs(box, spans, log_probabilities)) for box in _json_boxes(text))


def _token_spans(tokens: Sequence[str]) -> list[Span]:
    """Where each token's own characters lie in the answer, without the white space around them."""
    ends = accumulate(len(token) for token in tokens)
    starts = (end - len(token.lstrip()) for token, end in zip(tokens, ends, strict=True))
    return [(start, start + len(token.strip())) for token, start in zip(tokens, starts, strict=True)]


def _object_boxes(text: str) -> list[Span]:
    """The insides of the boxes of objects."""
    return [found.span(1) for found in _OBJECT_BOX.finditer(text)]


def _json_boxes(text: str) -> list[list[Span]]:
    """For each box of the last JSON value, where its four numbers stand."""
    start = answer_start(text)
    if start is None:
        return []
    flat = [
        (keyed.start(1) + one.start(), keyed.start(1) + one.end())
        for keyed in _KEYED.finditer(text, start)
        for one in _FLAT.finditer(keyed[1])
    ]
    corners = [found.span() for found in _CORNERS.finditer(text, start)]
    return [[number.span() for number in _NUMBER.finditer(text, *box)] for box in sorted([*flat, *corners])]


def _logs(places: Sequence[Span], spans: Sequence[Span], log_probabilities: Sequence[float]) -> list[float]:
    """Of every token that shares a character with one of the places."""
    return [
        log_probability
        for (start, end), log_probability in zip(spans, log_probabilities, strict=True)
        if start < end and any(start < last and first < end for first, last in places)
    ]


def _product(logs: Sequence[float]) -> float:
    return math.exp(sum(logs))


def _geometric_mean(logs: Sequence[float]) -> float:
    return math.exp(sum(logs) / len(logs)) if logs else 0.0
