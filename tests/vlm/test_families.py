from __future__ import annotations

import dataclasses
import importlib
from datetime import UTC, datetime

import numpy as np
import pytest

from cases.draft import DraftStatus
from cases.study import InputName, PriorNote
from grounding.box import Box
from grounding.codecs.phrase import Phrase
from grounding.codecs.registry import CODECS, codec_named
from vlm.draft import draft_case
from vlm.families import FAMILIES, Fit, Grounding, family_named
from vlm.instructions import place_question
from vlm.limitations import NO_PRIOR, NO_PRIOR_READ, UNUSED_NOTE
from vlm.preprocess import TOKENS, fitted
from vlm.prompt import load_template
from vlm.question import fitting_prompt

JOINT = sorted(name for name, family in FAMILIES.items() if family.grounding is Grounding.JOINT)
TWO_PASS = sorted(set(FAMILIES) - set(JOINT))
BOX = Box(0.3, 0.3, 0.6, 0.7)
SIZES = ((80, 100), (100, 80), (64, 150))  # columns, rows: none is square


def spec_of(scripted, family):
    known = family_named(family)
    return dataclasses.replace(
        scripted.SPEC, family=family, codec=known.codec, prompt=known.prompt, input_side_px=known.side_px
    )


def spelt(family, phrases, placement):
    return importlib.import_module(CODECS[family.codec].split(":")[0]).spell(phrases, placement=placement)


def drafted(case, backend, pixels):
    return draft_case(
        case, pixels=pixels, backend=backend, now=lambda: datetime(2024, 1, 2, tzinfo=UTC), new_id=lambda: "d1"
    )


def sized(make_case, columns, rows):
    case = make_case()
    return dataclasses.replace(case, image=dataclasses.replace(case.image, columns=columns, rows=rows))


@pytest.mark.parametrize("name", FAMILIES)
def test_each_entry_names_a_codec_and_a_template_that_exist(name):
    family = family_named(name)
    assert family.name == name
    assert codec_named(family.codec).name == family.codec
    assert codec_named(family.draft_codec).name == family.draft_codec
    text = load_template(family.prompt).text
    placement = fitted(80, 100, fit=family.fit, side=family.side_px)
    if family.grounding is Grounding.SECOND_PASS:
        assert "Nodule" in place_question("Nodule.", text=text, placement=placement)
    else:
        assert "--- place" not in text


def test_an_unknown_family_is_a_lookup_error_that_names_the_known_ones():
    with pytest.raises(LookupError, match="qwen3_vl"):
        family_named("llava")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gemma3", ('"box_2d": [y0, x0, y1, x1]', "0 to 1000", "sides of the patient")),
        ("qwen2_5_vl", ('"bbox_2d": [x0, y0, x1, y1]', "812 pixels wide", "1008 pixels high", "sides of the patient")),
        ("qwen3_vl", ('"bbox_2d": [x0, y0, x1, y1]', "0 to 1000", "sides of the patient")),
        ("maira2", ("<obj>", "<box>", "0 to 99", "sides of the patient")),
    ],
)
def test_a_prompt_says_how_to_answer_and_whose_left_is_left(make_case, scripted, name, words):
    prompt = fitting_prompt(sized(make_case, 2048, 2500), scripted.Scripted(scripted.answer, spec_of(scripted, name)))
    assert all(word in prompt.text for word in words)
    assert "{{" not in prompt.text
    assert "persistent cough" in prompt.text


def test_instructions_are_kept_however_little_room_there_is(make_case, scripted):
    class Narrow(scripted.Scripted):
        def fits(self, prompt, *, images=1):
            return "persistent cough" not in prompt

    prompt = fitting_prompt(make_case(), Narrow(scripted.answer, spec_of(scripted, "qwen3_vl")))
    assert "bbox_2d" in prompt.text
    assert prompt.left_out_inputs[0] == "indication"


def test_a_long_note_goes_whole_into_a_large_models_prompt(make_case, scripted):
    note = PriorNote("n1", None, "report", "The lungs are clear. " * 100)
    backend = scripted.Scripted(scripted.answer, spec_of(scripted, "gemma3"))
    assert fitting_prompt(make_case(notes=(note,)), backend).cut_note_ids == ()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", JOINT)
def test_a_drafted_box_comes_back_to_where_it_is_in_the_original(make_case, scripted, name, size):
    """The answer is spelt in the input's frame; the draft holds the box in the original's, whatever the fit."""
    columns, rows = size
    family = family_named(name)
    placement = fitted(columns, rows, fit=family.fit, side=family.side_px)
    text = spelt(family, (Phrase("Nodule in the right lung.", (BOX,)), Phrase("No effusion.")), placement)
    backend = scripted.Scripted(lambda: scripted.answer(text), spec_of(scripted, name))
    draft = drafted(sized(make_case, columns, rows), backend, np.full((rows, columns), 30000, np.uint16))
    assert draft.status is DraftStatus.OK
    assert draft.placement == placement
    (found,) = draft.report.boxes
    seen = placement.seen
    expected = Box(
        max(BOX.x_min, seen.x_min), max(BOX.y_min, seen.y_min), min(BOX.x_max, seen.x_max), min(BOX.y_max, seen.y_max)
    )
    assert found.iou(expected) > (0.7 if name == "overread" else 0.9)  # the embedded model's sizes are coarse
    assert backend.asked[0][0].shape == (placement.input_rows, placement.input_columns)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", JOINT)
