"""Does the model know when an image is unlike its training? Radiographs it never saw against pictures of other kinds.

Development radiographs stand on one side; on the other the same ones spoilt (turned, inverted, cut, blurred, noisy,
dim) and pictures of no chest. The area under the curve is of the product's own score (`vlm.unlike_training`), kind by
kind and over all; the flag is its threshold, which was set on training images kept out of the fit. Radiographs with an
inserted lesion and simulated ones must not be flagged either. One hospital's images are in all of it: what another's
score is not known here, but for one film (RG1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from cases.draft import ModelIdentity
from evals.auc import Ranked
from evals.clustered import clustered_share
from evals.manifest import ManifestRow
from evals.unlike_pictures import SPOILT, other_pictures, spoilt
from vlm.unlike_training import UNLIKE

LIMIT = 0.05
USUAL = "radiographs"

Score = Callable[[NDArray[np.uint16]], float]


@dataclass(frozen=True, slots=True)
class Scored:
    """One picture's score.

    Attributes:
        kind: `USUAL`, another kind like training, or a kind unlike it.
        patient: cluster; a picture that is of no patient is its own.
    """

    kind: str
    patient: str
    score: float


@dataclass(frozen=True, slots=True)
class UnlikenessResult:
    """All scores of a run.

    Attributes:
        usual: of radiographs never trained on.
        alike: of pictures that must not be flagged either.
        unlike: of pictures that should be.
    """

    usual: tuple[Scored, ...]
    alike: tuple[Scored, ...]
    unlike: tuple[Scored, ...]
    seed: int
    model: ModelIdentity | None

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval unlikeness --json`."""
        return {
            "n_radiographs": len(self.usual),
            "n_unlike": len(self.unlike),
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "area": self._area(self.unlike),
            "flagged_radiographs": self._flagged(self.usual),
            "flagged_unlike": self._flagged(self.unlike),
            "by_kind": {
                kind: {"area": self._area(some), "flagged": self._flagged(some), "median_score": _median(some)}
                for kind, some in _grouped(self.unlike).items()
            },
            "must_not_be_flagged": {
                kind: {"flagged": self._flagged(some), "median_score": _median(some)}
                for kind, some in _grouped((*self.usual, *self.alike)).items()
            },
            "threshold": UNLIKE,
            "limit": f"at most {LIMIT} of radiographs never trained on are flagged",
            "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all or none were flagged)",
        }

    def _area(self, unlike: Sequence[Scored]) -> dict[str, object]:
        both = (*self.usual, *unlike)
        positive = tuple(index >= len(self.usual) for index in range(len(both)))
        ranked = Ranked(positive, ("",) * len(both), tuple(one.patient for one in both))
        return ranked.area([one.score for one in both], seed=self.seed).as_dict()

    def _flagged(self, some: Sequence[Scored]) -> dict[str, object]:
        flags = [one.score >= UNLIKE for one in some]
        return clustered_share(flags, [one.patient for one in some], seed=self.seed).as_dict()


def run(
    rows: Iterable[ManifestRow],
    *,
    score: Score,
    seed: int,
    alike: Iterable[tuple[str, str, NDArray[np.uint16]]] = (),
    drawings: int = 20,
    model: ModelIdentity | None = None,
) -> UnlikenessResult:
    """Score every radiograph, each spoilt in every way, and the pictures that show no chest.

    Args:
        rows: radiographs never trained on.
        score: of one displayed picture; `UNLIKE` or more is a flag.
        seed: of the spoiling, the drawings and the bootstrap.
        alike: (kind, patient, pixels) of pictures that must not be flagged.
        drawings: how many limbs and skulls.
        model: whose score it is.
    """
    usual: list[Scored] = []
    unlike: list[Scored] = []
    for index, row in enumerate(rows):
        pixels = row.pixels()
        usual.append(Scored(USUAL, row.patient, score(pixels)))
        for number, how in enumerate(SPOILT):
            random = np.random.default_rng([seed, index, number])
            unlike.append(Scored(how, row.patient, score(spoilt(pixels, how, random))))
    others = other_pictures(drawings=drawings, seed=seed)
    unlike += [Scored(kind, name, score(pixels)) for kind, name, pixels in others]
    kept = tuple(Scored(kind, patient, score(pixels)) for kind, patient, pixels in alike)
    return UnlikenessResult(tuple(usual), kept, tuple(unlike), seed, model)


def _median(some: Sequence[Scored]) -> float | None:
    return float(np.median([one.score for one in some])) if some else None


def _grouped(some: Sequence[Scored]) -> dict[str, list[Scored]]:
    kinds = dict.fromkeys(one.kind for one in some)
    return {kind: [one for one in some if one.kind == kind] for kind in kinds}
