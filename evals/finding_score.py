"""How probable a model finds it that its report of an image states a finding: the score behind image-level areas.

The model's answer is never sampled. Statements are put into its mouth (`vlm.score`): at the beginning of the answer,
and after "nothing of the narrow indication", where a model says what else it sees. With p1 and p2 the probabilities of
a statement of the finding at these two places, P = p1 + (1 - p1) p2; the score is its log-odds. What a model has no
statement for is not measured: no score is made up for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cases.study import Case
from evals.labels import FINDINGS, Target
from grounding.context import read
from grounding.findings import Finding
from grounding.report import Polarity, Progression
from vlm.backend import ScoringBackend
from vlm.score import Opening, openings, score_case

SCORE = (
    "log-odds of P = p1 + (1 - p1) p2: teacher-forced probability of a statement of the finding at the answer's "
    "beginning (p1), or after the statement that there is no nodule or mass (p2)"
)
NORMAL, OTHER, SILENT = "normal", "other", "silent"
ABNORMAL = re.compile(r"(?!no\b).*\babnormal", re.IGNORECASE)  # an abnormality that the words do not name
FLOOR = -745.0  # log of the smallest float64: what is as improbable as that has no smaller score


def subject(text: str) -> str:
    """What a statement says of the image: a finding's code (there, or suspected), "normal", "other", or "silent".

    >>> subject("Mass in the left mid zone."), subject("No focal nodule or mass."), subject("Current smoker.")
    ('mass', 'normal', 'silent')
    """
    about = read(text).primary
    if about is None:
        return OTHER if ABNORMAL.match(text) else SILENT
    if about.finding is Finding.NO_FINDING or (
        about.polarity is Polarity.ABSENT and about.progression is not Progression.RESOLVED
    ):
        return NORMAL
    return about.finding.value if about.groundable else SILENT


@dataclass(frozen=True, slots=True)
class Book:
    """A model's statements by what they say of the image, as the shortest beginnings that tell subjects apart.

    Attributes:
        beginnings: (subject, start of an answer).
        normal: the statement after which other findings are said; None where the model has none.
    """

    beginnings: tuple[tuple[str, str], ...]
    normal: Opening | None

    @property
    def subjects(self) -> frozenset[str]:
        """All that a statement of this model can be about."""
        return frozenset(name for name, _ in self.beginnings)

    @property
    def continuations(self) -> tuple[str, ...]:
        """What is scored: every beginning, then the same after the normal statement, and that statement itself."""
        start = tuple(spelling for _, spelling in self.beginnings)
        if self.normal is None:
            return start
        return (*start, *(self.normal.closed + spelling for spelling in start), self.normal.closed)

    def states(self, target: Target) -> bool:
        """Whether the model has a statement of the target."""
        return bool(self.subjects & _wanted(target))


def book_of(statements: Iterable[Opening]) -> Book:
    """The book of a model's opening statements."""
    listed = tuple(statements)
    spelt = [(subject(one.text), tuple(one.spelling.split(" "))) for one in listed]
    normal = next((one for one in listed if subject(one.text) == NORMAL), None)
    return Book(tuple(_beginnings(spelt, 1)), normal)


def _beginnings(spelt: Sequence[tuple[str, tuple[str, ...]]], words: int) -> list[tuple[str, str]]:
    """The shortest beginnings, in words, under which all statements have one subject."""
    groups: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}
    for name, parts in spelt:
        groups.setdefault(parts[:words], []).append((name, parts))
    found: list[tuple[str, str]] = []
    for start, group in groups.items():
        if len({name for name, _ in group}) == 1 or all(len(parts) <= words for _, parts in group):
            found.append((group[0][0], " ".join(start)))
        else:
            found += _beginnings(group, words + 1)
    return found


def finding_scores(
    case: Case, *, pixels: NDArray[np.uint16], backend: ScoringBackend, book: Book
) -> dict[Target, float | None]:
    """The score of each target in one case; None for a target that the model has no statement of."""
    if not book.beginnings:
        return dict.fromkeys(Target)
    scored = score_case(case, pixels=pixels, backend=backend, continuations=book.continuations)
    return scores_of(book, [one.total for one in scored])


def scores_of(book: Book, totals: Sequence[float]) -> dict[Target, float | None]:
    """The scores from the log-probabilities of the book's continuations, in their order."""
    count = len(book.beginnings)
    first = _by_subject(book, totals[:count])
    second = None
    if book.normal is not None:
        second = _by_subject(book, [total - totals[-1] for total in totals[count : 2 * count]])
    return {target: _log_odds(first, second, _wanted(target)) if book.states(target) else None for target in Target}


def _by_subject(book: Book, totals: Sequence[float]) -> dict[str, float]:
    """Log of the probability of each subject."""
    found: dict[str, float] = {}
    for (name, _), total in zip(book.beginnings, totals, strict=True):
        found[name] = float(np.logaddexp(found.get(name, -np.inf), total))
    return found


def _log_odds(first: Mapping[str, float], second: Mapping[str, float] | None, wanted: frozenset[str]) -> float:
    stated, unstated = _split(first, wanted)
    if second is not None:
        later, never = _split(second, wanted)
        stated, unstated = float(np.logaddexp(stated, unstated + later)), unstated + never
    return max(stated, FLOOR) - max(unstated, FLOOR)


def _split(logs: Mapping[str, float], wanted: frozenset[str]) -> tuple[float, float]:
    """Log-probabilities of the wanted subjects and of all others, which together make 1."""
    there = float(np.logaddexp.reduce([logs[name] for name in logs if name in wanted] or [-np.inf]))
    others = float(np.logaddexp.reduce([logs[name] for name in logs if name not in wanted] or [-np.inf]))
    whole = float(np.logaddexp(there, others))
    return there - whole, others - whole


def _wanted(target: Target) -> frozenset[str]:
    if target is Target.ANY_FINDING:
        return frozenset(finding.value for finding in Finding if finding is not Finding.NO_FINDING) | {OTHER}
    return frozenset(finding.value for finding in FINDINGS[target])


__all__ = ["SCORE", "Book", "book_of", "finding_scores", "openings", "scores_of", "subject"]
