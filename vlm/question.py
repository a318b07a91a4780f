"""What one case asks of a model: the words that fit, the images laid in, and what will not have been read.

Not here: the chain that asks (`vlm.draft`), and how probable given words would be (`vlm.score`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cases.pixels import Pixels, Rendered
from cases.study import Case, Image, InputName
from grounding.placement import Placement
from vlm.backend import Backend, PromptMeter
from vlm.families import Family, family_named
from vlm.instructions import asked
from vlm.limitations import limitations
from vlm.preprocess import fitted, model_input
from vlm.prompt import Prompt, is_missing, load_template, render

BUDGETS_CHARS = (2500, 900, 600, 400, 250, 120, 0)  # tried below the family's own, until the model can take the prompt


@dataclass(frozen=True, slots=True)
class Question:
    """What one case asks of a model.

    Attributes:
        prompt: the words, and what is not in them.
        image: the model's input, (rows, columns) uint8; None when the image is excluded from the case's inputs.
        prior: the earlier image, laid in likewise; None where there is none, or this model does not read it.
        placement: where the radiograph lies in `image`.
        notes: per used note, the text that the model read; a citation can only come from there.
        limitations: what the report will not have taken into account.
    """

    prompt: Prompt
    image: NDArray[np.uint8] | None
    prior: NDArray[np.uint8] | None
    placement: Placement
    notes: dict[str, str]
    limitations: tuple[str, ...]


def question_of(case: Case, *, pixels: Rendered, side: int, prompt: Prompt, family: Family | None = None) -> Question:
    """Everything that one case asks of a model whose input has that side.

    Args:
        case: in scope.
        pixels: of its images, or of the current one alone.
        side: of the model's input, as its family fits an image into it.
        prompt: as rendered for the case.
        family: of the model; the embedded one's by default.

    Raises:
        ValueError: the pixels are not those of the case's images.
    """
    shown = Pixels.of(pixels)
    _refuse_others(case, case.image, shown.current)
    kind = family or family_named("overread")
    image, placement = model_input(shown.current, side=side, fit=kind.fit)
    return Question(
        prompt=prompt,
        image=None if is_missing(case, InputName.CURRENT_IMAGE) else image,
        prior=_prior(case, shown, side=side, family=kind),
        placement=placement,
        notes=prompt.seen_text(case),
        limitations=limitations(case, prompt=prompt, placement=placement, family=kind),
    )


def _prior(case: Case, pixels: Pixels, *, side: int, family: Family) -> NDArray[np.uint8] | None:
    """The earlier image as the model sees it, where the case has one and the model reads it."""
    if not shows_prior(case, family):
        return None
    if pixels.prior is None:
        msg = f"case {case.case_id} has a prior image that this model reads: give its pixels too"
        raise ValueError(msg)
    _refuse_others(case, case.prior_image, pixels.prior)
    return model_input(pixels.prior, side=side, fit=family.fit)[0]


def shows_prior(case: Case, family: Family) -> bool:
    """Whether the model is shown the case's prior image."""
    there = case.prior_image is not None and not is_missing(case, InputName.PRIOR_IMAGE)
    return there and InputName.PRIOR_IMAGE not in family.never_reads(prior_image_given=there)


def _refuse_others(case: Case, image: Image | None, pixels: NDArray[np.uint16]) -> None:
    if image is None or pixels.shape != (image.rows, image.columns):
        msg = f"the pixels {pixels.shape} are not those of case {case.case_id}: get them by its image's sha256"
        raise ValueError(msg)


def fitting_prompt(case: Case, backend: Backend) -> Prompt:
    """The fullest prompt that the backend's model can take, by its own count of tokens where it has one.

    A budget in characters fits ordinary English; other scripts may need a token for each byte.
    """
    spec = backend.spec
    family, template = family_named(spec.family), load_template(spec.prompt)
    columns, rows = (1, 1) if case.image is None else (case.image.columns, case.image.rows)
    placement = fitted(columns, rows, fit=family.fit, side=spec.input_side_px)
    case, images = readable(case, family), 1 + shows_prior(case, family)
    prompt = Prompt("")
    for budget in (family.budget_chars, *(size for size in BUDGETS_CHARS if size < family.budget_chars)):
        prompt = render(case, template=template, budget_chars=budget)
        prompt = replace(prompt, text=asked(prompt.text, text=template.text, placement=placement))
        if not isinstance(backend, PromptMeter) or backend.fits(prompt.text, images=images):
            break
    return prompt


def readable(case: Case, family: Family) -> Case:
    """The case without the notes, where the model would not be shown them: they must not stand in its prompt."""
    unread = family.never_reads(prior_image_given=shows_prior(case, family))
    return replace(case, notes=()) if InputName.PRIOR_NOTES in unread else case
