"""What happened to a simulated patient and what the notes say about it: drawn apart, so that notes may be wrong.

A lesion has a history (new, stable, grown, resolved). A note makes mentions, each right, on the wrong side or invented,
or none at all. The wording (`cases.phantom.wording`) sees mentions only, never the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from cases.phantom.lesions import Lesion, LesionKind, Zone
from grounding.report import Laterality

Choice = TypeVar("Choice")


class History(StrEnum):
    """A lesion's way from the prior study to the current one."""

    NEW = "new"
    STABLE = "stable"
    GROWN = "grown"
    RESOLVED = "resolved"


class Says(StrEnum):
    """What a note says about the patient at its time."""

    RIGHT = "right"
    NOTHING_FOUND = "nothing_found"
    WRONG_SIDE = "wrong_side"
    INVENTED = "invented"


@dataclass(frozen=True, slots=True)
class LesionPlan:
    """One lesion to be: its current (or, when resolved, its former) diameter and its history."""

    diameter_mm: float
    history: History


@dataclass(frozen=True, slots=True)
class NotePlan:
    """One note to be: what it says, how long before the study, and of which kind ("report" or "note")."""

    says: Says
    days_before: int
    kind: str = "report"


@dataclass(frozen=True, slots=True)
class Story:
    """The plan of one case.

    Attributes:
        lesions: those of the current and of the prior study. notes: newest first.
        indication: whether one is given. values: whether structured values are given.
    """

    lesions: tuple[LesionPlan, ...] = ()
    notes: tuple[NotePlan, ...] = ()
    indication: bool = True
    values: bool = True
    sex: str = "F"
    age_years: int = 60


@dataclass(frozen=True, slots=True)
class Mention:
    """What a note says of one lesion; all that the wording ever sees."""

    kind: LesionKind
    size_mm: int
    side: Laterality
    zone: Zone


GROWTH = 0.62  # former diameter of a lesion that has grown since
NO_LESION = 0.30  # share of cases without a lesion now
OTHER_SIDE = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}


def draw_story(rng: np.random.Generator) -> Story:
    """A random case: about 30 % without a lesion now, 0 to 2 notes, each independently right, stale or wrong."""
    count = 0 if rng.random() < NO_LESION else int(rng.choice([1, 2, 3], p=[0.68, 0.24, 0.08]))
    lesions = [LesionPlan(_diameter(rng), _pick(rng, _NOW)) for _ in range(count)]
    if rng.random() < 0.18:
        lesions.append(LesionPlan(_diameter(rng), History.RESOLVED))
    notes: list[NotePlan] = []
    days = 0
    for _ in range(int(rng.choice([0, 1, 2], p=[0.28, 0.50, 0.22]))):
        days += int(rng.integers(25, 600))
        notes.append(NotePlan(_pick(rng, _SAYS), days, "report" if rng.random() < 0.75 else "note"))
    return Story(
        lesions=tuple(lesions),
        notes=tuple(notes),
        indication=bool(rng.random() < 0.85),
        values=bool(rng.random() < 0.7),
        sex="F" if rng.random() < 0.5 else "M",
        age_years=int(rng.integers(24, 88)),
    )


_NOW = ((History.NEW, 0.45), (History.STABLE, 0.35), (History.GROWN, 0.20))
_SAYS = ((Says.RIGHT, 0.62), (Says.NOTHING_FOUND, 0.14), (Says.WRONG_SIDE, 0.12), (Says.INVENTED, 0.12))


def _pick(rng: np.random.Generator, weighted: tuple[tuple[Choice, float], ...]) -> Choice:
    return weighted[int(rng.choice(len(weighted), p=[share for _, share in weighted]))][0]


def _diameter(rng: np.random.Generator) -> float:
    """10 to 40 mm, small ones more often."""
    return float(10 + 30 * rng.beta(1.2, 1.9))


def mentions(
    plan: NotePlan, known: tuple[tuple[LesionPlan, Lesion], ...], rng: np.random.Generator
) -> tuple[Mention, ...]:
    """What that note mentions of the lesions that were there before the current study.

    Args:
        plan: what the note says.
        known: every lesion with its plan; new ones are left out here, because no earlier note can know them.
        rng: rounds sizes and invents.
    """
    if plan.says is Says.NOTHING_FOUND:
        return ()
    if plan.says is Says.INVENTED:
        return (_invented(rng),)
    before = [(p, lesion) for p, lesion in known if p.history is not History.NEW]
    found = tuple(_mention(p, lesion, rng) for p, lesion in before)
    if plan.says is Says.WRONG_SIDE:
        return tuple(Mention(m.kind, m.size_mm, OTHER_SIDE[m.side], m.zone) for m in found)
    return found


def _mention(plan: LesionPlan, lesion: Lesion, rng: np.random.Generator) -> Mention:
    size = lesion.diameter_mm * (GROWTH if plan.history is History.GROWN else 1.0)
    rounded = max(5, round(size + rng.normal(0, 0.7)))
    return Mention(LesionKind.MASS if rounded > 30 else LesionKind.NODULE, rounded, lesion.side, lesion.zone)


def _invented(rng: np.random.Generator) -> Mention:
    size = round(_diameter(rng))
    side = Laterality.LEFT if rng.random() < 0.5 else Laterality.RIGHT
    zone = tuple(Zone)[int(rng.integers(3))]
    return Mention(LesionKind.MASS if size > 30 else LesionKind.NODULE, size, side, zone)
