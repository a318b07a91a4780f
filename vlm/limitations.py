"""What a draft could not take into account, in words: inputs that were missing, left out, or never seen.

A line on a missing or unread input also says what its absence forbids a reader to take from the draft. Nothing is
guessed here; every line follows from a stated input state, from the prompt, from the placement, or from what the
model's family never reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cases.study import Case, InputName, InputState
from grounding.placement import Placement
from vlm.families import Family, family_named
from vlm.prompt import Prompt, is_missing

NO_PRIOR = "No prior available: change cannot be assessed."
UNUSED_NOTE = "Prior note supplied, not used by this model."
NO_PRIOR_READ = "No prior was read: change cannot be assessed."
CLIPPED_ONE = "1 box reached past the image and was cut at its edge."
WHOLE = 1.0 - 1e-9
FORBIDS: Final[Mapping[InputName, str]] = MappingProxyType(  # what cannot be said without the input
    {
        InputName.CURRENT_IMAGE: "nothing can be said of what the current study shows",
        InputName.PRIOR_IMAGE: "change cannot be seen against an earlier image",
        InputName.PRIOR_NOTES: "nothing is known of earlier reports, history or follow-up",
        InputName.INDICATION: "the clinical question is not known",
        InputName.STRUCTURED_VALUES: "laboratory values and recorded risks cannot be weighed",
    }
)


def limitations(case: Case, *, prompt: Prompt, placement: Placement, family: Family | None = None) -> tuple[str, ...]:
    """The limitations of a report on this case, in a fixed order; empty when everything was read in full.

    Args:
        case: that is drafted.
        prompt: as rendered for it.
        placement: of its image in the model's input.
        family: of the model; the embedded one's by default.
    """
    present = {state.name for state in case.inputs if state.present}
    unread = (family or family_named("overread")).never_reads(prior_image_given=InputName.PRIOR_IMAGE in present)
    note_unused = InputName.PRIOR_NOTES in unread and bool(case.notes) and not is_missing(case, InputName.PRIOR_NOTES)
    return (
        *(_missing(state) for state in case.inputs if not state.present),
        *(_unread(name) for name in unread if name in present and name is not InputName.PRIOR_NOTES),
        *((UNUSED_NOTE,) if note_unused else _notes(prompt)),
        *(f"{_words(name)}: too long for the prompt, not read." for name in prompt.left_out_inputs),
        *_margin(placement),
        *_without_prior(case, prompt, image_unread=InputName.PRIOR_IMAGE in unread),
    )


def clipped_boxes(count: int) -> tuple[str, ...]:
    """That boxes of the draft reached past the image; nothing when none did.

    >>> clipped_boxes(1)
    ('1 box reached past the image and was cut at its edge.',)
    """
    if count == 0:
        return ()
    return (f"{count} boxes reached past the image and were cut at its edge." if count > 1 else CLIPPED_ONE,)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _missing(state: InputState) -> str:
    reason = state.missing_reason.value.replace("_", " ") if state.missing_reason else "no reason given"
    return f"{_words(state.name.value)}: missing ({reason}): {FORBIDS[state.name]}."


def _unread(name: InputName) -> str:
    return f"{_words(name.value)}: present, but this model does not read it: {FORBIDS[name]}."


def _without_prior(case: Case, prompt: Prompt, *, image_unread: bool) -> tuple[str, ...]:
    """That there was nothing to compare with, or that nothing of it was read; nothing where a prior was read."""
    image = case.prior_image is not None and not is_missing(case, InputName.PRIOR_IMAGE)
    notes = bool(case.notes) and not is_missing(case, InputName.PRIOR_NOTES)
    if prompt.used_note_ids or (image and not image_unread):
        return ()
    return (NO_PRIOR_READ if image or notes else NO_PRIOR,)


def _notes(prompt: Prompt) -> tuple[str, ...]:
    """Which notes were not read, or not to their end, by their ids (opaque, ours)."""
    left_out = (
        f"Note {note_id}: left out (no room in the prompt, or later than the study)."
        for note_id in prompt.left_out_note_ids
    )
    cut = (f"Note {note_id}: only its first sentences were read." for note_id in prompt.cut_note_ids)
    return (*left_out, *cut)


def _margin(placement: Placement) -> tuple[str, ...]:
    seen = placement.seen
    if seen.area >= WHOLE:
        return ()
    return (f"{1 - seen.area:.0%} of the image lies in a margin that the model never saw.",)
