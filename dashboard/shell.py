"""The script every page runs through: check the server, open the store, say who is reading, go to the page."""

from __future__ import annotations

import streamlit as st
from streamlit import config

from cases.store.errors import StoreError
from dashboard import resources
from dashboard.components.frame import icon, identity_picker, page_frame
from dashboard.settings import require_safe_server

require_safe_server(config.get_option)
st.set_page_config(page_title="Overread", page_icon=icon(), layout="wide")

page = st.navigation(
    [
        st.Page("views/worklist.py", title="Worklist", icon=":material/list_alt:", default=True),
        st.Page("views/reading_room.py", title="Reading room", icon=":material/visibility:"),
        st.Page("views/pilot.py", title="Pilot", icon=":material/monitoring:"),
    ]
)
identity_picker()
try:
    resources.store()
except StoreError as error:
    page_frame("The store cannot be opened")
    st.error(str(error))
    st.stop()
page.run()
