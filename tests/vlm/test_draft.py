from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime

import numpy as np
import pytest

from cases.draft import DraftStatus, FailureKind
from cases.study import CaseStatus, InputName, InputState, MissingReason
from grounding.report import Polarity
from vlm.draft import draft_case
from vlm.errors import BackendError
from vlm.preprocess import model_input
from vlm.question import fitting_prompt

NOW = datetime(2024, 1, 2, 3, 4, tzinfo=UTC)


def drafted(case, backend, pixels):
    return draft_case(case, pixels=pixels, backend=backend, now=lambda: NOW, new_id=lambda: "d1")


def test_an_answer_becomes_a_grounded_report(make_case, scripted, pixels):
    backend = scripted.Scripted(scripted.answer)
    draft = drafted(make_case(), backend, pixels)
    assert (draft.status, draft.draft_id, draft.case_id, draft.created) == (DraftStatus.OK, "d1", "c1", NOW)
    (sentence,) = draft.report.sentences
    assert sentence.text == "Nodule in the right upper lobe."
    assert (sentence.finding, sentence.polarity, sentence.laterality.value) == ("nodule", Polarity.PRESENT, "right")
    assert "finding" in sentence.derived
    # bins 20 and 39 of 100 input pixels are 20.5 and 39.5; the 80 columns start at input pixel 10
    (box,) = sentence.boxes
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == pytest.approx((10.5 / 80, 0.305, 29.5 / 80, 0.495))
    assert draft.box_scores == pytest.approx((math.exp(-0.5 - 0.25 - 0.25 - 1.0),))
    assert draft.raw_text == scripted.NODULE
    assert [stage.stage for stage in draft.seconds] == ["prepare", "draft", "generate"]


def test_the_model_sees_the_letterboxed_image_and_the_rendered_prompt(make_case, scripted, pixels):
    backend = scripted.Scripted(scripted.answer)
    drafted(make_case(), backend, pixels)
    ((image, prompt),) = backend.asked
    assert np.array_equal(image, model_input(pixels, side=100)[0])
    assert prompt.startswith("age 61 sex F\nindication: persistent cough\n")


def test_the_identity_names_weights_prompt_and_versions(make_case, scripted, pixels):
    model = drafted(make_case(), scripted.Scripted(scripted.answer), pixels).model
    assert (model.model_id, model.revision, model.quantization, model.codec) == (
        "scripted",
        "f" * 64,
        "none",
        "maira2@1",
    )
    assert len(model.prompt_hash) == 64
    assert any(version.startswith("transformers==") for version in model.versions)


def test_a_sentence_that_quotes_the_note_cites_it(make_case, scripted, pixels):
    said = "<obj>Nodule in the right upper lobe, stable compared with the prior report.</obj>"
    draft = drafted(make_case(), scripted.Scripted(lambda: scripted.answer(said)), pixels)
    (sentence,) = draft.report.sentences
    text = make_case().notes[0].text
    assert sentence.citations
    assert all(text[c.start : c.end] == c.quote for c in sentence.citations)


@pytest.mark.parametrize(
    ("text", "truncated", "kind"),
    [
        ("", False, FailureKind.EMPTY),  # never answered
        (" \n", False, FailureKind.EMPTY),  # white space is no answer
        ("<obj>Nodule", True, FailureKind.TRUNCATED),  # the token limit
        ("<obj>No effusion.</obj>", True, FailureKind.TRUNCATED),  # cut between two sentences: still cut
        ("Nodule in the lung.", False, FailureKind.PARSE),  # prose outside of the grammar
        ("<obj>Nodule.<box><x9><y9><x3><y3></box></obj>", False, FailureKind.PARSE),  # swapped corners
        ("<obj>No nodule.<box><x1><y1><x9><y9></box></obj>", False, FailureKind.PARSE),  # an absence with a box
        ("<obj>No effusion.</obj><obj>no  effusion</obj>", False, FailureKind.REPEATING),  # says it twice
    ],
)
def test_what_is_no_report_is_a_failed_draft_with_its_raw_text(make_case, scripted, pixels, text, truncated, kind):
    draft = drafted(make_case(), scripted.Scripted(lambda: scripted.answer(text, truncated=truncated)), pixels)
    assert (draft.status, draft.failure.kind, draft.raw_text) == (DraftStatus.FAILED, kind, text)
    assert draft.report is None
    assert draft.placement is not None


