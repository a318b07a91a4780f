from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from cases.study import InputName, InputState, MissingReason, PriorNote
from grounding.context import read
from grounding.placement import center_crop, letterbox
from vlm.families import family_named
from vlm.limitations import FORBIDS, NO_PRIOR, NO_PRIOR_READ, limitations
from vlm.prompt import Prompt, render

WHOLE = letterbox(80, 100, side=64)


def test_a_case_with_all_its_inputs_lacks_only_the_prior_image(make_case):
    case = make_case()
    said = limitations(case, prompt=render(case), placement=WHOLE)
    assert said == ("Prior image: missing (not sent): change cannot be seen against an earlier image.",)


def test_without_a_note_change_cannot_be_assessed(make_case):
    case = make_case(notes=())
    assert limitations(case, prompt=render(case), placement=WHOLE)[-1] == NO_PRIOR


def test_notes_left_out_or_cut_are_named(make_case):
    notes = (
        PriorNote("later", date(2030, 1, 1), "report", "Clear."),
        PriorNote("long", date(2021, 1, 1), "report", "Clear. " + "word " * 400),
        PriorNote("old", date(2020, 1, 1), "report", "Clear."),
    )
    case = make_case(notes=notes)
    said = limitations(case, prompt=render(case), placement=WHOLE)
    assert said[-3:] == (
        "Note later: left out (no room in the prompt, or later than the study).",
        "Note old: left out (no room in the prompt, or later than the study).",
        "Note long: only its first sentences were read.",
    )


def test_the_unseen_margin_is_stated(make_case):
    case = make_case()
    # 80 x 100 cropped to a square shows 80 of 100 rows
    said = limitations(case, prompt=render(case), placement=center_crop(80, 100, side=64))
    assert "20% of the image lies in a margin that the model never saw." in said


def test_a_prior_image_is_present_but_unread(make_case):
    case = make_case(inputs=(InputState(InputName.PRIOR_IMAGE, present=True),))
    said = limitations(case, prompt=render(case), placement=WHOLE, family=family_named("gemma3"))
    assert said == (
        "Prior image: present, but this model does not read it: change cannot be seen against an earlier image.",
    )


def test_an_indication_that_did_not_fit_is_stated(make_case):
    case = make_case()
    said = limitations(case, prompt=Prompt("", left_out_inputs=("indication",)), placement=WHOLE)
    assert "Indication: too long for the prompt, not read." in said


@pytest.mark.parametrize("name", list(InputName))
def test_each_missing_input_is_named_with_its_reason_and_what_it_forbids(make_case, name):
    away = InputState(name, present=False, missing_reason=MissingReason.UNREADABLE)
    case = make_case(inputs=(away,))
    said = limitations(case, prompt=Prompt("", used_note_ids=("n1",)), placement=WHOLE)
    assert said == (f"{name.value.replace('_', ' ').capitalize()}: missing (unreadable): {FORBIDS[name]}.",)
    assert read(said[0]).mentions == ()  # a finding named here would excuse a missing box


READS = dataclasses.replace(family_named("overread"), unused=())
BLIND = dataclasses.replace(family_named("overread"), unused=(InputName.PRIOR_IMAGE,))


@pytest.mark.parametrize(
    ("image", "noted", "family", "used", "said"),
    [
        (False, False, READS, False, NO_PRIOR),  # no prior of any kind
        (False, True, READS, True, None),  # the note was read
        (False, True, READS, False, NO_PRIOR_READ),  # the note did not fit, or is later than the study
        (True, False, READS, False, None),  # an earlier image alone is something to compare with
        (True, False, BLIND, False, NO_PRIOR_READ),  # the image is there and unread
        (True, True, BLIND, True, None),
        (True, True, READS, False, None),
    ],
)
def test_change_is_forbidden_only_where_nothing_earlier_was_read(make_case, image, noted, family, used, said):
    base = make_case()
    prior = dataclasses.replace(base.image, acquired=date(2020, 1, 1))
    case = make_case(
        prior_image=prior if image else None,
        notes=base.notes if noted else (),
        inputs=(InputState(InputName.PRIOR_IMAGE, present=True),) if image else (),
    )
    prompt = Prompt("", used_note_ids=("n1",) if used else ())
    found = limitations(case, prompt=prompt, placement=WHOLE, family=family)
    assert [line for line in found if line in (NO_PRIOR, NO_PRIOR_READ)] == ([said] if said else [])
