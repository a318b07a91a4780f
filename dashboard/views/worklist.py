"""The worklist: every case with where it stands, how long it waits, what is missing and what the draft became."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from dashboard import resources, state
from dashboard.components.drafting import drawn, refresh, say_line, say_refusal
from dashboard.components.frame import page_frame, say_who
from dashboard.components.worklist_table import pages_of, worklist_table
from dashboard.identity import Person
from dashboard.worklist_rows import Show, rows_of


def worklist(reader: Person | None, every: timedelta | None) -> None:
    """Draw the list; only it is drawn again while cases are drafted. After a press on Open, go to the reading room."""
    if state.reading_room_asked_for():
        st.switch_page("views/reading_room.py")
    desk = resources.drafting()
    rows = rows_of(resources.store(), now=resources.utc_now(), jobs=desk.jobs)
    if not rows:
        st.info("No cases yet. Bring some in with `overread import PATH`, or make the demo pilot with `make demo`.")
        return
    with st.container():  # there with or without words, so that no row moves when they come or go
        say_line(desk)
        say_refusal()
    counts = {show: sum(1 for row in rows if show.holds(row)) for show in Show}
    shown = st.segmented_control(
        "Show",
        list(Show),
        default=Show.OPEN,
        required=True,
        format_func=lambda show: f"{show.value} ({counts[show]})",
        key="worklist.show",
        label_visibility="collapsed",
    )
    chosen = [row for row in rows if (shown or Show.OPEN).holds(row)]
    worklist_table(pages_of(chosen), reader=reader)
    if (refresh() is None) != (every is None):
        st.rerun(scope="app")  # to begin, or to end, refreshing


person = page_frame("Worklist")
if person is None:
    say_who()
interval = refresh()
drawn(worklist, every=interval)(person, interval)
