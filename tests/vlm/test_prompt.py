from __future__ import annotations

import dataclasses
import hashlib
from datetime import date

import pytest

from cases.study import InputName, InputState, MissingReason, PriorNote
from vlm.prompt import TEMPLATES, interval_words, load_template, render, tidy

WHOLE = """age 61 sex F
indication: persistent cough
values: smoking current ; CRP 12 mg/L
prior report 6 months earlier: Nodule in the right upper lobe. No effusion."""


def test_a_full_case(make_case):
    prompt = render(make_case())
    assert prompt.text == WHOLE
    assert prompt.used_note_ids == ("n1",)
    assert prompt.left_out_note_ids == prompt.cut_note_ids == prompt.left_out_inputs == ()


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"age_years": None}, "age 61"),
        ({"sex": None}, "sex F"),
        ({"age_years": None, "sex": None}, "age 61 sex F\n"),  # the whole line goes
        ({"indication": None}, "indication: persistent cough\n"),
        ({"indication": "  "}, "indication: persistent cough\n"),  # white space is no indication
        ({"observations": ()}, "values: smoking current ; CRP 12 mg/L\n"),
    ],
)
def test_a_missing_input_is_removed_not_blanked(make_case, changes, gone):
    left = WHOLE.replace(gone, "")
    assert render(make_case(**changes)).text == "\n".join(line.strip() for line in left.splitlines())


def test_without_notes_there_is_no_word_of_a_prior(make_case):
    assert "prior" not in render(make_case(notes=())).text


def test_nothing_but_the_image_is_an_empty_prompt(make_case):
    bare = make_case(notes=(), indication=None, age_years=None, sex=None, observations=())
    assert render(bare).text == ""


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        (InputName.PRIOR_NOTES, "prior"),
        (InputName.INDICATION, "indication"),
        (InputName.STRUCTURED_VALUES, "values"),
    ],
)
def test_an_excluded_input_is_removed_even_if_it_has_a_value(make_case, name, gone):
    excluded = InputState(name, present=False, missing_reason=MissingReason.EXCLUDED)
    case = make_case()
    prompt = render(dataclasses.replace(case, inputs=(*[i for i in case.inputs if i.name is not name], excluded)))
    assert gone not in prompt.text


def note(note_id, written, text="Clear lungs."):
    return PriorNote(note_id, written, "report", text)


def test_notes_go_newest_first_undated_last(make_case):
    notes = (note("old", date(2019, 1, 1)), note("undated", None), note("new", date(2021, 6, 1)))
    prompt = render(make_case(notes=notes))
    assert prompt.used_note_ids == ("new", "old", "undated")
    assert prompt.text.splitlines()[-3:] == [
        "prior report 2 weeks earlier: Clear lungs.",
        "prior report 2 years earlier: Clear lungs.",
        "prior report: Clear lungs.",
    ]


def test_a_note_that_does_not_fit_is_cut_after_a_sentence_and_named(make_case):
    long = "First sentence here. Second sentence here. " + "Third sentence is far too long " * 40
    notes = (note("long", date(2021, 6, 1), long), note("older", date(2020, 1, 1)))
    prompt = render(make_case(notes=notes), budget_chars=300)
    assert prompt.text.endswith("First sentence here. Second sentence here.")
    assert (prompt.used_note_ids, prompt.cut_note_ids) == (("long",), ("long",))
    assert prompt.left_out_note_ids == ("older",)  # the older one does not overtake


def test_a_note_of_which_no_sentence_fits_is_left_out_and_older_ones_with_it(make_case):
    notes = (note("long", date(2021, 6, 1), "word " * 400), note("older", date(2020, 1, 1)))
    prompt = render(make_case(notes=notes))
    assert prompt.left_out_note_ids == ("long", "older")
    assert "prior" not in prompt.text


@pytest.mark.parametrize("budget", range(0, 400, 7))
def test_the_budget_is_kept_and_every_note_accounted_for(make_case, budget):
    notes = tuple(note(f"n{k}", date(2021, 6, 1 + k), f"Sentence {k}. " * (k + 1)) for k in range(5))
    prompt = render(make_case(notes=notes), budget_chars=budget)
    assert len(prompt.text) <= budget
    assert sorted(prompt.used_note_ids + prompt.left_out_note_ids) == ["n0", "n1", "n2", "n3", "n4"]
    assert set(prompt.cut_note_ids) <= set(prompt.used_note_ids)


def test_exactly_enough_room_is_enough(make_case):
    assert render(make_case(), budget_chars=len(WHOLE)).text == WHOLE
    assert render(make_case(), budget_chars=len(WHOLE) - 1).cut_note_ids == ("n1",)


def test_what_was_seen_of_a_note_is_the_start_of_its_text(make_case):
    text = "  First\n sentence.  Second <one.\n\nThird one. \n"
    case = make_case(notes=(note("n1", None, text),))
    whole = render(case)
    assert whole.seen_text(case) == {"n1": text.rstrip()}
    assert whole.cut_note_ids == ()
    cut = render(case, budget_chars=len(whole.text) - 1)
    assert cut.text.endswith("prior report: First sentence. Second < one.")
    assert cut.seen_text(case) == {"n1": "  First\n sentence.  Second <one."}


def test_a_huge_indication_is_left_out_and_named(make_case):
    prompt = render(make_case(indication="cough " * 1000))
    assert prompt.left_out_inputs == ("indication",)
    assert "cough" not in prompt.text
    assert prompt.used_note_ids == ("n1",)


def test_a_note_of_a_later_day_is_not_a_prior(make_case):
    prompt = render(make_case(notes=(note("later", date(2021, 6, 16)),)))
    assert prompt.left_out_note_ids == ("later",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<image>", "< image>"),  # the image's own token
        ("<obj>x<box>", "< obj>x< box>"),  # the grammar's tokens
        ("<<image>image>", "< < image>image>"),  # one inside another
        ("a\nvalues: b\r\n\tc", "a values: b c"),  # no new section
        ("\u2028line\u00a0break", "line break"),  # Unicode's own white space
    ],
)
def test_untrusted_text_opens_no_token_and_no_section(text, expected):
    assert tidy(text) == expected


def test_a_note_cannot_smuggle_a_field_or_a_fragment(make_case):
    prompt = render(make_case(notes=(note("n1", None, "See {age} and [sex {sex}]."),)))
    assert prompt.text.endswith("prior report: See {age} and [sex {sex}].")


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "same day"),
        (1, "1 day earlier"),
        (13, "13 days earlier"),
        (14, "2 weeks earlier"),
        (59, "8 weeks earlier"),
        (60, "2 months earlier"),
        (365, "12 months earlier"),
        (731, "2 years earlier"),
    ],
)
def test_intervals_in_words(days, words):
    assert interval_words(date.fromordinal(700000 - days), until=date.fromordinal(700000)) == words


def test_the_hash_is_of_the_file():
    template = load_template("overread-1")
    assert template.sha256 == hashlib.sha256((TEMPLATES / "overread-1.txt").read_bytes()).hexdigest()


def test_an_unknown_template_names_the_known():
    with pytest.raises(LookupError, match="overread-1"):
        load_template("../prompt")
