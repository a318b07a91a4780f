"""Scenes to train on: a background, moved and re-exposed at random, with lesions drawn into it, and how it was before.

One scene is one patient: the current image, perhaps a prior one under another position and exposure, and what truly
changed between them. What is said about it is `vlm.embedded.story`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm.embedded.backgrounds import Backgrounds
from vlm.embedded.effusions import draw_effusion
from vlm.embedded.lesions import Lesion, draw_distractor, draw_lesion
from vlm.embedded.statements import EFFUSION, OPACITY, OTHER
from vlm.embedded.views import SIDE_PX, View, exposed

NODULAR_SHARE = 0.06  # real pictures whose labels name a nodule or mass, whose place nobody knows
EFFUSION_SHARE = 0.08
PRIOR_SHARE = 0.4
LABEL_KEPT = 0.9  # mined labels are wrong about one time in ten: a statement of one is taught that much less surely


@dataclass(frozen=True, slots=True)
class Truth:
    """What a scene shows, and what it showed before.

    Attributes:
        lesions: of the current image, in reading order (top to bottom, then left to right).
        before_mm: for each of them its diameter at the time of the prior image, None where it is new.
        gone: lesions of that time which are no more, in the current image's frame.
        described: statements of other findings.
        placed: False where the picture itself holds a nodule or mass whose place is not known.
        with_prior: whether there is a prior image.
    """

    lesions: tuple[Lesion, ...] = ()
    before_mm: tuple[float | None, ...] = ()
    gone: tuple[Lesion, ...] = ()
    described: tuple[str, ...] = ()
    placed: bool = True
    with_prior: bool = False

    def __post_init__(self) -> None:
        """Refuse a lesion without its past."""
        if len(self.lesions) != len(self.before_mm):
            msg = f"each lesion has its past: {len(self.lesions)} lesions, {len(self.before_mm)} sizes before"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Scene:
    """Pictures with what was drawn into them.

    Attributes:
        pixels: the current image, (320, 320) uint8.
        prior: the earlier one, likewise, or None.
        truth: what they show.
    """

    pixels: NDArray[np.uint8]
    prior: NDArray[np.uint8] | None
    truth: Truth


@dataclass(frozen=True, slots=True)
class _Planned:
    """A lesion wherever it is drawn: its place in the background, its shape, its size now and before."""

    spot: tuple[float, float]
    shape_seed: int
    contrast: float
    now_mm: float | None
    before_mm: float | None

    def draw(self, image: NDArray[np.float32], view: View, *, diameter_mm: float | None) -> Lesion | None:
        """Draw it as large as that; None where there is none or it leaves the image."""
        if diameter_mm is None:
            return None
        rng = np.random.default_rng(self.shape_seed)
        center = view.into(self.spot)
        return draw_lesion(image, rng, center_px=center, diameter_mm=diameter_mm, contrast=self.contrast)


def make_scene(backgrounds: Backgrounds, rng: np.random.Generator, *, count: int) -> Scene:
    """A scene with up to `count` lesions (fewer when they would overlap or leave the image).

    Sizes are drawn log-uniformly from 8 to 55 mm, contrasts from 0.06 to 0.30 of the display range.
    """
    placed = not (backgrounds.nodular.any() and rng.random() < NODULAR_SHARE)
    index = backgrounds.draw(rng, nodular=not placed)
    picture = backgrounds.pixels[index]
    view = View.random(rng, stored=picture.shape[0])
    image = view.shown(picture)
    described = _labels(backgrounds, index, rng)
    fluid = None
    if placed and EFFUSION not in described and rng.random() < EFFUSION_SHARE:
        fluid, described = draw_effusion(image, rng), (EFFUSION, *described)
    _distract(image, rng)
    count = count if placed else 0
    planned, lesions = _lesions(image, backgrounds.lungs[index], rng, view=view, count=count, fluid=fluid)
    gone = _gone(backgrounds.lungs[index], rng, view=view, taken=lesions) if placed else []
    prior = None
    if rng.random() < PRIOR_SHARE:
        prior = _prior(picture, rng, view=view, planned=[*planned, *(one for one, _ in gone)])
    order = sorted(range(len(lesions)), key=lambda one: (round(lesions[one].center[1] / 32), lesions[one].center[0]))
    truth = Truth(
        tuple(lesions[one] for one in order),
        tuple(planned[one].before_mm for one in order),
        tuple(lesion for _, lesion in gone),
        described,
        placed,
        prior is not None,
    )
    return Scene(exposed(image, rng), prior, truth)


def _labels(backgrounds: Backgrounds, index: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Statements of the picture's own mined labels."""
    named = ((backgrounds.effusive, EFFUSION), (backgrounds.opaque, OPACITY), (backgrounds.other, OTHER))
    return tuple(words for flags, words in named if flags[index] and rng.random() < LABEL_KEPT)


