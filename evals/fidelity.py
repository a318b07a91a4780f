"""Can the heatmaps be believed? Each method's maps beside a random one, one of the image's centre and the drafted box.

Every drafted sentence that shows a box is asked about, right or wrong: a map is to be true to the model. The pointing
game (Zhang J et al., ECCV 2016; peak inside the true lesion under `evals.matching.points_at`) counts only sentences
whose own box points at a lesion, since a map of a wrong sentence has no business there. The drafted box as a map is a
bar to compare with, no map of where the model looked. Deletion and insertion are `evals.fidelity_curves`; what follows
from the figures is `evals.fidelity_figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np

from cases.draft import Draft, ModelIdentity
from evals.fidelity_curves import SHARES, Bench
from evals.fidelity_figures import CENTRE, CONTROLS, MOST_PASSES, OWN_BOX, RANDOM, SANE, Judged, Judgements, Sanity
from evals.matching import HIT_RULE, points_at
from evals.trial import Drafter, Trial
from grounding.box import Box
from grounding.heatmap import CELLS, Grid, Heatmap, drawn_on_original
from grounding.report import GroundedSentence
from vlm.backend import LookingBackend, ModelPart
from vlm.looking import SHOWN, Looking, Method, Sight, Target, looked, sight_of
from vlm.occlusion import SQUARES

LOOKINGS: Final = tuple(Looking(method, target) for method in Method for target in Target)
CENTRE_SIGMA: Final = 0.25  # of each side
BOX_SIGMA: Final = 0.05
CHECKED: Final = 30  # sentences whose maps are also drawn by randomized models
DEAR: Final = 10  # of them for a method that cannot be afforded beside each draft


@dataclass(frozen=True, slots=True)
class FidelityResult:
    """Everything a run measured.

    Attributes:
        judgements: of all maps.
        cases: drafted, and those of them without a sentence that shows a box.
        written: the method that `vlm.looking` shows for this family of models, None where it shows none.
    """

    ground: str
    judgements: Judgements
    cases: int
    unasked: int
    written: Looking | None
    seed: int
    model: ModelIdentity | None

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval fidelity --json`."""
        written = None if self.written is None else self.written.name
        verdicts = {looking.name: self.judgements.verdict(looking.name) for looking in LOOKINGS}
        passing = written is not None and verdicts[written].may_be_shown
        return {
            "ground": self.ground,
            "n_cases": self.cases,
            "n_without_a_boxed_sentence": self.unasked,
            "n_sentences": len(self.judgements.of(CENTRE)),
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "shown_method": written if passing else None,
            "written_method": written,
            "best_method": self.judgements.best(verdicts),
            "methods": {name: self.judgements.method(name, verdict) for name, verdict in verdicts.items()},
            "controls": {name: self.judgements.map(name) for name in CONTROLS},
            "rule": _RULE,
            "curves": _CURVES,
            "pointing_rule": f"the map's peak under the hit rule: {HIT_RULE}; of sentences whose own box hits",
            "intervals": "95 %, bootstrap of whole patients; differences are paired by sentence",
        }


_RULE: Final = (
    "shown: deletion, insertion (of the statement) and pointing are better than the centre map's, interval above 0; "
    f"rank correlation with the maps of randomized models stays below {SANE}, interval and all; at most {MOST_PASSES} "
    "passes through the model a case"
)
_CURVES: Final = (
    f"{CELLS} cells on the long side; the top {', '.join(f'1/{round(1 / share)}' for share in SHARES)} of the cells "
    "are blurred (deletion), or all others are (insertion); mean change of the log-probability in nats: more is better"
)


@dataclass(slots=True)
class _Tally:
    """What has been judged so far."""

    judged: list[Judged] = field(default_factory=list)
    sanity: list[Sanity] = field(default_factory=list)
    sentences: int = 0
    drafts: list[Draft] = field(default_factory=list)
    unasked: int = 0


def run(trials: Iterable[Trial], *, ground: str, draft: Drafter, backend: LookingBackend, seed: int) -> FidelityResult:
    """Draft every trial and judge the maps of its boxed sentences.

    Args:
        trials: taken one at a time.
        ground: what the images are, in words.
        draft: the product's own path, with this backend bound.
        backend: that drafted, and can say where it looked.
        seed: of the random map, of ties, of the randomized weights and of the bootstrap.
    """
    tally, strangers = _Tally(), {part: backend.randomised(part=part, seed=seed) for part in ModelPart}
    for index, trial in enumerate(trials):
        drafted = draft(trial.case, pixels=trial.rendered)
        tally.drafts.append(drafted)
        before = tally.sentences
        sight = sight_of(trial.case, pixels=trial.rendered, draft=drafted, backend=backend)
        if sight is not None:
            _Case(trial, drafted, sight, backend, np.random.default_rng([seed, index])).judge(tally, strangers)
        tally.unasked += tally.sentences == before
    passes = {one.name: SQUARES**2 + 1 if one.method is Method.OCCLUSION else 1 for one in LOOKINGS}
    return FidelityResult(
        ground,
        Judgements(tuple(tally.judged), tuple(tally.sanity), passes, seed),
        len(tally.drafts),
        tally.unasked,
        SHOWN.get(backend.spec.family),
        seed,
        tally.drafts[0].model if tally.drafts else None,
    )


