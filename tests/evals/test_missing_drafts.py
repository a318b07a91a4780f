"""The embedded model on all 32 subsets of a simulated case with five inputs: each a report or a stated abstention."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from cases.draft import Draft, DraftStatus
from cases.study import InputName
from evals.drafter import product_drafter
from evals.longitudinal_scenes import simulated_scenes
from evals.missing import changes_claimed, names_missing
from evals.missing_cases import SUBSETS, Inputs, given, whole_case
from grounding.report import Progression
from vlm.backends.transformers_local import TransformersLocal
from vlm.limitations import NO_PRIOR, NO_PRIOR_READ
from vlm.registry import embedded_spec

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def drafter():
    return product_drafter(TransformersLocal(embedded_spec()), now=lambda: NOON, new_id=lambda: "d")


@pytest.fixture(scope="module")
def whole():
    return whole_case(next(iter(simulated_scenes(n=1, seed=8))), Progression.WORSE, np.random.default_rng(8))


@pytest.fixture(scope="module")
def drafts(drafter, whole) -> dict[Inputs, Draft]:
    found = {}
    for inputs in SUBSETS:
        case, pixels = given(whole, inputs)
        found[inputs] = drafter(case, pixels=pixels)
    return found


@pytest.mark.parametrize("inputs", SUBSETS, ids=lambda inputs: "+".join(sorted(inputs)) or "nothing")
def test_each_subset_drafts_and_says_what_was_missing(drafts, inputs):
    draft = drafts[inputs]
    assert draft.status is DraftStatus.OK, draft.failure
    assert draft.report.sentences
    assert names_missing(draft.report, inputs)
    without_prior = not inputs & {InputName.PRIOR_IMAGE, InputName.PRIOR_NOTES}
    assert (NO_PRIOR in draft.report.limitations) == without_prior
    if without_prior:
        assert changes_claimed(draft.report)[1] == 0  # whatever claims a change is flagged
    if InputName.CURRENT_IMAGE not in inputs:
        assert draft.report.boxes == ()  # nothing is shown on a picture that was not given


def test_what_was_never_read_is_said_not_to_have_been(drafts):
    """An earlier image alone: the model was shown it, or its report says that no prior was read."""
    said = drafts[frozenset({InputName.CURRENT_IMAGE, InputName.PRIOR_IMAGE})].report.limitations
    unread = any(line.startswith("Prior image: present, but this model does not read it") for line in said)
    assert (NO_PRIOR_READ in said) == unread
    assert NO_PRIOR not in said


def test_an_input_that_is_left_out_changes_what_the_model_is_asked(drafts):
    texts = {tuple(one.text for one in draft.report.sentences) for draft in drafts.values()}
    assert len(texts) > 4  # it is one model under 32 prompts, not one answer


def test_a_case_without_any_picture_is_abstained_from_in_words(drafter, whole):
    case = dataclasses.replace(given(whole, frozenset())[0], image=None, abstention="no frontal image came in")
    draft = drafter(case, pixels=None)
    assert (draft.status, draft.abstention) == (DraftStatus.ABSTAINED, "no frontal image came in")
