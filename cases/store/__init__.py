"""The append-only ledger in DuckDB: the only package that imports it.

Start at `Store.open`. The tables and the views for SQL stand in `migrations/`.
"""

from cases.store.chain import Anchor, anchor_from_json
from cases.store.errors import (
    AlreadySignedError,
    AnchorError,
    NothingToAmendError,
    NothingToSecondReadError,
    QueryRefusedError,
    RecordConflictError,
    RefusedError,
    ReviewMismatchError,
    SameReaderError,
    SecondReadSettledError,
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
    "NothingToSecondReadError",
    "QueryRefusedError",
    "Receipt",
    "RecordConflictError",
    "RefusedError",
    "ReviewMismatchError",
    "SameReaderError",
    "SecondReadSettledError",
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
