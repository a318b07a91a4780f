from __future__ import annotations

import pytest

from grounding.placement import squash
from vlm.instructions import asked, case_lines, place_question

TEMPLATE = (
    '[age {age}]\n--- ask\nReport [in JSON], {"x": 1}, {{columns}} x {{rows}}.\n--- place\nWhere: {{sentence}}?\n'
)
PLACEMENT = squash(2000, 1000, input_columns=280, input_rows=140)


def test_what_is_asked_stands_behind_the_case_and_is_not_filled_from_it():
    assert case_lines(TEMPLATE) == ["[age {age}]"]
    assert asked("age 61", text=TEMPLATE, placement=PLACEMENT) == 'age 61\n\nReport [in JSON], {"x": 1}, 280 x 140.'
    assert asked("", text=TEMPLATE, placement=PLACEMENT).startswith("Report")


def test_a_template_that_asks_nothing_leaves_the_words_alone():
    assert asked("age 61", text="[age {age}]\n", placement=PLACEMENT) == "age 61"
    assert asked("", text="[age {age}]\n", placement=PLACEMENT) == ""


def test_a_sentence_is_put_in_as_it_is():
    words = place_question("Nodule {{columns}} --- ask", text=TEMPLATE, placement=PLACEMENT)
    assert words == "Where: Nodule {{columns}} --- ask?"


def test_a_template_without_a_second_question_says_so():
    with pytest.raises(LookupError, match="--- place"):
        place_question("Nodule.", text="[age {age}]\n--- ask\nReport.\n", placement=PLACEMENT)
