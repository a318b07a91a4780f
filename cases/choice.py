"""Which of a patient's images is read, and which earlier one it is compared with.

The current image is the newest frontal image in scope. The prior is the newest one of another study and an earlier
day; an image without a day is compared with nothing, since nobody can say which came first. All others are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.deidentify import age_years, study_date
from cases.scope import Scope, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

    from cases.decode import Decoded
    from cases.identity import Identity


@dataclass(frozen=True, slots=True)
class Candidate:
    """One image that was sent.

    Attributes:
        header: identifiers and all; it lives during an import only.
        identity: the identifiers in it.
        render: its pixels, when they are wanted.
    """

    header: Dataset
    identity: Identity
    render: Callable[[], Decoded]

    def __repr__(self) -> str:
        return "Candidate()"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a case is made of.

    Attributes:
        current: the image to read, or the newest of all where none is in scope.
        scope: of the current image; it says why none is read.
        prior: the image to compare with, None where there is none.
        prior_left_out: whether frontal images of other studies were sent, of which none can be compared with.
        warnings: which images were left out, in words.
    """

    current: Candidate
    scope: Scope
    prior: Candidate | None
    prior_left_out: bool
    warnings: tuple[str, ...]


def choose(candidates: tuple[Candidate, ...], *, stated_age: int | None) -> Choice:
    """The current and the prior image of one patient's.

    Args:
        candidates: at least one.
        stated_age: of the patient in years, as the sender states it beside the images.
    """
    newest_first = sorted(candidates, key=_moment, reverse=True)
    judged = [(one, scope_of(one.header, age_years=_lowest_age(one, stated_age))) for one in newest_first]
    current, scope = next(((one, scope) for one, scope in judged if scope.abstention is None), judged[0])
    others = [(one, other) for one, other in judged if one is not current]
    frontal = [one for one, _ in others if _is_of_another_study(one, current)]
    earlier = [one for one in frontal if _is_earlier(one, current)] if scope.abstention is None else []
    prior = earlier[0] if earlier else None
    left = [other for one, other in others if one is not prior]
    return Choice(current, scope, prior, bool(frontal) and prior is None, _left_out(left))


def _is_of_another_study(candidate: Candidate, current: Candidate) -> bool:
    """A frontal image of another study; the patient may have been a child then, so age does not count."""
    if candidate.identity.study_instance_uid == current.identity.study_instance_uid:
        return False
    return scope_of(candidate.header, age_years=None).abstention is None


def _is_earlier(candidate: Candidate, current: Candidate) -> bool:
    day, today = study_date(candidate.header), study_date(current.header)
    return day is not None and today is not None and day < today


def _left_out(scopes: list[Scope]) -> tuple[str, ...]:
    if not scopes:
        return ()
    out = sum(scope.abstention is not None for scope in scopes)
    words = "one frontal image is read, beside at most one of an earlier study"
    return (f"{len(scopes)} more image(s) of this patient were left out, {out} of them out of scope: {words}",)


def _moment(candidate: Candidate) -> tuple[str, str, str]:
    header = candidate.header
    day = study_date(header)
    time = next(
        (str(header[key].value) for key in ("AcquisitionTime", "ContentTime", "StudyTime") if header.get(key)), ""
    )
    return (day.isoformat() if day else "", time, candidate.identity.sop_instance_uid)


def _lowest_age(candidate: Candidate, stated: int | None) -> int | None:
    ages = [age for age in (age_years(candidate.header), stated) if age is not None]
    return min(ages, default=None)
