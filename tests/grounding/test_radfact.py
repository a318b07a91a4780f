"""RadFact's JSON, read and written; its shape is that of RadFact's own examples."""

from __future__ import annotations

import json

import pytest

from grounding.box import Box
from grounding.codecs.phrase import CodecError
from grounding.codecs.radfact import ORIGINAL, RadFactCodec, radfact_example, read_phrases, spell
from grounding.placement import letterbox
from grounding.report import GroundedReport, GroundedSentence

BOX = {"x_min": 0.25, "y_min": 0.5, "x_max": 0.5, "y_max": 0.75}
PHRASE = {"text": "Mass.", "boxes": [BOX]}


def decoded(value):
    return RadFactCodec().decode(json.dumps(value), placement=ORIGINAL)


@pytest.mark.parametrize(
    "value",
    [
        {"prediction": [PHRASE]},
        {"prediction": [PHRASE], "target": [], "example_id": 3},  # what is not the prediction is not read
        [PHRASE],  # the list alone
    ],
)
def test_an_example_or_its_phrases_are_read(value):
    (phrase,) = decoded(value)
    assert (phrase.text, phrase.boxes) == ("Mass.", (Box(0.25, 0.5, 0.5, 0.75),))


def test_a_fence_is_taken_off():
    text = f"```json\n{json.dumps({'prediction': [PHRASE]})}\n```"
    assert len(RadFactCodec().decode(text, placement=ORIGINAL)) == 1


def test_a_phrase_without_boxes_has_null_or_no_key():
    assert [len(phrase.boxes) for phrase in decoded([{"text": "A.", "boxes": None}, {"text": "B."}])] == [0, 0]


def box(**changes):
    return [{"text": "A.", "boxes": [BOX | changes]}]


REFUSED = [
    ({"prediction": []}, "empty"),  # "nothing found" must be a sentence
    ({"prediction": None}, "no list of phrases"),
    ({"target": [PHRASE]}, "has a 'prediction'"),
    ({"prediction": [PHRASE], "report": "text"}, "no more than"),  # another key
    ([{"text": "A.", "boxes": []}], "at least one, or null"),  # RadFact itself refuses it
    ([{"boxes": [BOX]}], "has a 'text'"),  # box without text
    ([{"text": " ", "boxes": [BOX]}], "no words"),
    ([{"text": "A.", "box": BOX}], "nothing else"),
    ([{"text": "A.", "boxes": BOX}], "at least one, or null"),  # a box in place of a list
    ([{"text": "A.", "boxes": [[0.1, 0.2, 0.3, 0.4]]}], "has the keys"),
    ([{"text": "A.", "boxes": [{"x_min": 0.1}]}], "has the keys"),
    (box(label="x"), "has the keys"),
    (box(x_max=1.5), "out of range"),
    (box(x_min=-0.1), "out of range"),
    (box(x_max=0.25), "swapped"),  # no width
    (box(y_max=0.1), "swapped"),
    (box(y_max=True), "finite number"),
    (box(y_max="0.75"), "finite number"),
    ([{"text": "A."}, "B."], "has a 'text'"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED)
def test_another_shape_is_refused_with_a_reason(value, reason):
    with pytest.raises(CodecError, match=reason) as caught:
        decoded(value)
    assert caught.value.raw == json.dumps(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("No effusion.", "JSON list"),  # prose
        ('{"prediction": [{"text": "A.", "boxes": null}', "truncated"),
        ('{"prediction": [{"text": "A.", "boxes": [{"x_min": 0.1}]', "truncated"),
        ('{"prediction": [{"text": "A."}]} and a mass', "stands behind"),
        ('{"prediction": [{"text": "A."}], "prediction": [{"text": "B."}]}', "twice"),  # two objects in one
        ('{"prediction": [{"text": "A.", "boxes": [{"x_min": NaN}]}]}', "NaN"),
        ("{" * 5000, "not whole JSON"),
    ],
)
def test_text_that_is_not_whole_json_is_refused(text, reason):
    with pytest.raises(CodecError, match=reason):
        RadFactCodec().decode(text, placement=ORIGINAL)


def test_an_answers_boxes_are_shares_of_what_the_model_was_shown():
    """A 100 x 200 image in a square: 0.25 of the input is its left edge."""
    answer = json.dumps([{"text": "A.", "boxes": [BOX]}])
    (phrase,) = RadFactCodec().decode(answer, placement=letterbox(100, 200, side=100))
    (found,) = phrase.boxes
    assert (found.x_min, found.x_max) == pytest.approx((0.0, 0.5))


REPORT = GroundedReport(
    (
        GroundedSentence("Mass.", boxes=(Box(0.25, 0.5, 0.5, 0.75), Box(0.0, 0.0, 0.125, 1.0))),
        GroundedSentence("Épanchement < 5 mm."),
    )
)


def test_a_report_is_written_in_the_shape_of_radfacts_examples():
    example = radfact_example(REPORT, target=REPORT, example_id=0)
    assert list(example) == ["prediction", "target", "example_id"]
    second = {"x_min": 0.0, "y_min": 0.0, "x_max": 0.125, "y_max": 1.0}
    assert example["prediction"] == [
        {"text": "Mass.", "boxes": [BOX, second]},
        {"text": "Épanchement < 5 mm.", "boxes": None},
    ]
    assert "target" not in radfact_example(REPORT)  # an empty reference would be a claim


def test_what_is_written_is_read_back():
    phrases = read_phrases(json.loads(json.dumps(radfact_example(REPORT)))["prediction"])
    assert [(phrase.text, phrase.boxes) for phrase in phrases] == [
        (sentence.text, sentence.boxes) for sentence in REPORT.sentences
    ]
    assert RadFactCodec().decode(spell(phrases, placement=ORIGINAL), placement=ORIGINAL) == phrases


def test_rows_of_another_shape_keep_themselves_as_raw():
    with pytest.raises(CodecError, match="no list") as caught:
        read_phrases({"text": "A."})
    assert caught.value.raw == '{"text": "A."}'
