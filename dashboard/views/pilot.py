"""The pilot page: each figure as n of N with its 95 % interval and its definition in words."""

from __future__ import annotations

import streamlit as st

from dashboard import resources
from dashboard.components.figures import figure_grid
from dashboard.components.frame import page_frame

page_frame("Pilot")
figure_grid(resources.kpis())
st.caption(
    "Failed and abandoned drafts stand beside every rate. A figure that was not measured says so; it is never zero."
)
