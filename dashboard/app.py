"""The server: refuses to start with unsafe settings, then serves the script beside it.

Started by `streamlit run dashboard/app.py` (or `overread demo`), which finds `app` below and runs its lifespan before
the first byte is served. It is not a page: what a browser shows begins in `shell.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from streamlit import config

from dashboard.settings import require_safe_server


@asynccontextmanager
async def guarded(_app: st.App) -> AsyncIterator[None]:
    """Check the server's settings once, before anything is served.

    Raises:
        UnsafeServerError: a setting would expose what is read here; the server exits.
    """
    require_safe_server(config.get_option)
    try:
        yield
    finally:
        st.cache_resource.clear()  # lets the store go: nothing of it stays in a write-ahead file


app = st.App(Path(__file__).with_name("shell.py"), lifespan=guarded)
