"""Does the draft follow its inputs? Three paired tests: move the lesion, remove it, remove the prior note.

Each pair starts from a draft that shows the behaviour in question (it points at the lesion; it compares with the prior)
and asks whether the change of that one input changes the draft. How often the first draft qualifies is a figure
that stands beside (`qualified`): a model that never points at a lesion has no pairs, not a perfect score.

- moved: the draft pointed at the lesion. With the lesion elsewhere, a box points there and none at the old place.
- removed: the draft pointed at the lesion. Without it, no box points there and fewer sentences carry a box.
- comparison: given a note on the lesion, the draft compared (new, worse, stable, improved or resolved). Without the
  note, no sentence compares and none cites.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cases.draft import Draft, ModelIdentity
from cases.study import PriorNote
from evals.matching import points_at
from evals.rate import Rate
from evals.scenes import Ground, Scene, View
from evals.trial import Drafter, image_of, trial_case
from grounding.report import Progression

NO_COMPARISON = frozenset({Progression.NOT_STATED, Progression.NOT_COMPARABLE})


class Test(StrEnum):
    """The three questions."""

    __test__ = False  # not for pytest

    MOVED = "moved"
    REMOVED = "removed"
    COMPARISON = "comparison"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one scene says to one question: followed is None where the first draft did not qualify."""

    test: Test
    ground: Ground
    followed: bool | None


@dataclass(frozen=True, slots=True)
class SeeingResult:
    """All verdicts of a run."""

    verdicts: tuple[Verdict, ...]
    seed: int
    model: ModelIdentity | None

    def followed(self, test: Test, ground: Ground | None = None) -> Rate:
        """Pairs that followed, of pairs that qualified."""
        chosen = [v.followed for v in self._of(test, ground) if v.followed is not None]
        return Rate(sum(chosen), len(chosen))

    def qualified(self, test: Test, ground: Ground | None = None) -> Rate:
        """Scenes whose first draft qualified, of scenes tried."""
        chosen = self._of(test, ground)
        return Rate(sum(v.followed is not None for v in chosen), len(chosen))

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval seeing --json`: per test the rate, by ground, and how many drafts qualified."""
        told: dict[str, object] = {"seed": self.seed, "model": None if self.model is None else asdict(self.model)}
        for test in Test:
            told[test.value] = {
                **self.followed(test).as_dict(),
                "qualified": self.qualified(test).as_dict(),
                "by_ground": {ground.value: self.followed(test, ground).as_dict() for ground in Ground},
            }
        return told

    def _of(self, test: Test, ground: Ground | None) -> list[Verdict]:
        return [v for v in self.verdicts if v.test is test and (ground is None or v.ground is ground)]


def run(
    grounds: Iterable[Iterable[Scene]],
    *,
    draft: Drafter,
    pairs: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> SeeingResult:
    """Ask all three questions of scenes, until each has its pairs.

    Args:
        grounds: one iterable of scenes for each ground (real, simulated); each gives half of the pairs.
        draft: the product's own path.
        pairs: wanted for each question, over all grounds; fewer when the scenes run out.
        seed: that the scenes were made with, for the record.
        progress: told how many scenes are done after each.
    """
    panel = _Panel(draft)
    verdicts: list[Verdict] = []
    chosen = tuple(grounds)
    for scenes in chosen:
        wanted = dict.fromkeys(Test, -(-pairs // len(chosen)))
        for scene in scenes:
            if not any(wanted.values()):
                break
            for verdict in panel.verdicts(scene, tuple(test for test, left in wanted.items() if left)):
                wanted[verdict.test] -= verdict.followed is not None
                verdicts.append(verdict)
            if progress is not None:
                progress(len(verdicts))
    return SeeingResult(tuple(verdicts), seed, panel.model)


class _Panel:
    """Drafts the pictures of a scene, each at most once."""

    def __init__(self, draft: Drafter) -> None:
        self._draft = draft
        self.model: ModelIdentity | None = None

    def verdicts(self, scene: Scene, tests: tuple[Test, ...]) -> list[Verdict]:
        """One verdict for each test asked."""
        first = self._drafted(scene, scene.here.pixels)
        ask = {Test.MOVED: self._moved, Test.REMOVED: self._removed, Test.COMPARISON: self._comparison}
        return [Verdict(test, scene.ground, ask[test](scene, first)) for test in tests]

    def _moved(self, scene: Scene, first: Draft) -> bool | None:
        if not _points(first, scene.here):
            return None
        second = self._drafted(scene, scene.there.pixels)
        return _points(second, scene.there) and not _points(second, scene.here)

    def _removed(self, scene: Scene, first: Draft) -> bool | None:
        if not _points(first, scene.here):
            return None
        second = self._drafted(scene, scene.without)
        understood = second.report is not None
        return understood and not _points(second, scene.here) and _grounded(second) < _grounded(first)

    def _comparison(self, scene: Scene, first: Draft) -> bool | None:
        noted = self._drafted(scene, scene.here.pixels, notes=(scene.note,))
        if not _compares(noted):
            return None
        return first.report is not None and not _compares(first) and not _cites(first)

    def _drafted(self, scene: Scene, pixels: NDArray[np.uint16], *, notes: tuple[PriorNote, ...] = ()) -> Draft:
        image = image_of(pixels, view="PA", simulated=scene.ground is Ground.SIMULATED)
        drafted = self._draft(trial_case(scene.scene_id, image, notes=notes), pixels=pixels)
        self.model = drafted.model
        return drafted


def _points(draft: Draft, view: View) -> bool:
    rows, columns = view.pixels.shape
    boxes = draft.report.boxes if draft.report is not None else ()
    return any(points_at(box.center, view.lesion.box, columns=columns, rows=rows) for box in boxes)


def _grounded(draft: Draft) -> int:
    return sum(bool(sentence.boxes) for sentence in draft.report.sentences) if draft.report is not None else 0


def _compares(draft: Draft) -> bool:
    sentences = draft.report.sentences if draft.report is not None else ()
    return any(sentence.progression not in NO_COMPARISON for sentence in sentences)


def _cites(draft: Draft) -> bool:
    return any(sentence.citations for sentence in draft.report.sentences) if draft.report is not None else False
