"""What a case asks of a model: which images go with which family, and which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from cases.pixels import Pixels
from cases.study import Image, InputName, InputState, MissingReason, PriorNote
from vlm.families import family_named
from vlm.prompt import Prompt
from vlm.question import question_of, readable, shows_prior

READS = replace(family_named("overread"), unused=())  # the embedded family, with a prior image read
BLIND = replace(family_named("overread"), unused=(InputName.PRIOR_IMAGE,))
NOTES_BESIDE = replace(READS, beside_prior_image=(InputName.PRIOR_NOTES,))


def image(shape, day):
    return Image("0" * 64, *shape, "DX", "PA", None, None, day, simulated=True)


@pytest.fixture
def compared(make_case):
    """A case with a prior image, 100 x 80 now and 50 x 60 before."""
    return replace(
        make_case(),
        image=image((100, 80), date(2026, 3, 1)),
        prior_image=image((50, 60), date(2025, 3, 1)),
        notes=(PriorNote("n", None, "report", "A nodule."),),
        inputs=tuple(InputState(name, present=True) for name in InputName),
    )


PIXELS = Pixels(np.full((100, 80), 40000, np.uint16), np.full((50, 60), 20000, np.uint16))


def ask(case, *, pixels=PIXELS, family=READS):
    return question_of(case, pixels=pixels, side=320, prompt=Prompt(""), family=family)


def test_a_family_that_reads_it_is_shown_the_prior_image_by_its_own_fit(compared):
    question = ask(compared)
    assert question.prior.shape == (320, 320)
    assert question.prior[160, 160] == round(20000 / 65535 * 255)
    assert question.prior[10, 160] == 0  # 60 wide, 50 high: black above
    assert not any("Prior image" in line for line in question.limitations)


def test_a_family_that_does_not_is_not_and_says_so(compared):
    question = ask(compared, family=BLIND)
    assert question.prior is None
    said = "Prior image: present, but this model does not read it: change cannot be seen against an earlier image."
    assert said in question.limitations


def test_a_prior_image_that_the_case_calls_missing_is_removed(compared):
    away = InputState(InputName.PRIOR_IMAGE, present=False, missing_reason=MissingReason.EXCLUDED)
    removed = replace(compared, inputs=tuple(away if one.name is away.name else one for one in compared.inputs))
    assert ask(removed).prior is None
    assert not shows_prior(removed, READS)


@pytest.mark.parametrize(
    "pixels",
    [
        PIXELS.current,  # the current image's alone
        Pixels(PIXELS.current, PIXELS.current),  # another image's
        Pixels(PIXELS.prior, PIXELS.current),  # swapped
    ],
)
def test_pixels_that_are_not_the_cases_are_refused(compared, pixels):
    with pytest.raises(ValueError, match="pixels"):
        ask(compared, pixels=pixels)


def test_notes_that_are_read_beside_a_prior_image_only_do_not_stand_in_the_prompt_without_one(compared):
    assert readable(compared, NOTES_BESIDE).notes
    alone = replace(compared, prior_image=None)
    assert readable(alone, NOTES_BESIDE).notes == ()
    assert readable(alone, READS).notes
