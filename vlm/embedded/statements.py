"""The statement book: every sentence the embedded model can write, and whether it shows a box.

A small model with an open vocabulary writes sentences that contradict themselves; one that chooses among written
statements cannot. The training stories are told in these words and the decoding grammar allows no others. What the
statement is about, and where its box lies, is the model's own choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vlm.embedded.places import SIDES, ZONES, Place

KINDS: Final = ("nodule", "mass")
COMPARISONS: Final = (
    "",
    ", new since the prior report",
    ", larger than in the prior report",
    ", smaller than in the prior report",
    ", stable compared with the prior report",
)
IMAGE_COMPARISONS: Final = (
    "",
    ", new since the prior image",
    ", larger than on the prior image",
    ", smaller than on the prior image",
    ", stable compared with the prior image",
)
UNPLACED: Final = "Nodule or mass suspected, place not determined."
EFFUSION: Final = "Pleural effusion."
OPACITY: Final = "Other lung opacity."
OTHER: Final = "Other abnormality, not described."
FIRST: Final = "overread-1"  # the prompt of weights that know no prior image and no other finding
TAUGHT_NOW: Final = "overread-2"
DESCRIBED: Final = (EFFUSION, OPACITY, OTHER)  # beside the narrow indication: said, never boxed
NORMAL: Final = "No focal nodule or mass."
NO_PRIOR: Final = "No prior report for comparison."
NO_IMAGE: Final = "No current image was given."
ORGANS: Final = ("lung", "breast", "colon", "kidney", "prostate", "bladder", "thyroid", "skin")
SMOKING: Final = ("current", "former")


class Shows(StrEnum):
    """What a statement shows in the image."""

    LESION = "lesion"  # exactly one box
    NORMAL = "normal"  # no box, and no lesion beside it
    UNPLACED = "unplaced"  # a lesion without a box: its place was not determined
    NOTHING = "nothing"  # no box


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence and what it shows."""

    text: str
    shows: Shows


def lesion_text(kind: str, place: Place, comparison: str) -> str:
    """A lesion's sentence.

    >>> lesion_text("mass", Place("left", "upper"), COMPARISONS[1])
    'Mass in the left upper zone, new since the prior report.'
    """
    return f"{kind.capitalize()} in the {place.in_draft()}{comparison}."


def gone_text(kind: str, place: Place) -> str:
    """A sentence on a lesion that only the prior report knows."""
    return f"The {kind} in the {place.in_draft()} described in the prior report is not seen."


def gone_image_text(kind: str, place: Place) -> str:
    """A sentence on a lesion of the prior image that the current one does not show."""
    return f"The {kind} in the {place.in_draft()} on the prior image is no longer seen."


def history_text(organ: str) -> str:
    """A sentence of history; an organ that the book does not know stays unnamed rather than wrong.

    >>> history_text("skin"), history_text("ovary")
    ('History of skin cancer.', 'History of cancer.')
    """
    return f"History of {organ} cancer." if organ in ORGANS else "History of cancer."


def smoking_text(habit: str) -> str:
    """A sentence on smoking."""
    return f"{habit.capitalize()} smoker."


def statement_book(prompt: str = TAUGHT_NOW) -> tuple[Statement, ...]:
    """All statements that weights of that prompt were taught, in a fixed order.

    >>> len({one.text for one in statement_book()}) == len(statement_book())
    True
    >>> len(statement_book("overread-1")), len(statement_book())
    (86, 150)
    """
    return tuple(one for one in _whole_book() if prompt != FIRST or not _is_later(one))


def _is_later(one: Statement) -> bool:
    """Whether the first weights were never taught it: they must not be made to say it, nor be asked about it."""
    return one.text in (*DESCRIBED, UNPLACED) or "the prior image" in one.text


def _whole_book() -> tuple[Statement, ...]:
    places = [Place(side, zone) for side in SIDES for zone in ZONES]
    lesions = [
        Statement(lesion_text(kind, place, comparison), Shows.LESION)
        for kind in KINDS
        for place in places
        for comparison in (*COMPARISONS, *IMAGE_COMPARISONS[1:])
    ]
    others = [gone(kind, place) for gone in (gone_text, gone_image_text) for kind in KINDS for place in places]
    others += DESCRIBED
    others += [NO_PRIOR, *map(history_text, (*ORGANS, "")), *map(smoking_text, SMOKING)]
    plain = [Statement(text, Shows.NOTHING) for text in others]
    normal = [Statement(NORMAL, Shows.NORMAL), Statement(NO_IMAGE, Shows.NORMAL)]
    return (*lesions, *normal, Statement(UNPLACED, Shows.UNPLACED), *plain)
