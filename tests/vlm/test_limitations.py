from __future__ import annotations

from datetime import date

from cases.study import InputName, InputState, PriorNote
from grounding.placement import center_crop, letterbox
from vlm.limitations import NO_PRIOR, limitations
from vlm.prompt import Prompt, render

WHOLE = letterbox(80, 100, side=64)


def test_a_case_with_all_its_inputs_lacks_only_the_prior_image(make_case):
    case = make_case()
    assert limitations(case, prompt=render(case), placement=WHOLE) == ("Prior image: missing (not sent).",)


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
    said = limitations(case, prompt=render(case), placement=WHOLE)
    assert said == ("Prior image: present, but this model does not read it.",)


def test_an_indication_that_did_not_fit_is_stated(make_case):
    case = make_case()
    said = limitations(case, prompt=Prompt("", left_out_inputs=("indication",)), placement=WHOLE)
    assert "Indication: too long for the prompt, not read." in said
