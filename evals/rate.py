"""A figure with its denominator and its interval: nothing is reported without both.

"Not measured" is None, never 0. A `Rate` is a count of independent things with a Wilson interval; a `Figure` is any
value with an interval that somebody else computed (a bootstrap, say). Source for the interval: Wilson EB, J Am Stat
Assoc 1927;22:209-212, as computed by scipy `binomtest`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import binomtest

LEVEL = 0.95  # everywhere: other rooms print "95 % CI" without asking


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, its 95 % interval and how many things it was measured on.

    Attributes:
        value: None where nothing was measured.
        ci95: (low, high), None where there is no interval to give (nothing measured, or no method applies).
        n: the denominator, in the unit the figure's name says (lesions, images, reviews).

    >>> Figure(None, None, 0).as_dict()
    {'value': None, 'ci95': None, 'n': 0}
    """

    value: float | None
    ci95: tuple[float, float] | None
    n: int

    def __post_init__(self) -> None:
        """Refuse a value measured on nothing, an interval of no value, and numbers that are none."""
        if self.n < 0 or (self.value is not None and self.n == 0):
            msg = f"a value is measured on at least one thing: {self}"
            raise ValueError(msg)
        if self.value is None and self.ci95 is not None:
            msg = f"what was not measured has no interval: {self}"
            raise ValueError(msg)
        numbers = (self.value, *(self.ci95 or ()))
        if not all(number is None or math.isfinite(number) for number in numbers):
            msg = f"a figure is finite, or None where not measured: {self}"
            raise ValueError(msg)

    def as_dict(self) -> dict[str, object]:
        """The shape that every `--json` uses: value, ci95 as a list, n."""
        return {"value": self.value, "ci95": None if self.ci95 is None else list(self.ci95), "n": self.n}


UNMEASURED = Figure(None, None, 0)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many out of so many.

    >>> Rate(3, 12).value
    0.25
    >>> Rate(0, 0).value is None
    True
    """

    count: int
    total: int

    def __post_init__(self) -> None:
        """Refuse more than all, and less than none."""
        if not 0 <= self.count <= self.total:
            msg = f"a rate counts some of a total, 0 <= count <= total: {self.count} of {self.total}"
            raise ValueError(msg)

    @property
    def value(self) -> float | None:
        """The proportion, None when nothing was counted."""
        return self.count / self.total if self.total else None

    @property
    def ci95(self) -> tuple[float, float] | None:
        """The Wilson score interval, None when nothing was counted.

        >>> [round(bound, 4) for bound in Rate(7, 50).ci95 or ()]
        [0.0695, 0.2619]
        """
        if not self.total:
            return None
        interval = binomtest(self.count, self.total).proportion_ci(LEVEL, method="wilson")
        return (float(interval.low), float(interval.high))

    @property
    def figure(self) -> Figure:
        """The same as a `Figure`."""
        return Figure(self.value, self.ci95, self.total)

    def as_dict(self) -> dict[str, object]:
        """value, ci95, n, and the count itself."""
        return {**self.figure.as_dict(), "count": self.count}

    def __str__(self) -> str:
        """For people: n/N, percent and interval.

        >>> str(Rate(7, 50))
        '7/50, 14.0 % (95 % CI 7.0 to 26.2)'
        >>> str(Rate(0, 0))
        '0/0, not measured'
        """
        if self.value is None or self.ci95 is None:
            return f"{self.count}/{self.total}, not measured"
        low, high = (100 * bound for bound in self.ci95)
        return f"{self.count}/{self.total}, {100 * self.value:.1f} % (95 % CI {low:.1f} to {high:.1f})"
