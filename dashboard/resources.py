"""What is made once for the whole server and shared by its sessions: store, images, drafting queue, clock.

The only place with caches, and the one seam that tests replace. It imports no model: the queue's models run in
processes of their own, so that the dashboard starts fast, never waits for one, and runs on a machine without torch.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from cases.images import ImageStore
from cases.paths import StorePaths
from cases.store import Store
from dashboard.drafting import DraftingDesk, LedgerRecord, drafting_desk
from dashboard.panel import Window, heat_png, panel_png
from dashboard.settings import store_path
from grounding.heatmap import Heatmap

if TYPE_CHECKING:
    from cases.evidence import DraftEvidence
    from evals.kpi import PilotKpis


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """An opaque id, never used before."""
    return uuid4().hex


def _close(opened: Store) -> None:
    opened.__exit__(None, None, None)


@st.cache_resource(show_spinner=False, on_release=_close)
def _opened(path: Path) -> Store:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Store.open(path, now=utc_now)


def store() -> Store:
    """The one open store of this process.

    Raises:
        StoreBusy: another process holds it; the message says which, and the way out.
    """
    return _opened(store_path().resolve())


@st.cache_resource(show_spinner=False, on_release=DraftingDesk.close)
def _drafting(path: Path) -> DraftingDesk:
    record = LedgerRecord(_opened(path), ImageStore(StorePaths(path).images))
    return drafting_desk(record, path=path, now=utc_now, new_id=new_id)


def drafting() -> DraftingDesk:
    """The one drafting queue of this process, or the reason why there is none.

    Raises:
        StoreError: there is no store to draft for.
        SettingError: the setting says neither on nor off.
    """
    return _drafting(store_path().resolve())


@st.cache_data(show_spinner=False, max_entries=48)
def _picture(folder: Path, sha256: str, window: Window, inverted: str) -> bytes:
    pixels = ImageStore(folder).get(sha256)
    return panel_png(pixels, window=window, inverted=inverted == "inverted")


def picture(sha256: str, *, window: Window, inverted: bool) -> bytes:
    """The windowed PNG of a kept image; kept under the hash of its pixels, which names nobody.

    Raises:
        ImageStoreError: it is not there, or is not what was put there.
    """
    folder = StorePaths(store_path().resolve()).images
    return _picture(folder, sha256, window, "inverted" if inverted else "upright")


@st.cache_data(show_spinner=False, max_entries=16)
def _heated(folder: Path, sha256: str, name: str, window: Window, inverted: str, _heatmap: Heatmap) -> bytes:
    del name  # a part of the key: it stands for the heatmap, which is not hashed
    pixels = ImageStore(folder).get(sha256)
    return heat_png(pixels, _heatmap, window=window, inverted=inverted == "inverted")


def heated_picture(sha256: str, heatmap: Heatmap, *, name: str, window: Window, inverted: bool) -> bytes:
    """The windowed PNG of a kept image with a heatmap over it.

    Args:
        sha256: of the image.
        heatmap: over the whole of it.
        name: of that heatmap, never used for another.
        window: which preset.
        inverted: black for white, of the image alone.

    Raises:
        ImageStoreError: the image is not there, or is not what was put there.
    """
    folder = StorePaths(store_path().resolve()).images
    return _heated(folder, sha256, name, window, "inverted" if inverted else "upright", heatmap)


@st.cache_data(show_spinner=False, max_entries=16)
def _evidence(path: Path, draft_id: str, evidence_id: str) -> DraftEvidence | None:
    del evidence_id  # a part of the key: a later measuring makes another
    return _opened(path).evidence_of(draft_id)


def evidence(draft_id: str) -> DraftEvidence | None:
    """What was last measured of a draft, None where nothing was; read once, since a page asks at every press."""
    sql = "SELECT evidence_id FROM v_evidence WHERE draft_id = ? ORDER BY sequence DESC LIMIT 1"
    latest = store().rows(sql, [draft_id])
    return _evidence(store_path().resolve(), draft_id, str(latest[0][0])) if latest else None


@st.cache_data(show_spinner=False, max_entries=4)
def _kpis(path: Path, head: str) -> PilotKpis:
    from evals.kpi import pilot_kpis  # its statistics take a second to import

    del head  # a part of the key: a new event makes a new figure
    return pilot_kpis(_opened(path))


def kpis() -> PilotKpis:
    """The pilot's figures as of the ledger's last event."""
    return _kpis(store_path().resolve(), store().head())