def test_the_same_words_at_another_place_are_another_lesion(make_case, scripted, pixels):
    twice = scripted.NODULE + scripted.NODULE.replace("<y30>", "<y60>").replace("<y49>", "<y79>")
    draft = drafted(make_case(), scripted.Scripted(lambda: scripted.answer(twice)), pixels)
    assert draft.status is DraftStatus.OK
    assert len(draft.report.boxes) == 2
    assert draft.box_scores == ()  # this backend gave no tokens: not measured, never 0


@pytest.mark.parametrize("fault", [RuntimeError, MemoryError, KeyError, ZeroDivisionError, AssertionError])
def test_whatever_a_model_raises_is_a_crash_that_quotes_nothing(make_case, scripted, pixels, fault):
    def crash():
        raise fault("Jane Doe")

    draft = drafted(make_case(), scripted.Scripted(crash), pixels)
    assert draft.failure.kind is FailureKind.CRASH
    assert fault.__name__ in draft.failure.message
    assert "Jane" not in draft.failure.message


def test_a_typed_fault_keeps_its_kind_and_its_text(make_case, scripted, pixels):
    def fail():
        raise BackendError(FailureKind.NON_FINITE, "not finite at step 3", raw_text="<obj>half")

    draft = drafted(make_case(), scripted.Scripted(fail), pixels)
    assert (draft.failure.kind, draft.raw_text) == (FailureKind.NON_FINITE, "<obj>half")


def test_a_case_out_of_scope_asks_no_model(make_case, scripted):
    backend = scripted.Scripted(scripted.answer)
    case = make_case(status=CaseStatus.ABSTAINED, abstention="a lateral view", image=None)
    draft = drafted(case, backend, None)
    assert (draft.status, draft.abstention, backend.asked) == (DraftStatus.ABSTAINED, "a lateral view", [])


def test_an_excluded_image_is_not_shown(make_case, scripted, pixels):
    backend = scripted.Scripted(lambda: scripted.answer("<obj>No current image was given.</obj>"))
    case = make_case()
    states = [state for state in case.inputs if state.name is not InputName.CURRENT_IMAGE]
    states.append(InputState(InputName.CURRENT_IMAGE, present=False, missing_reason=MissingReason.EXCLUDED))
    draft = drafted(dataclasses.replace(case, inputs=tuple(states)), backend, pixels)
    assert backend.asked[0][0] is None
    said = "Current image: missing (excluded): nothing can be said of what the current study shows."
    assert said in draft.report.limitations


@pytest.mark.parametrize("wrong", [None, np.zeros((80, 100), np.uint16)])
def test_pixels_of_another_image_are_the_callers_fault(make_case, scripted, wrong):
    with pytest.raises(ValueError, match="pixels"):
        drafted(make_case(), scripted.Scripted(scripted.answer), wrong)


def test_a_prompt_that_the_model_cannot_take_is_shortened_by_whole_notes(make_case, scripted):
    class Narrow(scripted.Scripted):
        def fits(self, prompt, *, images=1):
            return len(prompt) <= 130

    backend = Narrow(scripted.answer)
    prompt = fitting_prompt(make_case(), backend)
    assert len(prompt.text) <= 130
    assert (prompt.cut_note_ids, prompt.left_out_note_ids) in [(("n1",), ()), ((), ("n1",))]
    assert fitting_prompt(make_case(), scripted.Scripted(scripted.answer)).used_note_ids == ("n1",)
