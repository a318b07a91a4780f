"""What a heatmap's top cells are worth to a sentence: what it loses without them, and what it gains by them alone.

Deletion and insertion (Petsiuk V et al., RISE, BMVC 2018) on the log-probability of the drafted words. Cells are taken
by falling weight, ties in random order; what is removed is replaced by its blurred surroundings, the same for every
map. The shares removed are a ladder of doublings and the mean over it is the area under the curve on a logarithmic
axis: a lesion covers about one percent of a radiograph, and on a linear axis nine tenths of the area would come from
removing anatomy. Not here: which maps are compared (`evals.fidelity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from grounding.heatmap import Heatmap
from grounding.placement import Placement
from vlm.backend import AnswerScoringBackend, ScoredAnswer
from vlm.looking import Sight, Stretch
from vlm.occlusion import blurred, without

SHARES: Final = (1 / 128, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)  # of the cells that the model saw
OUTSIDE: Final = -1

Cells = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Curve:
    """What one map's cells are worth to one stretch of the answer, in nats; more is better, of both.

    Attributes:
        lost: at each share, what the stretch loses without the map's top cells.
        gained: at each share, what it gains by them over an image that is blurred all over.
    """

    lost: tuple[float, ...]
    gained: tuple[float, ...]

    @property
    def deletion(self) -> float:
        """The area under the loss, on the logarithmic axis, as its mean."""
        return float(np.mean(self.lost))

    @property
    def insertion(self) -> float:
        """The area under the gain."""
        return float(np.mean(self.gained))


def cells_of_input(placement: Placement, *, rows: int, columns: int) -> Cells:
    """For each pixel of the model's input, the cell of a (rows, columns) grid over the original image that it shows.

    Returns:
        (input_rows, input_columns) indices, row by row; -1 in the padding.

    >>> from grounding.placement import letterbox
    >>> cells_of_input(letterbox(4, 2, side=4), rows=1, columns=2).tolist()
    [[-1, -1, -1, -1], [0, 0, 1, 1], [0, 0, 1, 1], [-1, -1, -1, -1]]
    """
    x = (np.arange(placement.input_columns) + 0.5 - placement.offset_x) / (placement.scale_x * placement.columns)
    y = (np.arange(placement.input_rows) + 0.5 - placement.offset_y) / (placement.scale_y * placement.rows)
    across, down = (np.floor(share * count).astype(np.intp) for share, count in ((x, columns), (y, rows)))
    cells = down[:, None] * columns + across[None, :]
    inside = ((x >= 0) & (x < 1))[None, :] & ((y >= 0) & (y < 1))[:, None]
    return np.where(inside, cells, OUTSIDE)


def falling(heatmap: Heatmap, random: np.random.Generator) -> Cells:
    """The cells that the model saw by falling weight, ties in random order.

    >>> falling(Heatmap("m", 1, 3, (0.5, None, 2.0)), np.random.default_rng(0)).tolist()
    [2, 0]
    """
    weights = heatmap.array.ravel()
    seen = np.flatnonzero(np.isfinite(weights))
    return seen[np.lexsort((random.random(seen.size), -weights[seen]))]


class Bench:
    """One drafted case whose image can be taken apart.

    Args:
        sight: the draft as the model saw and said it.
        stretches: [start, end) of what is scored, in the answer's characters.
        backend: that scores.
    """

    def __init__(self, sight: Sight, stretches: Sequence[Stretch], *, backend: AnswerScoringBackend) -> None:
        """Score the image as it is, and blurred all over."""
        self._sight, self._stretches, self._backend = sight, stretches, backend
        self._instead = blurred(sight.image)
        self._whole, self._nothing = self._scored([sight.image, self._instead])

    def curves(self, heatmap: Heatmap, *, random: np.random.Generator) -> tuple[Curve, ...]:
        """The curve of each stretch under a map.

        Raises:
            BackendError: the model's fault.
        """
        order = falling(heatmap, random)
        rank = np.full(len(heatmap.values) + 1, order.size)  # one more for the padding, which is never taken
        rank[order] = np.arange(order.size)
        ranks = rank[cells_of_input(self._sight.placement, rows=heatmap.rows, columns=heatmap.columns)]
        tops = [ranks < max(1, round(share * order.size)) for share in SHARES]
        removed = self._scored([self._without(top) for top in tops])
        shown = self._scored([self._without(~top) for top in tops])
        return tuple(self._curve(stretch, removed, shown) for stretch in self._stretches)

    def _curve(self, stretch: Stretch, removed: Sequence[ScoredAnswer], shown: Sequence[ScoredAnswer]) -> Curve:
        whole, nothing = self._whole.over(*stretch), self._nothing.over(*stretch)
        return Curve(
            tuple(whole - one.over(*stretch) for one in removed),
            tuple(one.over(*stretch) - nothing for one in shown),
        )

    def _without(self, removed: NDArray[np.bool_]) -> NDArray[np.uint8]:
        return without(self._sight.image, removed=removed, instead=self._instead)

    def _scored(self, images: Sequence[NDArray[np.uint8]]) -> tuple[ScoredAnswer, ...]:
        return self._backend.answer_log_probabilities([replace(self._sight.asked, image=image) for image in images])
