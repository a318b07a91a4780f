"""Does the conformal rule keep its error level, week by week and site by site? An exact test, and an alarm.

A draft is missed when it holds an accepted sentence that its reader found wrong. The rule promises that at most alpha
of them are (the drafts of one cell count as of different patients, as in a week they nearly are). A cell (one site in
one week, or one site over all weeks) raises the alarm when so many missed drafts would come up with probability `ALARM`
or less if the promise held (one-sided exact binomial test). Each cell is tested by itself, so about one in a hundred
honest ones alarms as well; a site whose patients, scanner or model changed is what the alarm is for: then the
calibration is to be fitted again. Silence of a small cell proves nothing, which is why each carries its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cases.evidence import DraftEvidence
from evals.rate import Rate
from evals.reviewed import Reviewed, stored_confidence
from grounding.confidence import ConfidenceSet

ALARM = 0.01
ALL_WEEKS = "all"
NO_SITE = "(not stated)"


@dataclass(frozen=True, slots=True)
class Watched:
    """One reviewed sentence.

    Attributes:
        week: ISO week of the signature, "2026-W48". site: as the case says.
        draft: which draft it stood in.
        accepted: whether the rule had put it into ACCEPT. right: by what its reader did.
    """

    week: str
    site: str
    draft: str
    accepted: bool
    right: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One site in one week.

    Attributes:
        missed: drafts that hold an accepted sentence that was wrong, out of all drafts.
        wrong_among_accepted: sentences.
        accepted: sentences, out of all.
        p_value: of so many missed drafts or more if exactly alpha were missed.
    """

    week: str
    site: str
    missed: Rate
    wrong_among_accepted: Rate
    accepted: Rate
    p_value: float

    @property
    def alarm(self) -> bool:
        """Whether coverage fell short."""
        return self.p_value <= ALARM

    def as_dict(self) -> dict[str, object]:
        """With its counts and the coverage, which is 1 less the missed share."""
        return {
            "week": self.week,
            "site": self.site,
            "coverage": None if self.missed.value is None else 1.0 - self.missed.value,
            "missed_drafts": self.missed.as_dict(),
            "wrong_among_accepted": self.wrong_among_accepted.as_dict(),
            "accepted": self.accepted.as_dict(),
            "p_value": self.p_value,
            "alarm": self.alarm,
        }


def coverage(rows: Sequence[Watched], *, alpha: float) -> tuple[Cell, ...]:
    """Every site with rows: its weeks in order, then all of them together.

    Args:
        rows: reviewed sentences.
        alpha: the error level that the rule states.

    >>> told = [Watched("2026-W01", "a", f"d{n}", accepted=True, right=n > 2) for n in range(10)]
    >>> [(cell.week, cell.missed.count, cell.alarm) for cell in coverage(told, alpha=0.02)]
    [('2026-W01', 3, True), ('all', 3, True)]
    """
    sites = sorted({row.site for row in rows})
    return tuple(
        _cell([row for row in rows if row.site == site and week in (row.week, ALL_WEEKS)], week, site, alpha)
        for site in sites
        for week in (*sorted({row.week for row in rows if row.site == site}), ALL_WEEKS)
    )


def _cell(rows: Sequence[Watched], week: str, site: str, alpha: float) -> Cell:
    from scipy.stats import binomtest

    drafts = {row.draft for row in rows}
    missed = {row.draft for row in rows if row.accepted and not row.right}
    inside = [row for row in rows if row.accepted]
    p_value = binomtest(len(missed), len(drafts), alpha, alternative="greater").pvalue
    return Cell(
        week,
        site,
        Rate(len(missed), len(drafts)),
        Rate(sum(not row.right for row in inside), len(inside)),
        Rate(len(inside), len(rows)),
        float(p_value),
    )


def watched(every: Iterable[Reviewed], *, evidence: Callable[[str], DraftEvidence | None]) -> tuple[Watched, ...]:
    """The reviewed sentences beside which a set stood when they were read; others were not watched.

    Args:
        every: reviews in force.
        evidence: of a draft, by its id.
    """
    rows = []
    for one in every:
        measured = evidence(one.draft.draft_id)
        for index, _, right in one.sentences:
            confidence = stored_confidence(measured, index)
            if confidence is not None and confidence.needs is not None:
                accepted = confidence.needs is ConfidenceSet.ACCEPT
                site = one.case.site or NO_SITE
                rows.append(Watched(iso_week(one.review.signed), site, one.draft.draft_id, accepted, right))
    return tuple(rows)


def iso_week(moment: datetime) -> str:
    """The ISO 8601 week of a time.

    >>> from datetime import UTC
    >>> iso_week(datetime(2027, 1, 1, tzinfo=UTC))
    '2026-W53'
    """
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02d}"


__all__ = ["ALARM", "ALL_WEEKS", "Cell", "Watched", "coverage", "iso_week", "watched"]
