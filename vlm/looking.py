"""Where the model looked: for each drafted sentence a heatmap over the original image, by the method that was measured.

Only a method that `overread eval fidelity` found better than a map of the image's centre is shown, and only for the
family of models it was measured on (`SHOWN`): for any other, where it looked is not measured, and nothing is drawn. A
heatmap says where the words lean, not that they are right. Not here: the methods themselves (`vlm.backends.looking`,
`vlm.occlusion`), and the judging of them (`evals.fidelity`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cases.draft import Draft
from cases.pixels import Rendered
from cases.study import Case
from grounding.heatmap import Heatmap, on_original
from grounding.placement import Placement
from vlm.backend import Asked, Backend, Inside, LookingBackend
from vlm.families import family_named
from vlm.occlusion import occlusion
from vlm.question import fitting_prompt, question_of
from vlm.spoken import Spoken, spoken

END_OF_STATEMENT: Final = "</obj>"  # of the codecs that write words first and their boxes behind them

Stretch = tuple[int, int]


class Method(StrEnum):
    """How a weight is found for each place of the image."""

    GRADIENT_MAP = Inside.GRADIENT_MAP.value
    GRADIENT_TOKENS = Inside.GRADIENT_TOKENS.value
    ATTENTION = Inside.ATTENTION.value
    OCCLUSION = "occlusion"


class Target(StrEnum):
    """Which tokens' log-probability is explained."""

    WORDS = "words"
    STATEMENT = "statement"  # the words and the boxes behind them; the words alone where there are none


@dataclass(frozen=True, slots=True)
class Looking:
    """A method and what it explains.

    >>> Looking(Method.GRADIENT_MAP, Target.STATEMENT).name
    'gradient_map_of_statement'
    """

    method: Method
    target: Target

    @property
    def name(self) -> str:
        """What a heatmap calls its method."""
        return f"{self.method.value}_of_{self.target.value}"


# What is shown, for each family that was measured; `overread eval fidelity` confirms it, or says null. Why this one: on
# 24 real radiographs with inserted nodules (39 sentences; seed 11) the statement lost 9.8 nats without its top cells
# (centre map 2.8, random 4.0) and gained 8.4 by them alone (0.9, -1.2); its peak lay in the lesion in 0.93 of 29.
# Occlusion was worth as much, for 65 passes through the model instead of one, and pointed in 0.59; attention in 0.66.
SHOWN: Final[Mapping[str, Looking]] = MappingProxyType({"overread": Looking(Method.GRADIENT_MAP, Target.STATEMENT)})


@dataclass(frozen=True, slots=True)
class Sight:
    """A case's draft as the model saw and said it.

    Attributes:
        asked: the draft's own prompt and images, and its answer.
        image: as the model saw it, (rows, columns) uint8.
        placement: of the radiograph in it.
        spoken: where the sentences stand in the answer.
    """

    asked: Asked
    image: NDArray[np.uint8]
    placement: Placement
    spoken: Spoken

    def stretches(self, target: Target) -> tuple[Stretch, ...]:
        """Of each sentence, [start, end) of what is explained, in the answer's characters."""
        if target is Target.WORDS:
            return self.spoken.words
        starts = [start for start, _ in self.spoken.words[1:]]
        nexts = (*starts, len(self.spoken.answer))
        return tuple(
            _statement(words, before=end, answer=self.spoken.answer)
            for words, end in zip(self.spoken.words, nexts, strict=True)
        )


def sight_of(case: Case, *, pixels: Rendered, draft: Draft, backend: Backend) -> Sight | None:
    """What the model saw when it drafted the case; None without a report, without an image, or for words not found.

    Raises:
        ValueError: the pixels are not those of the case.
    """
    said = spoken(draft)
    if said is None or case.image is None:
        return None
    side, family = backend.spec.input_side_px, family_named(backend.spec.family)
    question = question_of(case, pixels=pixels, side=side, prompt=fitting_prompt(case, backend), family=family)
    if question.image is None:
        return None
    asked = Asked(said.answer, question.prompt.text, question.image, question.prior)
    return Sight(asked, question.image, question.placement, said)


def heatmaps(
    case: Case,
    *,
    pixels: Rendered | None,
    draft: Draft,
    backend: Backend,
    shown: Mapping[str, Looking] = SHOWN,
) -> tuple[Heatmap | None, ...]:
    """Where the model looked for each sentence of its draft, in order.

    Args:
        case: as it was drafted.
        pixels: of its images; None for a case without any.
        draft: by this backend's model.
        backend: that can tell from inside its model where it looked, or cannot.
        shown: of each family, the method that is shown.

    Returns:
        One a sentence; None where it shows no box, where there is no image among the inputs, where the backend cannot
        tell, or where no method was measured for its family. Empty for a draft without a report.

    Raises:
        ValueError: the pixels are not those of the case.
        BackendError: the model's fault.
    """
    if draft.report is None:
        return ()
    nothing = (None,) * len(draft.report.sentences)
    looking = shown.get(backend.spec.family)
    if looking is None or pixels is None or not isinstance(backend, LookingBackend):
        return nothing
    sight = sight_of(case, pixels=pixels, draft=draft, backend=backend)
    found = None if sight is None else looked(sight, looking, backend=backend)
    if found is None:
        return nothing
    # what a map is worth was measured on sentences that show a box; for any other nothing vouches for it
    return tuple(one if own.boxes else None for one, own in zip(found, draft.report.sentences, strict=True))


def looked(sight: Sight, looking: Looking, *, backend: LookingBackend) -> tuple[Heatmap, ...] | None:
    """The heatmaps of all sentences by one method; None where the model has no part that it needs.

    Raises:
        BackendError: the model's fault.
    """
    stretches = sight.stretches(looking.target)
    grids: Sequence[NDArray[np.float64]] | None
    if looking.method is Method.OCCLUSION:
        grids = occlusion(sight.asked, stretches=stretches, backend=backend)
    else:
        grids = backend.looked(sight.asked, stretches=stretches, inside=Inside(looking.method.value))
    if grids is None:
        return None
    return tuple(on_original(grid, placement=sight.placement, method=looking.name) for grid in grids)


def _statement(words: Stretch, *, before: int, answer: str) -> Stretch:
    """The words with what stands behind them in their object, boxes and all."""
    end = answer.find(END_OF_STATEMENT, words[1], before)
    return words if end < 0 else (words[0], end)
