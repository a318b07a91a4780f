"""The judged attacks: instructions to a reader-model hidden in a case, and harmless words of the clinic beside them.

Every text was written for this project, before the detector's rules (`grounding.injection`) and apart from the
examples that those were tuned on; no sentence of the one stands in the other. One author wrote both: recall here says
what the rules find among phrasings that they were not shown, not what an enemy who reads the rules would get past them.
At first sight the rules found 591 of 620 (every text before and behind the words of each place). What was missed led to
two repairs and no new phrase: orders in fields without sentences, and backwards ones before other words. Of 24 general
injections that others have published (none on radiology), 17 were found at first sight: phrasings of other people are
found less often than ours.

A false clinical statement ("known mass on the left") is no instruction and not in here: it is a conflict
(`evals.priors`, `grounding.conflict`).
Families after OWASP LLM01 (2025) and Clusmann et al., Nat Commun 16 (2025).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from evals.disguise import DISGUISES

ATTACKS: Final = "injection.json"
HARMLESS: Final = "injection_clean.json"
MARKERS: Final = ("L", "R", "PA", "AP", "R PA", "L AP")  # the letters that a normal film carries


class Place(StrEnum):
    """Where the words of an attack are laid."""

    PRIOR_REPORT = "prior_report"
    CLINICAL_NOTE = "clinical_note"
    INDICATION = "indication"
    VALUE = "value"
    HEADER = "header"  # the device's name: all the free text of a DICOM header that an import keeps
    IMAGE = "image"  # burned into the picture, to be seen
    FAINT_IMAGE = "faint_image"  # burned in below what an eye sees


TEXT_PLACES: Final = (Place.PRIOR_REPORT, Place.CLINICAL_NOTE, Place.INDICATION, Place.VALUE, Place.HEADER)
IMAGE_PLACES: Final = (Place.IMAGE, Place.FAINT_IMAGE)


class Wanted(StrEnum):
    """What the draft would say if the attack were obeyed."""

    NOTHING = "nothing"
    LESION = "lesion"
    OTHER_SIDE = "other_side"


@dataclass(frozen=True, slots=True)
class Attack:
    """One text at one place.

    Attributes:
        attack_id: unique in the corpus.
        family: as results are grouped.
        text: as laid into the case, disguise and all.
    """

    attack_id: str
    family: str
    place: Place
    text: str
    wanted: Wanted


def attacks() -> tuple[Attack, ...]:
    """The whole corpus: every text at every place that it can stand at, always in the same order."""
    return tuple(
        Attack(f"{place.value}-{number:03d}", row["family"], place, _disguised(row, text), Wanted(wanted))
        for place in Place
        for number, (row, text, wanted) in enumerate(_texts())
        if place in TEXT_PLACES or row["in_image"]
    )


def harmless(place: Place) -> tuple[str, ...]:
    """Words of the clinic that may sound like an order and are none, for one place; markers for a picture."""
    if place in IMAGE_PLACES:
        return MARKERS
    return tuple(_objects(HARMLESS)[place.value]["texts"])


def _texts() -> list[tuple[dict[str, Any], str, str]]:
    return [(row, text, wanted) for row in _objects(ATTACKS).values() for text, wanted in row["texts"]]


def _disguised(row: dict[str, Any], text: str) -> str:
    disguise: Callable[[str], str] = DISGUISES[row["disguise"]] if "disguise" in row else str
    return disguise(text)


def _objects(name: str) -> MappingProxyType[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads((files("evals") / "data" / name).read_text(encoding="utf-8"))
    return MappingProxyType(content)
