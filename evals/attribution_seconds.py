"""How long a case's evidence by removal takes: by the clock, and of processor time.

Other work on the machine lengthens the first more than the second.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

TARGET_S = 8.0  # a whole case's evidence, five inputs, two quiet CPU cores

Lap = tuple[float, float]  # by the clock, of processor time; seconds


@dataclass(frozen=True, slots=True)
class Seconds:
    """One case: how many subsets of its inputs were asked about, and how long each part took."""

    subsets: int
    attribution: Lap
    redrafts: Lap


@dataclass(slots=True)
class Stopwatch:
    """Measures from one lap to the next."""

    _wall: float = field(default_factory=time.perf_counter)
    _processor: float = field(default_factory=time.process_time)

    def lap(self) -> Lap:
        """Seconds since the last lap."""
        wall, processor = time.perf_counter(), time.process_time()
        taken = (wall - self._wall, processor - self._processor)
        self._wall, self._processor = wall, processor
        return taken


def summary(seconds: Sequence[Seconds]) -> dict[str, object]:
    """Medians and maxima over the cases with the most subsets, which are the dearest."""
    most = max((one.subsets for one in seconds), default=0)
    chosen = [one for one in seconds if one.subsets == most]
    return {
        "subsets": most,
        "n": len(chosen),
        "target_s": TARGET_S,
        "attribution": _laps([one.attribution for one in chosen]),
        "redrafts": _laps([one.redrafts for one in chosen]),
        "both": _laps([_together(one.attribution, one.redrafts) for one in chosen]),
    }


def _together(first: Lap, second: Lap) -> Lap:
    """Both laps together."""
    return (first[0] + second[0], first[1] + second[1])


def _laps(laps: Sequence[Lap]) -> dict[str, float | None]:
    names = ("wall_median_s", "processor_median_s")
    told: dict[str, float | None] = {
        name: median(lap[index] for lap in laps) if laps else None for index, name in enumerate(names)
    }
    return {**told, "wall_most_s": max((lap[0] for lap in laps), default=None)}