class _Case:
    """One drafted case whose boxed sentences' maps are judged."""

    def __init__(
        self, trial: Trial, draft: Draft, sight: Sight, backend: LookingBackend, random: np.random.Generator
    ) -> None:
        self._trial, self._sight, self._backend, self._random = trial, sight, backend, random
        sentences = () if draft.report is None else draft.report.sentences
        self._boxed = [(place, one) for place, one in enumerate(sentences) if one.boxes]

    def judge(self, tally: _Tally, strangers: Mapping[ModelPart, LookingBackend]) -> None:
        """Judge every map of every boxed sentence."""
        if not self._boxed:
            return
        drawn = {one: made for one in LOOKINGS if (made := looked(self._sight, one, backend=self._backend))}
        before = tally.sentences
        for place, sentence in self._boxed:
            maps = {one.name: found[place] for one, found in drawn.items()}
            tally.judged += self._judged(tally.sentences, place, sentence, maps | self._controls(sentence))
            tally.sentences += 1
        for one, found in drawn.items():
            if before < (DEAR if one.method is Method.OCCLUSION else CHECKED):
                tally.sanity += self._sanity(one, found, strangers)

    def _judged(self, index: int, place: int, sentence: GroundedSentence, maps: Mapping[str, Heatmap]) -> list[Judged]:
        stretches = [self._sight.stretches(target)[place] for target in (Target.STATEMENT, Target.WORDS)]
        bench = Bench(self._sight, stretches, backend=self._backend)
        found = []
        for name, heatmap in maps.items():
            whole, words = bench.curves(heatmap, random=self._random)
            worth = (whole.deletion, whole.insertion, words.deletion, words.insertion)
            found.append(Judged(index, self._trial.patient, name, *worth, points=self._points(sentence, heatmap)))
        return found

    def _points(self, sentence: GroundedSentence, heatmap: Heatmap) -> bool | None:
        """Whether the map's peak hits a lesion that the sentence's own box hits; None where it hits none."""
        lesions = [
            lesion.box
            for lesion in self._trial.lesions
            if any(self._hits(b.center, lesion.box) for b in sentence.boxes)
        ]
        if not lesions:
            return None
        return heatmap.peak is not None and any(self._hits(heatmap.peak, lesion) for lesion in lesions)

    def _hits(self, point: tuple[float, float], lesion: Box) -> bool:
        rows, columns = self._trial.pixels.shape
        return points_at(point, lesion, columns=columns, rows=rows)

    def _controls(self, sentence: GroundedSentence) -> dict[str, Heatmap]:
        """The maps that no model makes."""
        box = sentence.boxes[0].center
        formulas = {
            RANDOM: lambda x, _: self._random.random(x.shape),
            CENTRE: lambda x, y: _bump(x, y, at=(0.5, 0.5), sigma=CENTRE_SIGMA),
            OWN_BOX: lambda x, y: _bump(x, y, at=box, sigma=BOX_SIGMA),
        }
        placement = self._sight.placement
        return {
            name: drawn_on_original(formula, placement=placement, method=name) for name, formula in formulas.items()
        }

    def _sanity(
        self, looking: Looking, maps: tuple[Heatmap, ...], strangers: Mapping[ModelPart, LookingBackend]
    ) -> list[Sanity]:
        """How alike the maps of models are that know nothing."""
        found = []
        for part, stranger in strangers.items():
            others = looked(self._sight, looking, backend=stranger) or ()
            for (place, _), other in ((pair, others[pair[0]]) for pair in self._boxed):
                likeness = rank_correlation(maps[place].array, other.array)
                found.append(Sanity(self._trial.patient, looking.name, part, likeness))
        return found


def rank_correlation(a: Grid, b: Grid) -> float:
    """Spearman's correlation of two maps where both were seen; 0 where one of them is the same everywhere.

    >>> rank_correlation(np.array([[1.0, 2.0, np.nan]]), np.array([[5.0, 9.0, 1.0]]))
    1.0
    """
    from scipy.stats import rankdata

    both = np.isfinite(a) & np.isfinite(b)
    ranks = [rankdata(array[both]) for array in (a, b)]
    if any(np.ptp(one) == 0 for one in ranks):
        return 0.0
    return round(float(np.corrcoef(ranks)[0, 1]), 12)


def _bump(x: Grid, y: Grid, *, at: tuple[float, float], sigma: float) -> Grid:
    squared: Grid = (x - at[0]) ** 2 + (y - at[1]) ** 2
    return np.asarray(np.exp(-0.5 * squared / sigma**2), dtype=np.float64)
