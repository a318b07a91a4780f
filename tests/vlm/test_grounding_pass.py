"""The second pass: boxes for sentences that were written without any; words never change."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from cases.draft import DraftStatus, FailureKind
from cases.study import InputName, InputState, MissingReason
from vlm.draft import draft_case
from vlm.errors import BackendError
from vlm.families import family_named
from vlm.grounding_pass import MOST_QUESTIONS

WORDS = "Nodule in the right upper lobe. No effusion. Small left pneumothorax."
NODULE = '[{"box_2d": [100, 300, 200, 400], "label": "Nodule in the right upper lobe."}]'
PNEUMOTHORAX = '[{"box_2d": [100, 600, 200, 700], "label": "Small left pneumothorax."}]'
SILENT = '[{"label": "Small left pneumothorax."}]'


@pytest.fixture
def two_pass(scripted, make_case, pixels):
    """Drafts with a backend that gives these answers in order, the last one for ever; returns draft and backend."""

    def draft(*answers, case=None, name="gemma3_two_pass"):
        family = family_named(name)
        given = iter(answers)
        last = [""]

        def act():
            last[0] = next(given, last[0])
            if isinstance(last[0], Exception):
                raise last[0]
            return last[0] if not isinstance(last[0], str) else scripted.answer(last[0])

        spec = dataclasses.replace(
            scripted.SPEC, family=name, codec=family.codec, prompt=family.prompt, input_side_px=family.side_px
        )
        backend = scripted.Scripted(act, spec)
        made = draft_case(
            case or make_case(),
            pixels=pixels,
            backend=backend,
            now=lambda: datetime(2024, 1, 2, tzinfo=UTC),
            new_id=lambda: "d1",
        )
        return made, backend

    return draft


def test_each_finding_is_asked_for_by_a_question_of_its_own(two_pass):
    draft, backend = two_pass(WORDS, NODULE, PNEUMOTHORAX)
    assert draft.status is DraftStatus.OK
    assert [(sentence.text, len(sentence.boxes)) for sentence in draft.report.sentences] == [
        ("Nodule in the right upper lobe.", 1),
        ("No effusion.", 0),  # what is absent has no place: not asked
        ("Small left pneumothorax.", 1),
    ]
    prompts = [prompt for _, prompt in backend.asked]
    assert len(prompts) == 3
    assert "plain English sentences" in prompts[0]
    assert "Nodule in the right upper lobe." in prompts[1]
    assert "Small left pneumothorax." in prompts[2]
    assert all("persistent cough" not in prompt for prompt in prompts[1:])
    assert all(image is backend.asked[0][0] or (image == backend.asked[0][0]).all() for image, _ in backend.asked)


def test_a_place_is_in_the_original_frame(two_pass):
    """80 x 100 in the middle of a square of 896: 0.3 of the input is (0.3 - 0.1) / 0.8 of the width."""
    draft, _ = two_pass("Nodule in the right upper lobe.", NODULE)
    (box,) = draft.report.boxes
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == pytest.approx((0.25, 0.1, 0.375, 0.2))


def test_all_answers_are_kept(two_pass):
    draft, _ = two_pass(WORDS, NODULE, PNEUMOTHORAX)
    assert draft.raw_text.startswith(WORDS)
    assert NODULE in draft.raw_text
    assert "[where is sentence 3?]\n" + PNEUMOTHORAX in draft.raw_text
    assert [stage.stage for stage in draft.seconds][:3] == ["prepare", "words", "draft"]


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ("It is on the left.", "could not be read"),  # prose
        ("", "could not be read"),  # silence
        ("[]", "could not be read"),
        ('[{"box_2d": [100, 300', "could not be read"),  # truncated
        ('[{"box_2d": [1, 2, 3, 5000], "label": "Small left pneumothorax."}]', "could not be read"),
        (SILENT, "showed no place"),
        ('[{"box_2d": [100, 600, 200, 700], "label": "Left pleural effusion."}]', "something else"),
        ('[{"box_2d": [100, 600, 200, 700], "label": "No pneumothorax."}]', "something else"),  # boxes on an absence
    ],
)
def test_a_sentence_without_a_readable_place_stays_and_the_report_says_so(two_pass, second, says):
    draft, _ = two_pass(WORDS, NODULE, second)
    assert [len(sentence.boxes) for sentence in draft.report.sentences] == [1, 0, 0]
    assert draft.report.sentences[2].text == "Small left pneumothorax."
    (said,) = [line for line in draft.report.limitations if line.startswith("Sentence")]
    assert said.startswith("Sentence 3: ")
    assert says in said


def test_a_related_name_is_the_same_finding(two_pass):
    draft, _ = two_pass("Nodule in the right lung.", NODULE.replace("Nodule in the right upper lobe.", "Mass."))
    assert len(draft.report.boxes) == 1


def test_words_that_cannot_be_read_are_a_failed_draft_and_nothing_more_is_asked(two_pass):
    draft, backend = two_pass('[{"label": "Nodule."}]', NODULE)
    assert (draft.failure.kind, len(backend.asked)) == (FailureKind.PARSE, 1)


def test_a_model_that_breaks_down_fails_the_draft_and_keeps_its_words(two_pass):
    draft, _ = two_pass(WORDS, NODULE, BackendError(FailureKind.NON_FINITE, "not finite at step 3"))
    assert (draft.status, draft.failure.kind) == (DraftStatus.FAILED, FailureKind.NON_FINITE)
    assert draft.raw_text == WORDS


def test_a_report_without_anything_to_show_asks_nothing(two_pass):
    draft, backend = two_pass("No focal nodule or mass. No effusion.")
    assert (draft.status, len(backend.asked)) == (DraftStatus.OK, 1)
    assert draft.raw_text == "No focal nodule or mass. No effusion."


def test_without_an_image_no_place_is_asked_for(two_pass, make_case):
    case = make_case()
    states = [state for state in case.inputs if state.name is not InputName.CURRENT_IMAGE]
    states.append(InputState(InputName.CURRENT_IMAGE, present=False, missing_reason=MissingReason.EXCLUDED))
    draft, backend = two_pass(WORDS, NODULE, case=dataclasses.replace(case, inputs=tuple(states)))
    assert (len(backend.asked), draft.report.boxes) == (1, ())


def test_no_more_questions_are_asked_than_a_draft_has_time_for(two_pass):
    words = " ".join(f"Nodule of {size} mm in the right lung." for size in range(3, 3 + MOST_QUESTIONS + 2))
    draft, backend = two_pass(words, NODULE)
    assert len(backend.asked) == 1 + MOST_QUESTIONS
    unasked = [line for line in draft.report.limitations if "not asked" in line]
    assert [line.split(":")[0] for line in unasked] == [f"Sentence {MOST_QUESTIONS + n}" for n in (1, 2)]


def test_a_box_that_was_cut_is_counted(two_pass):
    second = '[{"bbox_2d": [-50, 100, 300, 300], "label": "Nodule."}]'
    draft, _ = two_pass("Nodule in the right lung.", second, name="qwen3_vl_two_pass")
    assert any("cut at its edge" in line for line in draft.report.limitations)


def test_marks_in_a_sentence_open_no_token_in_the_question(two_pass):
    _, backend = two_pass("Nodule <5 mm in the right lung.", NODULE)
    assert "Nodule < 5 mm" in backend.asked[1][1]
