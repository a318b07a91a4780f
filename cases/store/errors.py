"""What the store refuses, and how it fails: each error names the rule, the value and the way out, and no patient."""

from __future__ import annotations


class StoreError(Exception):
    """Anything the store says no to."""


class StoreBusyError(StoreError):
    """Another process holds the file: DuckDB lets one in at a time, readers included.

    Attributes:
        pid: of the process that holds it, None when DuckDB did not say.
        process: its program's name, None when DuckDB did not say.
    """

    def __init__(self, message: str, *, pid: int | None, process: str | None) -> None:
        super().__init__(message)
        self.pid = pid
        self.process = process


class StoreUnreadableError(StoreError):
    """The file is no store, or one of another version of the project."""


class StoreFaultError(StoreError):
    """The disk or the database failed; what was being written is *not* recorded, and may be tried again."""


class StoreContendedError(StoreError):
    """Others kept writing first; nothing was recorded, and it may be tried again."""


class TornWriteError(StoreError):
    """What was read back is not what was written: the store must be verified before anything is signed."""


class RefusedError(StoreError):
    """A write that the rules of the ledger forbid; nothing was recorded."""


class UnknownRecordError(RefusedError, LookupError):
    """A case, draft or review that the store does not hold."""


class RecordConflictError(RefusedError):
    """The same id with another content: records are never changed in place."""


class StaleDraftError(RefusedError):
    """The review is not of the draft in force."""


class AlreadySignedError(RefusedError):
    """The case is signed; only a review that supersedes the one in force may follow."""


class NothingToAmendError(RefusedError):
    """The review supersedes one that is not in force."""


class ReviewMismatchError(RefusedError):
    """The decisions do not fit the draft they are about, sentence by sentence."""


class SameReaderError(RefusedError):
    """A second read by the reader who signed the review; another reader's is wanted."""


class NothingToSecondReadError(RefusedError):
    """The second read is of a review that is not in force."""


class SecondReadSettledError(RefusedError):
    """The review has its second read; only an amendment of it can be read again."""


class QueryRefusedError(RefusedError):
    """Not one SELECT: SQL from outside reads, and does nothing else."""


class AnchorError(StoreError, ValueError):
    """The text is not a saved head of a store."""
