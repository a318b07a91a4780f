"""The coordinate self-test: do a model's boxes come back to where things are, through its own prompt, codec and fit?

The rule, "coordinates@1": every target is drafted like any case. A draft answers a target when it is a report with a
box; its error is the distance from the target's centre to the centre of the nearest of its first three boxes, in
fractions of the picture's width and height. A model passes when

- at least 80 % of *all* targets are answered within 0.05 (a failed or boxless draft is a miss), and
- the median error of the answered ones is at most 0.03, and
- no fault of a codec or a fit explains the answers better: with axes swapped, mirrored, a margin or a crop not undone,
  or undone where there was none, the same answers must not lie nearer to the targets' images under that fault.

The last part finds what tolerance cannot: on a 5:4 picture a margin that was not undone moves a box by 2 to 5 %. It
also names the fault. Not here: how well the model sees (`overread eval`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import hypot
from statistics import median
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cases.draft import Draft
from cases.study import Case
from vlm.self_test_scene import Target, all_targets, case_of, drawn

RULE: Final = "coordinates@1"
TOLERANCE: Final = 0.05
LEAST_SHARE: Final = 0.8
LARGEST_MEDIAN: Final = 0.03
BOXES_READ: Final = 3  # a draft that boxes everything would always be near

Point = tuple[float, float]
Drafter = Callable[[Case, NDArray[np.uint16]], Draft]


def _about_middle(value: float, factor: float) -> float:
    return 0.5 + (value - 0.5) * factor


def _short_axis(target: Target, factor: float) -> Point:
    """The target's centre with its place along the short axis scaled about the middle."""
    if target.columns >= target.rows:
        return target.x, _about_middle(target.y, factor)
    return _about_middle(target.x, factor), target.y


def _long_axis(target: Target, factor: float) -> Point:
    if target.columns >= target.rows:
        return _about_middle(target.x, factor), target.y
    return target.x, _about_middle(target.y, factor)


def _shape(target: Target) -> float:
    """Long side by short side."""
    return max(target.columns, target.rows) / min(target.columns, target.rows)


FAULTS: Final[Mapping[str, Callable[[Target], Point]]] = MappingProxyType(
    {
        "x and y are swapped": lambda t: (t.y, t.x),
        "left and right are mirrored": lambda t: (1 - t.x, t.y),
        "top and bottom are mirrored": lambda t: (t.x, 1 - t.y),
        "the margin is not undone": lambda t: _short_axis(t, 1 / _shape(t)),
        "a margin is undone that was not there": lambda t: _short_axis(t, _shape(t)),
        "the crop is not undone": lambda t: _long_axis(t, _shape(t)),
        "a crop is undone that was not made": lambda t: _long_axis(t, 1 / _shape(t)),
    }
)


@dataclass(frozen=True, slots=True)
class Shot:
    """What came back for one target: the centres of the first boxes, none when the draft failed or had none.

    Attributes:
        target: what was shown.
        centers: (x, y), fractions of the picture.
        failure: the kind of a failed draft, "" otherwise.
    """

    target: Target
    centers: tuple[Point, ...]
    failure: str = ""

    def error(self, place: Point) -> float | None:
        """Distance from a place to the nearest centre; None without one."""
        return min((hypot(x - place[0], y - place[1]) for x, y in self.centers), default=None)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a coordinate self-test found.

    Attributes:
        rule: name and version of the rule, with which the numbers are to be read.
        taken: UTC.
        targets, answered, within: how many were shown, answered with a box, and answered within the tolerance.
        median_error: of the answered ones, fraction of the picture; None when none was.
        fault: what explains the answers better than a right codec does; "" when nothing does.
        failures: (kind, count) of the failed drafts.
    """

    rule: str
    taken: datetime
    targets: int
    answered: int
    within: int
    median_error: float | None
    fault: str = ""
    failures: tuple[tuple[str, int], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the model may draft."""
        return (
            self.median_error is not None
            and self.median_error <= LARGEST_MEDIAN
            and self.within >= LEAST_SHARE * self.targets
            and not self.fault
        )

    @property
    def in_words(self) -> str:
        """One line, as drafts carry it.

        >>> from datetime import UTC
        >>> SelfTest(RULE, datetime(2026, 1, 2, tzinfo=UTC), 24, 24, 23, 0.008).in_words
        'coordinates@1 passed 2026-01-02: 23 of 24 within 0.05, median error 0.008'
        """
        verdict = "passed" if self.passed else "failed"
        middle = "not measured" if self.median_error is None else f"{self.median_error:.3f}"
        fault = f"; {self.fault}" if self.fault else ""
        return (
            f"{self.rule} {verdict} {self.taken:%Y-%m-%d}: {self.within} of {self.targets} within {TOLERANCE:g}, "
            f"median error {middle}{fault}"
        )


def take_self_test(draft: Drafter, *, taken: datetime, targets: Iterable[Target] | None = None) -> SelfTest:
    """Show every target to a model, and judge what comes back.

    Args:
        draft: drafts a case with its pixels, by the model's whole path.
        taken: UTC.
        targets: all of them by default.
    """
    return judged([_shot(target, draft) for target in (all_targets() if targets is None else targets)], taken=taken)


def _shot(target: Target, draft: Drafter) -> Shot:
    pixels = drawn(target)
    made = draft(case_of(target, pixels), pixels)
    boxes = made.report.boxes if made.report is not None else ()
    centers = tuple(((box.x_min + box.x_max) / 2, (box.y_min + box.y_max) / 2) for box in boxes[:BOXES_READ])
    return Shot(target, centers, failure=made.failure.kind.value if made.failure is not None else "")


def judged(shots: Iterable[Shot], *, taken: datetime) -> SelfTest:
    """The figures of the rule."""
    seen = tuple(shots)
    errors = [error for shot in seen if (error := shot.error((shot.target.x, shot.target.y))) is not None]
    middle = median(errors) if errors else None
    return SelfTest(
        rule=RULE,
        taken=taken,
        targets=len(seen),
        answered=len(errors),
        within=sum(error <= TOLERANCE for error in errors),
        median_error=middle,
        fault="" if middle is None else _better_fault(seen, middle),
        failures=tuple(sorted(Counter(shot.failure for shot in seen if shot.failure).items())),
    )


def _better_fault(shots: tuple[Shot, ...], right: float) -> str:
    """The fault under which the answers lie nearest, where that is nearer than without one; else ""."""
    under = {name: _median_under(shots, moved) for name, moved in FAULTS.items()}
    name = min(under, key=lambda each: under[each])
    return name if under[name] < right else ""


def _median_under(shots: tuple[Shot, ...], moved: Callable[[Target], Point]) -> float:
    return median(error for shot in shots if (error := shot.error(moved(shot.target))) is not None)