def test_the_image_lies_where_the_placement_says(make_case, scripted, name, size):
    """A bright square at a known place of the original is bright at its place in the input, and nowhere else."""
    columns, rows = size
    pixels = np.zeros((rows, columns), np.uint16)
    pixels[rows // 2 : rows // 2 + 12, columns // 2 : columns // 2 + 12] = 65535
    family = family_named(name)
    placement = fitted(columns, rows, fit=family.fit, side=family.side_px)
    backend = scripted.Scripted(lambda: scripted.answer(""), spec_of(scripted, name))
    drafted(sized(make_case, columns, rows), backend, pixels)
    image = backend.asked[0][0]
    lit_rows, lit_columns = np.nonzero(image > 127)
    x = (columns // 2 / columns, (columns // 2 + 12) / columns)
    y = (rows // 2 / rows, (rows // 2 + 12) / rows)
    expected = placement.to_input(Box(x[0], y[0], x[1], y[1]))
    found = (lit_columns.min(), lit_rows.min(), lit_columns.max() + 1, lit_rows.max() + 1)
    assert found == pytest.approx(expected, abs=1.5)


def test_maira2_says_what_it_did_not_use_and_never_saw(make_case, scripted, pixels):
    """80 x 100 is cropped to its middle 80 rows; the earlier report is not in the prompt at all."""
    backend = scripted.Scripted(lambda: scripted.answer("<obj>No effusion.</obj>"), spec_of(scripted, "maira2"))
    draft = drafted(make_case(), backend, pixels)
    assert "Nodule in the right upper lobe" not in backend.asked[0][1]
    assert draft.report.limitations == (
        "Prior image: missing (not sent): change cannot be seen against an earlier image.",
        UNUSED_NOTE,
        "20% of the image lies in a margin that the model never saw.",
        NO_PRIOR_READ,
    )


def test_without_a_note_maira2_has_none_to_leave_unused(make_case, scripted, pixels):
    backend = scripted.Scripted(lambda: scripted.answer("<obj>No effusion.</obj>"), spec_of(scripted, "maira2"))
    said = drafted(make_case(notes=()), backend, pixels).report.limitations
    assert UNUSED_NOTE not in said
    assert said[-1] == NO_PRIOR


@pytest.mark.parametrize("name", ["gemma3", "qwen2_5_vl", "qwen3_vl", "overread"])
def test_other_families_read_the_note(make_case, scripted, name):
    prompt = fitting_prompt(make_case(), scripted.Scripted(scripted.answer, spec_of(scripted, name)))
    assert prompt.used_note_ids == ("n1",)


def test_boxes_that_were_cut_are_counted_in_the_draft(make_case, scripted, pixels):
    text = '[{"bbox_2d": [-50, 10, 300, 300], "label": "Nodule."}]'
    backend = scripted.Scripted(lambda: scripted.answer(text), spec_of(scripted, "qwen3_vl"))
    assert (
        "1 box reached past the image and was cut at its edge."
        in drafted(make_case(), backend, pixels).report.limitations
    )


def test_a_family_reads_a_prior_image_only_where_it_is_not_among_what_it_leaves_unread():
    reading = dataclasses.replace(family_named("maira2"), unused=())
    assert reading.never_reads(prior_image_given=True) == ()
    assert reading.never_reads(prior_image_given=False) == (InputName.PRIOR_NOTES,)
    assert family_named("maira2").never_reads(prior_image_given=True) == (InputName.PRIOR_IMAGE, InputName.PRIOR_NOTES)


@pytest.mark.parametrize("name", TWO_PASS)
def test_a_two_pass_family_differs_from_its_own_only_in_how_it_is_asked(name):
    own, second = family_named(name.removesuffix("_two_pass")), family_named(name)
    assert (second.architecture, second.codec, second.fit) == (own.architecture, own.codec, own.fit)
    assert (second.draft_codec, own.draft_codec) == ("prose@1", own.codec)


@pytest.mark.parametrize(("fit", "step"), [(Fit.RESIZED_28, 28), (Fit.RESIZED_32, 32)])
@pytest.mark.parametrize("size", [(2048, 2500), (2500, 2048), (333, 1001), (512, 512), (3000, 40)], ids=str)
def test_a_resized_input_is_left_alone_by_qwens_own_processor(fit, step, size):
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    limits = {28: (3136, 12_845_056), 32: (65_536, 16_777_216)}[step]
    for side in (448, 1008, 1024):
        placement = fitted(*size, fit=fit, side=side)
        rows, columns = placement.input_rows, placement.input_columns
        assert rows % step == columns % step == 0
        assert smart_resize(rows, columns, step, *limits) == (rows, columns)
        assert placement.seen.area == pytest.approx(1.0)
        if min(size) > 300:  # on others, whole tokens bend the shape
            assert columns / rows == pytest.approx(size[0] / size[1], rel=0.1)
            assert side - step < max(columns, rows) <= side


def test_the_limits_are_those_of_the_installed_and_the_published_processors():
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil as Processor

    step, least, most = TOKENS[Fit.RESIZED_28]
    assert step == Processor.patch_size * Processor.merge_size
    assert least == Processor.size["shortest_edge"]
    assert most == 16_384 * step * step  # as published: more than the class's own default
    assert TOKENS[Fit.RESIZED_32] == (32, 64 * 32 * 32, 16_384 * 32 * 32)


def test_an_image_too_thin_for_qwen_is_refused():
    with pytest.raises(ValueError, match="over 200 times"):
        fitted(5000, 20, fit=Fit.RESIZED_28, side=1008)
