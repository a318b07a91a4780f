"""Active reading time: the seconds between interactions, with idle time removed.

The rule, in full: the time between two interactions counts when it is at most 60 seconds; a longer gap counts nothing,
for nobody knows whether the reader was there. It is not wall time (that is opened to signed, kept beside it), and it
undercounts someone who looks at an image for minutes without touching anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

IDLE_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Activity:
    """The last interaction and what was counted up to it.

    Attributes:
        last: UTC.
        active_s: seconds counted so far.
    """

    last: datetime
    active_s: float

    def at(self, moment: datetime, *, idle_after_s: float = IDLE_AFTER_S) -> Activity:
        """The activity after one more interaction; a clock that steps back counts nothing.

        >>> from datetime import UTC, timedelta
        >>> t = datetime(2026, 1, 1, tzinfo=UTC)
        >>> Activity(t, 5.0).at(t + timedelta(seconds=10)).active_s
        15.0
        >>> Activity(t, 5.0).at(t + timedelta(seconds=61)).active_s
        5.0
        """
        gap = (moment - self.last).total_seconds()
        return Activity(moment, self.active_s + (gap if 0.0 <= gap <= idle_after_s else 0.0))


def active_seconds(moments: Sequence[datetime], *, idle_after_s: float = IDLE_AFTER_S) -> float:
    """Active seconds over a whole series of interactions; 0.0 for one, or none.

    >>> from datetime import UTC, timedelta
    >>> t = datetime(2026, 1, 1, tzinfo=UTC)
    >>> active_seconds([t, t + timedelta(seconds=30), t + timedelta(seconds=300), t + timedelta(seconds=312)])
    42.0
    """
    if not moments:
        return 0.0
    activity = Activity(moments[0], 0.0)
    for moment in moments[1:]:
        activity = activity.at(moment, idle_after_s=idle_after_s)
    return activity.active_s