def _distract(image: NDArray[np.float32], rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(0, 3))):
        draw_distractor(image, rng)


def _lesions(
    image: NDArray[np.float32],
    lungs: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    view: View,
    count: int,
    fluid: NDArray[np.bool_] | None,
) -> tuple[list[_Planned], list[Lesion]]:
    planned: list[_Planned] = []
    lesions: list[Lesion] = []
    for _ in range(count * 4):
        if len(lesions) == count:
            break
        one = _plan(lungs, rng, view=view)
        center = view.into(one.spot)
        hidden = fluid is not None and _at(fluid, center)
        if hidden or any(_near(center, lesion, one.now_mm or 0.0) for lesion in lesions):
            continue
        lesion = one.draw(image, view, diameter_mm=one.now_mm)
        if lesion is not None:
            planned.append(one)
            lesions.append(lesion)
    return planned, lesions


def _plan(lungs: NDArray[np.float32], rng: np.random.Generator, *, view: View) -> _Planned:
    """A lesion of the current image with its past: four in ten are new, the others smaller, larger or as they were."""
    diameter = float(np.exp(rng.uniform(np.log(8.0), np.log(55.0))))
    change = (1.0, 1.0, rng.uniform(0.35, 0.6), rng.uniform(1.7, 2.4))[int(rng.integers(4))]
    before = None if rng.random() < 0.4 else min(60.0, diameter * change)
    return _Planned(
        view.spot(lungs, rng),
        int(rng.integers(2**32)),
        float(rng.uniform(0.06, 0.30)),
        now_mm=diameter,
        before_mm=before,
    )


def _gone(
    lungs: NDArray[np.float32], rng: np.random.Generator, *, view: View, taken: list[Lesion]
) -> list[tuple[_Planned, Lesion]]:
    """Lesions of the past only, with their footprint as it would lie in the current image."""
    found: list[tuple[_Planned, Lesion]] = []
    for _ in range(int(rng.choice(3, p=(0.72, 0.23, 0.05)))):
        diameter = float(np.exp(rng.uniform(np.log(10.0), np.log(45.0))))
        one = _Planned(
            view.spot(lungs, rng),
            int(rng.integers(2**32)),
            float(rng.uniform(0.08, 0.30)),
            now_mm=None,
            before_mm=diameter,
        )
        blank = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        lesion = one.draw(blank, view, diameter_mm=diameter)
        others = [*taken, *(other for _, other in found)]
        if lesion is not None and not any(_near(lesion.center, other, diameter) for other in others):
            found.append((one, lesion))
    return found


def _prior(
    picture: NDArray[np.uint8], rng: np.random.Generator, *, view: View, planned: list[_Planned]
) -> NDArray[np.uint8]:
    """The same patient on another day: another position and exposure, the lesions as they were."""
    earlier = view.again(rng)
    image = earlier.shown(picture)
    _distract(image, rng)
    for one in planned:
        one.draw(image, earlier, diameter_mm=one.before_mm)
    return exposed(image, rng)


def _near(center: tuple[float, float], lesion: Lesion, diameter_mm: float) -> bool:
    apart = np.hypot(center[0] - lesion.center[0], center[1] - lesion.center[1])
    return bool(apart < 46 + 0.5 * (diameter_mm + lesion.diameter_mm) / 375.0 * SIDE_PX)  # never two in one cell


def _at(mask: NDArray[np.bool_], center: tuple[float, float]) -> bool:
    column, row = (min(SIDE_PX - 1, max(0, int(value))) for value in center)
    return bool(mask[row, column])
