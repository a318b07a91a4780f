"""The worklist as rows with one button each; twenty to a page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard import desk as desks
from dashboard import state
from dashboard.components.drafting import draft_button
from dashboard.identity import Person
from dashboard.markup import chip, chips, plain
from dashboard.worklist_rows import SIGNED, WorklistRow

PER_PAGE = 20
WIDTHS = (2.4, 1.3, 1.6, 1.5, 2.1, 1.2, 0.9)
HEADS = ("Case", "Status", "Wait", "Draft", "Missing inputs", "", "")


def pages_of(rows: Sequence[WorklistRow]) -> Sequence[WorklistRow]:
    """The rows of the page that the reader is on; draws the page numbers where there is more than one page."""
    pages = max(1, -(-len(rows) // PER_PAGE))
    if pages == 1:
        return rows
    page = st.pagination(pages, key="worklist.page")
    return rows[(page - 1) * PER_PAGE : page * PER_PAGE]


def worklist_table(rows: Sequence[WorklistRow], *, reader: Person | None) -> None:
    """Draw the rows; a press on Open records the view and asks for the reading room."""
    if not rows:
        st.caption("Nothing here.")
        return
    for column, head in zip(st.columns(WIDTHS), HEADS, strict=True):
        column.html(f'<div class="or-head">{head}</div>')
    for row in rows:
        _row(row, reader)


def _open(case_id: str, reader: Person | None) -> None:
    """As a callback, since it runs even where the list that the press came from was just drawn anew."""
    if reader is not None:
        desks.open_case(case_id, reader=reader)
        state.ask_for_reading_room()


def _row(row: WorklistRow, reader: Person | None) -> None:
    with st.container(border=True, key=f"row_{row.case_id}"):
        cells = st.columns(WIDTHS, vertical_alignment="center")
        case = f"<b>{plain(row.case_id)}</b><small>{plain(row.patient)}<br>{plain(row.indication)}</small>"
        cells[0].html(f'<div class="or-cell">{case}</div>')
        cells[1].html(chip(row.status_words, "good" if row.status in SIGNED else "plain"))
        cells[2].html(f'<div class="or-cell">{plain(row.wait_words)}</div>')
        with cells[3]:
            _draft_cell(row)
        cells[4].html(chips(row.missing, "warn") or '<span class="or-note">none</span>')
        with cells[5]:  # beside the words, not below: a row must not change its height when its draft comes in
            draft_button(row.case_id, offer=row.offer, job=row.job, reader=reader)
        cells[6].button(
            "Open",
            key=f"open_{row.case_id}",
            disabled=reader is None,
            help="Choose who is reading first, at the left" if reader is None else None,
            width="stretch",
            on_click=partial(_open, row.case_id, reader),
        )


def _draft_cell(row: WorklistRow) -> None:
    """What became of the drafting, and where a request stands."""
    live = row.job is not None and row.job.live
    if live:
        st.html(chip(row.job_words, "warn"))
    elif row.draft_ok:
        st.html(f'<div class="or-cell">{plain(row.draft_words)}</div>')
    else:
        note = f'<div class="or-note">{plain(row.job_words)}</div>' if row.job_words else ""
        st.html(chip(row.draft_words, "bad") + note)
