"""The prior notes beside the image, with the spans that sentences cite marked and numbered."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from cases.study import Case, PriorNote
from dashboard.markup import Mark, marked_note, plain
from grounding.report import GroundedSentence


def note_marks(note: PriorNote, sentences: Sequence[GroundedSentence]) -> tuple[Mark, ...]:
    """The spans of this note that the sentences cite; a citation that does not stand in the note marks nothing."""
    return tuple(
        Mark(citation.start, citation.end, index)
        for index, sentence in enumerate(sentences)
        for citation in sentence.citations
        if citation.note_id == note.note_id and citation.stands_in(note.text)
    )


def notes_panel(case: Case, sentences: Sequence[GroundedSentence], *, selected: int | None) -> None:
    """Draw all prior notes, newest first."""
    st.html('<div class="or-section">Prior notes</div>')
    if not case.notes:
        st.caption("No prior note came with this case, so no comparison can be drawn.")
    for note in case.notes:
        _note(note, note_marks(note, sentences), selected=selected)
    if case.notes:
        st.caption("Notes are reduced, not de-identified. Marked spans are quoted by the numbered sentence.")
    for value in case.observations:
        when = f" ({value.observed.isoformat()})" if value.observed else ""
        st.html(f'<div class="or-cell">{plain(value.name)}: {plain(value.value)}{when}</div>')


def _note(note: PriorNote, marks: Sequence[Mark], *, selected: int | None) -> None:
    date = note.written.isoformat() if note.written else "undated"
    with st.container(border=True):
        st.html(
            f'<div class="or-note">{plain(note.kind)} · {date} · {plain(note.note_id)}</div>'
            f'<div class="or-paper">{marked_note(note.text, marks=marks, selected=selected)}</div>'
        )
