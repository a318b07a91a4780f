"""What a draft could not take into account, in words: inputs that were missing, left out, or never seen.

Nothing is guessed here; every line follows from a stated input state, from the prompt, or from the placement.
"""

from __future__ import annotations

from cases.study import Case, InputName, InputState
from grounding.placement import Placement
from vlm.prompt import Prompt

NO_PRIOR = "No prior available: change cannot be assessed."
UNREAD_INPUTS = (InputName.PRIOR_IMAGE,)  # no model here takes a second image yet
WHOLE = 1.0 - 1e-9


def limitations(case: Case, *, prompt: Prompt, placement: Placement) -> tuple[str, ...]:
    """The limitations of a report on this case, in a fixed order; empty when everything was read in full."""
    return (
        *(_missing(state) for state in case.inputs if not state.present),
        *(_unread(state) for state in case.inputs if state.present and state.name in UNREAD_INPUTS),
        *_notes(prompt),
        *(f"{_words(name)}: too long for the prompt, not read." for name in prompt.left_out_inputs),
        *_margin(placement),
        *(() if prompt.used_note_ids else (NO_PRIOR,)),
    )


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _missing(state: InputState) -> str:
    reason = state.missing_reason.value.replace("_", " ") if state.missing_reason else "no reason given"
    return f"{_words(state.name.value)}: missing ({reason})."


def _unread(state: InputState) -> str:
    return f"{_words(state.name.value)}: present, but this model does not read it."


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
