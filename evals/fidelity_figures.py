"""The figures of judged heatmaps, paired differences from the controls by patient, and the verdict on each method.

A method may be shown when, with 95 % intervals over patients, it beats the centre map in deletion, in insertion and in
the pointing game, when randomized weights change it (Adebayo J et al., NeurIPS 2018), and when a case can afford it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from evals.bootstrap import cluster_ci95, ratio
from evals.clustered import clustered_share
from evals.rate import UNMEASURED, Figure
from vlm.backend import ModelPart

CENTRE, RANDOM, OWN_BOX = "centre", "random", "own_box"
CONTROLS: Final = (RANDOM, CENTRE, OWN_BOX)
SANE: Final = 0.5  # rank correlation with the map of a randomized model stays below it, interval and all
LEAST_PATIENTS: Final = 10  # an interval over fewer decides nothing; of the sanity check, sentences
MOST_PASSES: Final = 16  # through the model for one case's maps: all its evidence has 8 seconds, 32 coalitions included


@dataclass(frozen=True, slots=True)
class Judged:
    """One map of one sentence.

    Attributes:
        sentence: unique in the run.
        patient: cluster.
        name: of the map.
        deletion, insertion: nats of the statement, words and boxes; more is better.
        deletion_of_words, insertion_of_words: of its words alone.
        points: whether the peak lies in a true lesion; None where the sentence's own boxes lie in none.
    """

    sentence: int
    patient: str
    name: str
    deletion: float
    insertion: float
    deletion_of_words: float
    insertion_of_words: float
    points: bool | None


@dataclass(frozen=True, slots=True)
class Sanity:
    """The rank correlation of one sentence's map with that of the model whose weights of a part were randomized."""

    patient: str
    name: str
    part: ModelPart
    correlation: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a method may be shown, and each reason."""

    beats_centre: bool
    sane: bool
    affordable: bool

    @property
    def may_be_shown(self) -> bool:
        """All three."""
        return self.beats_centre and self.sane and self.affordable


MEASURES: Final[tuple[tuple[str, Callable[[Judged], float | None]], ...]] = (
    ("deletion_nats", lambda one: one.deletion),
    ("insertion_nats", lambda one: one.insertion),
    ("deletion_of_words_nats", lambda one: one.deletion_of_words),
    ("insertion_of_words_nats", lambda one: one.insertion_of_words),
    ("pointing", lambda one: None if one.points is None else float(one.points)),
)
ALL: Final = tuple(measure for measure, _ in MEASURES)
DECIDING: Final = ("deletion_nats", "insertion_nats", "pointing")


@dataclass(frozen=True, slots=True)
class Judgements:
    """All judged maps of a run.

    Attributes:
        judged: one a map and sentence.
        sanity: one a method, sentence and randomized part.
        passes: of each method, passes through the model for one case.
        seed: of the bootstrap.
    """

    judged: tuple[Judged, ...]
    sanity: tuple[Sanity, ...]
    passes: dict[str, int]
    seed: int

    def of(self, name: str) -> dict[int, Judged]:
        """The judged maps of that name, by sentence."""
        return {one.sentence: one for one in self.judged if one.name == name}

    def figures(self, name: str) -> dict[str, Figure]:
        """Every measure of one map."""
        found = self.of(name).values()
        figures = {measure: self._mean([(one.patient, get(one)) for one in found]) for measure, get in MEASURES}
        pointed = [one for one in found if one.points is not None]
        shares = clustered_share(
            [bool(one.points) for one in pointed], [one.patient for one in pointed], seed=self.seed
        )
        return figures | {"pointing": shares}

    def difference(self, name: str, control: str, *, measures: Collection[str] = ALL) -> dict[str, Figure]:
        """Each measure of a map less that of a control on the same sentence."""
        mine, others = self.of(name), self.of(control)
        pairs = [(mine[index], others[index]) for index in mine if index in others]
        return {
            measure: self._mean([(a.patient, _less(get(a), get(b))) for a, b in pairs])
            for measure, get in MEASURES
            if measure in measures
        }

    def randomised(self, name: str, part: ModelPart) -> Figure:
        """The mean rank correlation with the maps of a model whose weights of that part are randomized."""
        return self._mean(
            [(one.patient, one.correlation) for one in self.sanity if (one.name, one.part) == (name, part)]
        )

    def verdict(self, name: str) -> Verdict:
        """Whether a method may be shown."""
        ahead = self.difference(name, CENTRE, measures=DECIDING)
        changed = [self.randomised(name, part) for part in ModelPart]
        return Verdict(
            beats_centre=self._patients(name) >= LEAST_PATIENTS and all(map(_above_zero, map(ahead.get, DECIDING))),
            sane=all(one.n >= LEAST_PATIENTS and one.ci95 is not None and one.ci95[1] < SANE for one in changed),
            affordable=self.passes[name] <= MOST_PASSES,
        )

    def _patients(self, name: str) -> int:
        """Of how many patients there is a sentence to point with."""
        return len({one.patient for one in self.of(name).values() if one.points is not None})

    def best(self, verdicts: Mapping[str, Verdict]) -> str | None:
        """Of the methods that may be shown, the one that points best; at a tie, the one worth more to the sentence."""
        allowed = [name for name, verdict in verdicts.items() if verdict.may_be_shown]
        return max(allowed, key=self._rank, default=None)

    def _rank(self, name: str) -> tuple[float, float]:
        figures = self.figures(name)
        pointing, *worth = (figures[one].value or 0.0 for one in ("pointing", "deletion_nats", "insertion_nats"))
        return (pointing, sum(worth))

    def map(self, name: str) -> dict[str, object]:
        """The figures of one map in JSON."""
        return {measure: one.as_dict() for measure, one in self.figures(name).items()}

    def method(self, name: str, verdict: Verdict) -> dict[str, object]:
        """The same with what is better than the controls, and the verdict."""
        changed = {part.value: self.randomised(name, part).as_dict() for part in ModelPart}
        differences = {
            f"less_{control}": {measure: one.as_dict() for measure, one in self.difference(name, control).items()}
            for control in CONTROLS
        }
        return {
            **self.map(name),
            **differences,
            "correlation_when_randomised": changed,
            "passes_a_case": self.passes[name],
            **asdict(verdict),
        }

    def _mean(self, values: Sequence[tuple[str, float | None]]) -> Figure:
        """The mean over sentences, with an interval over patients."""
        measured = [(patient, value) for patient, value in values if value is not None]
        if not measured:
            return UNMEASURED
        numbers = np.asarray([value for _, value in measured], dtype=np.float64)
        statistic = ratio(numbers, np.ones(numbers.size))
        interval = cluster_ci95([patient for patient, _ in measured], statistic, seed=self.seed)
        return Figure(float(numbers.mean()), interval, numbers.size)


def _above_zero(figure: Figure | None) -> bool:
    return figure is not None and figure.ci95 is not None and figure.ci95[0] > 0


def _less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
