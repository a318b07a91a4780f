"""Who sits in front of the screen, in the demo: a pseudonymous name and a role, picked by hand.

It is not a login: nothing is proven. A site puts its own sign-on in front (SECURITY.md); until then the app listens on
loopback only and says that it is a demo.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do."""

    READER = "reader"
    PROGRAM_LEAD = "program_lead"


@dataclass(frozen=True, slots=True)
class Person:
    """A demo person.

    Attributes:
        reader_id: pseudonymous; what the ledger keeps.
        role: what they may do.
        label: as shown.
    """

    reader_id: str
    role: Role
    label: str


PEOPLE: tuple[Person, ...] = (
    Person("reader-a", Role.READER, "Reader A"),
    Person("reader-b", Role.READER, "Reader B"),
    Person("lead", Role.PROGRAM_LEAD, "Program lead (reads figures, signs nothing)"),
)


def person(reader_id: str | None) -> Person | None:
    """The person of that name, None for nobody and for an unknown name.

    >>> person("reader-b").label
    'Reader B'
    >>> person("somebody") is None
    True
    """
    return next((one for one in PEOPLE if one.reader_id == reader_id), None)


def may_draft(one: Person | None) -> bool:
    """Whether this person may ask for a draft, or cancel one that somebody asked for: whoever may review.

    >>> [may_draft(person(name)) for name in ("reader-a", "lead", None)]
    [True, False, False]
    """
    return may_sign(one)


def may_sign(one: Person | None) -> bool:
    """Whether this person may decide on sentences and sign; asked again at every write.

    >>> [may_sign(person(name)) for name in ("reader-a", "lead", None)]
    [True, False, False]
    """
    return one is not None and one.role is Role.READER
