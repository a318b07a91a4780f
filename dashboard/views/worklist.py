"""The worklist: every case with where it stands, how long it waits, what is missing and what the draft became."""

from __future__ import annotations

import streamlit as st

from dashboard import resources
from dashboard.components.frame import page_frame, say_who
from dashboard.components.worklist_table import pages_of, worklist_table
from dashboard.worklist_rows import Show, rows_of

reader = page_frame("Worklist")
rows = rows_of(resources.store(), now=resources.utc_now())

if reader is None:
    say_who()

if not rows:
    st.info("No cases yet. Bring some in with `overread import PATH`, or make the demo pilot with `make demo`.")
    st.stop()

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
