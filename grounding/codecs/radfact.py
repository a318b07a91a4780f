"""RadFact's JSON: phrases as `{"text": ..., "boxes": [{"x_min", "y_min", "x_max", "y_max"}] | null}`, 0 to 1.

Read as a model's answer (through the `Placement`: the numbers are shares of the image that the model was shown) and as
a file's phrases (shares of the original image), and written as RadFact's own examples are, so that its command reads
them. It is an interchange format between programs, so a number outside of 0 to 1 is refused, not cut, and so is an
empty list of boxes, as RadFact itself refuses it: null says "none".

Source: microsoft/RadFact (MIT), `grounded_phrase_list.py` and `examples/grounded_reporting_examples.json`, read for
their shape.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grounding.box import Box
from grounding.codecs.edges import Corners, Located, drawn, located, ordered, within
from grounding.codecs.json_list import bare, corners_of, last_list, parsed, refusing, words_of
from grounding.codecs.phrase import CodecError, Phrase
from grounding.placement import Placement, squash
from grounding.report import GroundedReport

NAME: Final = "radfact@1"
PREDICTION, TARGET, EXAMPLE = "prediction", "target", "example_id"
KEYS: Final = ("x_min", "y_min", "x_max", "y_max")
ORIGINAL: Final = squash(1, 1, input_columns=1, input_rows=1)  # shares of the image itself
_LEAST: Final = (0.0, 0.0, 0.0, 0.0)
_MOST: Final = (1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class RadFactCodec:
    """Reads answers in RadFact's JSON: an example with its prediction, or the list of its phrases alone.

    >>> RadFactCodec().decode('[{"text": "No effusion.", "boxes": null}]', placement=ORIGINAL)
    (Phrase(text='No effusion.', boxes=()),)
    """

    name: str = NAME

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order.

        Args:
            text: the answer; an object with a "prediction", fenced or not, or a list that ends it.
            placement: how the image was laid into the model's input, of which the numbers are shares.

        Raises:
            CodecError: it is not whole JSON of that shape, has no phrase, a phrase has no words or an empty list of
                boxes, or a box is out of range, swapped, or in the padding.
        """
        with refusing(NAME, raw=text):
            answer = bare(text).removeprefix("```json").removeprefix("```").lstrip()
            rows = _prediction(parsed(answer)) if answer.startswith("{") else last_list(text)
            return _phrases(rows, placement=placement)


def read_phrases(rows: object) -> tuple[Phrase, ...]:
    """The phrases of a file's "prediction" or "target"; boxes are shares of the original image.

    Raises:
        CodecError: see `RadFactCodec.decode`; its `raw` is the rows as JSON.
    """
    raw = json.dumps(rows, ensure_ascii=False, default=repr)
    with refusing(NAME, raw=raw):
        return _phrases(rows, placement=ORIGINAL)


def radfact_example(
    report: GroundedReport, *, target: GroundedReport | None = None, example_id: int | str | None = None
) -> dict[str, Any]:
    """A report as one of RadFact's examples.

    Args:
        report: the prediction.
        target: the reference; without one the key is left out, since an empty reference would be a claim.
        example_id: as RadFact's examples are numbered; left out when None.

    >>> from grounding.report import GroundedSentence
    >>> radfact_example(GroundedReport((GroundedSentence("No effusion."),)), example_id=0)
    {'prediction': [{'text': 'No effusion.', 'boxes': None}], 'example_id': 0}
    """
    example: dict[str, Any] = {PREDICTION: radfact_phrases(report)}
    if target is not None:
        example[TARGET] = radfact_phrases(target)
    if example_id is not None:
        example[EXAMPLE] = example_id
    return example


def radfact_phrases(report: GroundedReport) -> list[dict[str, Any]]:
    """The sentences of a report as RadFact's phrases; a sentence without boxes has null, never an empty list."""
    return [
        {"text": sentence.text, "boxes": [box.as_dict() for box in sentence.boxes] or None}
        for sentence in report.sentences
    ]


def spell(phrases: Sequence[Phrase], *, placement: Placement) -> str:
    """The answer that `decode` reads back as these phrases, exactly but for rounding of floating-point numbers.

    Raises:
        ValueError: a box lies where the model saw nothing.
    """
    rows = [
        {"text": phrase.text, "boxes": [_shares(box, placement) for box in phrase.boxes] or None} for phrase in phrases
    ]
    return json.dumps({PREDICTION: rows}, ensure_ascii=False)


def _prediction(value: object) -> object:
    if not isinstance(value, dict) or PREDICTION not in value or not set(value) <= {PREDICTION, TARGET, EXAMPLE}:
        msg = f"an example of RadFact has a {PREDICTION!r}, and no more than a {TARGET!r} and an {EXAMPLE!r}"
        raise ValueError(msg)
    return value[PREDICTION]


def _phrases(rows: object, *, placement: Placement) -> tuple[Phrase, ...]:
    if not isinstance(rows, list) or not rows:
        msg = 'there is no list of phrases, or it is empty: "nothing found" must be a sentence'
        raise ValueError(msg)
    return tuple(_phrase(row, placement=placement) for row in rows)


def _phrase(row: object, *, placement: Placement) -> Phrase:
    if not isinstance(row, dict) or not {"text"} <= set(row) <= {"text", "boxes"}:
        msg = "a phrase of RadFact has a 'text' and 'boxes', nothing else"
        raise ValueError(msg)
    words, boxes = words_of(row["text"]), row.get("boxes")
    if boxes is not None and (not isinstance(boxes, list) or not boxes):
        msg = "the boxes of a phrase are a list of at least one, or null"
        raise ValueError(msg)
    found = tuple(_located(box, placement) for box in boxes or ())
    return Phrase(words, tuple(box for box, _ in found), clipped=sum(cut for _, cut in found))


def _located(box: object, placement: Placement) -> Located:
    if not isinstance(box, dict) or set(box) != set(KEYS):
        msg = f"a box of RadFact has the keys {', '.join(KEYS)}"
        raise ValueError(msg)
    x_min, y_min, x_max, y_max = ordered(within(corners_of([box[key] for key in KEYS]), least=_LEAST, most=_MOST))
    columns, rows = placement.input_columns, placement.input_rows
    corners: Corners = (x_min * columns, y_min * rows, x_max * columns, y_max * rows)
    return located(corners, placement=placement, step=(columns / 1000, rows / 1000))


def _shares(box: Box, placement: Placement) -> dict[str, float]:
    x_min, y_min, x_max, y_max = drawn(box, placement=placement)
    columns, rows = placement.input_columns, placement.input_rows
    shares = (x_min / columns, y_min / rows, x_max / columns, y_max / rows)
    return dict(zip(KEYS, shares, strict=True))


__all__ = [
    "CodecError",
    "RadFactCodec",
    "radfact_example",
    "radfact_phrases",
    "read_phrases",
    "spell",
]
