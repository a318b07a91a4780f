"""The server: refuses to start with unsafe settings, then serves the script beside it.

Started by `streamlit run dashboard/app.py` (or `overread demo`), which finds `app` below and runs its lifespan before
the first byte is served. It is not a page: what a browser shows begins in `shell.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from streamlit import config

from cases.store.errors import StoreError
from dashboard.settings import require_safe_server


@asynccontextmanager
async def guarded(_app: st.App) -> AsyncIterator[None]:
    """Check the server's settings once, before anything is served; start the drafting queue, and stop it at the end.

    Raises:
        UnsafeServerError: a setting would expose what is read here; the server exits.
        SettingError: a setting has a value that it does not take; the server exits.
    """
    require_safe_server(config.get_option)
    from dashboard import resources  # its caches ask for the running server

    with suppress(StoreError):  # the pages say so, and open the store when it can be opened
        resources.drafting().warm()
    try:
        yield
    finally:
        with suppress(StoreError):
            resources.drafting().close()  # before the store that it records in
        st.cache_resource.clear()  # lets the store go: nothing of it stays in a write-ahead file


app = st.App(Path(__file__).with_name("shell.py"), lifespan=guarded)
