"""The reading room: the image and its boxes beside the sentences, each decided on and then signed."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.components.frame import page_frame, say_who
from dashboard.components.workspace import workspace

reader = page_frame("")
reading = state.reading()

if reader is None:
    say_who()
    st.stop()
if reading is None:
    st.info("No case is open. Choose one from the worklist.")
    st.page_link("views/worklist.py", label="To the worklist", icon=":material/list_alt:")
    st.stop()

workspace(reading, reader)
