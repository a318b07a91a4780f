"""The append-only ledger in DuckDB: the only package that imports it.

Start at `Store.open`. The tables and the views for SQL stand in `migrations/`.
"""

from cases.store.chain import Anchor, anchor_from_json
from cases.store.errors import (
    AlreadySignedError,
    AnchorError,
    NothingToAmendError,
    QueryRefusedError,
    RecordConflictError,
    RefusedError,
    ReviewMismatchError,
    StaleDraftError,
    StoreBusyError,
    StoreContendedError,
    StoreError,
    StoreFaultError,
    StoreUnreadableError,
    TornWriteError,
    UnknownRecordError,
)
from cases.store.ledger import CommitPoint
from cases.store.store import CURRENT, Receipt, Store
from cases.store.verify import Verification

StoreBusy = StoreBusyError

__all__ = [
    "CURRENT",
    "AlreadySignedError",
    "Anchor",
    "AnchorError",
    "CommitPoint",
    "NothingToAmendError",
    "QueryRefusedError",
    "Receipt",
    "RecordConflictError",
    "RefusedError",
    "ReviewMismatchError",
    "StaleDraftError",
    "Store",
    "StoreBusy",
    "StoreBusyError",
    "StoreContendedError",
    "StoreError",
    "StoreFaultError",
    "StoreUnreadableError",
    "TornWriteError",
    "UnknownRecordError",
    "Verification",
    "anchor_from_json",
]
