"""The head of a case: who is on the image (pseudonymously), why, what was missing, and what the draft became."""

from __future__ import annotations

import streamlit as st

from cases.draft import Draft, DraftStatus
from cases.study import Case
from dashboard.markup import chip, chips, plain
from dashboard.words import draft_words, missing_inputs, patient_line


def case_header(case: Case, *, limits: tuple[str, ...]) -> None:
    """Draw the head of a case.

    Args:
        case: which.
        limits: what its draft could not take into account, where the draft's evidence does not say it below.
    """
    missing = missing_inputs(case)
    inputs = chips(missing, "warn") if missing else chip("all inputs present", "good")
    st.html(
        f'<div class="or-cell"><b>{plain(case.case_id)}</b> &nbsp; {plain(patient_line(case))}'
        f"<small>Indication: {plain(case.indication or 'not sent')}</small></div>"
        f'<div class="or-inputs"><span class="or-note">Inputs </span>{inputs}</div>'
        + "".join(f'<div class="or-note">Import: {plain(words)}</div>' for words in case.warnings)
        + (f'<div class="or-note">Draft: {plain(" ".join(limits))}</div>' if limits else "")
    )


def limitations(draft: Draft | None) -> tuple[str, ...]:
    """What the draft could not take into account, in the author's own words."""
    return draft.report.limitations if draft is not None and draft.report is not None else ()


def say_no_draft(case: Case, draft: Draft | None) -> None:
    """Say in words why there is no drafted sentence, and what the reader can do."""
    if draft is not None and draft.status is DraftStatus.OK:
        return
    words = draft_words(draft)
    if draft is not None and draft.failure is not None:
        words += f": {draft.failure.message}"
    reason = case.abstention or (draft.abstention if draft is not None else None)
    if reason:
        words = f"Out of scope for the model: {reason}"
    with st.container(border=True):
        st.html(f'<div class="or-cell">{chip("No AI text", "warn")} {plain(words)}</div>')
        st.caption(
            "Nothing was found and nothing was ruled out by the model. Write your own report below, then sign it."
        )
        if draft is not None and draft.raw_text:
            with st.expander("What the model answered (it could not be read as a report)"):
                st.text(draft.raw_text)
