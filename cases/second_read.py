"""A second reader's word on a signed review: does it stand, or must the first reader amend it?

What a second read does to the status of a case is the store's (`cases.store.second_look`); a second reader changes no
sentence here, and who wants to change one signs an amendment (`cases.review`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.review import Reason

MOST_WORDS = 300


class Verdict(StrEnum):
    """What the second reader says of the review as a whole."""

    AGREE = "agree"
    DISAGREE = "disagree"


@dataclass(frozen=True, slots=True)
class SecondRead:
    """One second read, signed.

    Attributes:
        second_read_id: opaque; also the idempotency key, so that a double click is one second read.
        review_id: the review that was read, the one in force then.
        reader_id: pseudonymous name of the second reader.
        reason: why the second reader disagrees, from the vocabulary of changes; None exactly when they agree.
        signed: UTC.
        note: what is wrong in the second reader's own words, at most 300 characters; may be empty.
    """

    second_read_id: str
    review_id: str
    case_id: str
    reader_id: str
    verdict: Verdict
    reason: Reason | None
    signed: datetime
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a second read by nobody, a naive time, and a verdict that its reason does not bear out."""
        if not self.reader_id.strip():
            msg = "a second read is signed by a reader: give reader_id"
            raise ValueError(msg)
        if self.signed.tzinfo is None:
            msg = "times are timezone-aware UTC"
            raise ValueError(msg)
        if (self.reason is None) != (self.verdict is Verdict.AGREE):
            msg = f"who disagrees says why, and only who disagrees does: {self.verdict} needs " + (
                "one of " + ", ".join(Reason) if self.verdict is Verdict.DISAGREE else "no reason"
            )
            raise ValueError(msg)
        if len(self.note) > MOST_WORDS:
            msg = f"a note has at most {MOST_WORDS} characters, not {len(self.note)}: shorten it, or sign an amendment"
            raise ValueError(msg)


def same_reader(one: str, other: str) -> bool:
    """Whether two names are one reader's: neither case nor white space around a name makes another person.

    >>> same_reader("reader-a", " Reader-A"), same_reader("reader-a", "reader-b")
    (True, False)
    """
    return one.strip().casefold() == other.strip().casefold()
