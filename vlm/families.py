"""What model families differ in besides their weights: how an image is fitted, how they are asked, how they answer.

One entry is all that drafting needs to know of a family; which classes load it is `vlm.backends.architectures`. The
embedded model is a family like any other. No family here needs a package beyond the project's own: Qwen's processors
are used without their half for videos, which is what asks for torchvision.

Families that end in `_two_pass` first write plain sentences, then place each finding by a second question
(`vlm.grounding_pass`): for models that lose words when they write boxes, or were only ever taught one of the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cases.study import InputName
from grounding.findings import Finding

PROSE: Final = "prose@1"


class Fit(StrEnum):
    """How a radiograph is laid into a model's input (`vlm.preprocess.fitted`)."""

    LETTERBOX = "letterbox"  # whole, amid black, in a square
    CENTER_CROP = "center_crop"  # the middle square; the margin is never seen
    RESIZED_28 = "resized_28"  # whole, each side a multiple of 28
    RESIZED_32 = "resized_32"  # whole, each side a multiple of 32


class Grounding(StrEnum):
    """When a model gives its boxes."""

    JOINT = "joint"  # with its sentences
    SECOND_PASS = "second_pass"  # noqa: S105 - afterwards, one question for each sentence that a box could show


@dataclass(frozen=True, slots=True)
class Family:
    """A model family as drafting sees it.

    Attributes:
        name: as a spec's `family` and the site's list of models call it.
        architecture: name in `vlm.backends.architectures` under which its weights load.
        codec: that reads its boxes, "name@version".
        prompt: name of its template in `vlm/prompts/`, which holds the second question too where there is one.
        fit: how the image is laid into its input.
        side_px: the side of input that it was taught, or a good one where it takes any.
        grounding: when it gives its boxes.
        unused: inputs that it never reads.
        beside_prior_image: inputs that it reads only when a prior image is given too.
        budget_chars: most characters of a case's words in its prompt, instructions not counted.
        sees: findings that it was measured to state when they are there, so that its silence says "none". Being able to
            say a word is not enough: the embedded model can say "pleural effusion", and says it of none of 13 real ones
            (`overread eval conflict`), so that its silence on them says nothing.
    """

    name: str
    architecture: str
    codec: str
    prompt: str
    fit: Fit
    side_px: int
    grounding: Grounding = Grounding.JOINT
    unused: tuple[InputName, ...] = (InputName.PRIOR_IMAGE,)
    beside_prior_image: tuple[InputName, ...] = ()
    budget_chars: int = 6000
    sees: frozenset[Finding] = frozenset()

    @property
    def draft_codec(self) -> str:
        """The codec that reads its first answer: plain sentences where boxes come later."""
        return PROSE if self.grounding is Grounding.SECOND_PASS else self.codec

    def never_reads(self, *, prior_image_given: bool) -> tuple[InputName, ...]:
        """The inputs that it leaves unread in a case, in the order of `InputName`.

        >>> [name.value for name in family_named("maira2").never_reads(prior_image_given=False)]
        ['prior_image', 'prior_notes']
        """
        shown = prior_image_given and InputName.PRIOR_IMAGE not in self.unused
        unread = self.unused if shown else (*self.unused, *self.beside_prior_image)
        return tuple(name for name in InputName if name in unread)


def family_named(name: str) -> Family:
    """The family of that name.

    Raises:
        LookupError: there is none.

    >>> family_named("gemma3").codec
    'gemma-box2d@1'
    """
    if name not in FAMILIES:
        msg = f"no model family is named {name!r}: take one of {', '.join(FAMILIES)}"
        raise LookupError(msg)
    return FAMILIES[name]


def _two_pass(family: Family) -> Family:
    return replace(
        family,
        name=f"{family.name}_two_pass",
        prompt=f"{family.name}_two_pass-1",
        grounding=Grounding.SECOND_PASS,
    )


_OVERREAD: Final = Family(
    "overread",
    "overread",
    "overread-cells@1",
    "overread-2",
    Fit.LETTERBOX,
    320,
    unused=(),
    budget_chars=900,
    sees=frozenset({Finding.NODULE, Finding.MASS}),
)
_MAIRA2: Final = (
    Family(  # its own processor drops the earlier report when no prior image is given; so do we, and say so
        "maira2",
        "maira2",
        "maira2@1",
        "maira2-1",
        Fit.CENTER_CROP,
        518,
        beside_prior_image=(InputName.PRIOR_NOTES,),
    )
)
_GEMMA3: Final = Family("gemma3", "gemma3", "gemma-box2d@1", "gemma3-1", Fit.LETTERBOX, 896)
_QWEN25: Final = Family("qwen2_5_vl", "qwen2_5_vl", "qwen2.5-vl@1", "qwen2_5_vl-1", Fit.RESIZED_28, 1008)
_QWEN3: Final = Family("qwen3_vl", "qwen3_vl", "qwen3-vl@1", "qwen3_vl-1", Fit.RESIZED_32, 1024)

FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        family.name: family
        for family in (_OVERREAD, _MAIRA2, _GEMMA3, _QWEN25, _QWEN3, *map(_two_pass, (_GEMMA3, _QWEN25, _QWEN3)))
    }
)
