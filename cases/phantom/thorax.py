"""A simulated frontal chest radiograph from a parametric phantom: analytic solids, path lengths, exposure, display.

`project_thorax` builds the body once; `expose_thorax` takes a picture of it, with or without added lesions, under the
same noise, so that the difference of two pictures is the lesion alone. Not a CT projection, and no real person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cases.phantom import bones, devices, solids, vessels
from cases.phantom.detector import Exposure, draw_exposure, enlarged, expose
from cases.phantom.frame import SIDE_MM, Array, Frame
from cases.phantom.plan import BodyPlan, LungPlan, draw_plan
from cases.phantom.strokes import path_length

MU_SOFT = 0.0175  # per mm: water near 75 keV, a filtered 120 kV chest beam
MU_BONE = 0.030  # per mm, what bone adds to the soft tissue it replaces
MU_METAL = 0.60

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LungMasks:
    """Silhouettes, (side, side): the visible lung on the patient's right and left, and lung behind the heart."""

    right: Mask
    left: Mask
    behind_heart: Mask

    @property
    def both(self) -> Mask:
        """Both visible lungs."""
        return self.right | self.left


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A body projected once.

    Attributes:
        attenuation: line integrals, float32 (side, side).
        masks: where the lungs are.
        exposure: how its pictures are taken.
        window: attenuation of typical lung and typical mediastinum.
    """

    attenuation: Array
    masks: LungMasks
    exposure: Exposure
    frame: Frame
    plan: BodyPlan
    window: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Thorax:
    """A displayed picture: float32 (side, side) in 0..1, bright = dense (MONOCHROME2), image left = patient right."""

    pixels: Array
    lung_mask: LungMasks
    side_mm: float = SIDE_MM


def render_thorax(*, seed: int, side_px: int = 512, sex: str | None = None) -> Thorax:
    """The lesion-free picture for that seed.

    Args:
        seed: decides everything; the same seed gives the same pixels.
        side_px: side of the square picture.
        sex: "F" or "M"; None draws one.
    """
    return expose_thorax(project_thorax(seed=seed, side_px=side_px, sex=sex))


def expose_thorax(anatomy: Anatomy, *, added_mm: Array | None = None) -> Thorax:
    """A picture of that body; `added_mm` is soft-tissue path length put in place of air, (side, side)."""
    attenuation = anatomy.attenuation
    if added_mm is not None:
        attenuation = attenuation + np.float32(MU_SOFT * (1 - anatomy.plan.lung_density)) * added_mm
    return Thorax(expose(attenuation, anatomy.exposure, window=anatomy.window), anatomy.masks)


def project_thorax(*, seed: int, side_px: int = 512, sex: str | None = None) -> Anatomy:
    """Draw a body and project it."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x7E0]))
    female = rng.random() < 0.5 if sex is None else sex == "F"
    plan, frame, exposure = draw_plan(rng, female=female), _draw_frame(rng, side_px), draw_exposure(rng)
    x, y = frame.grid()
    air, masks = _air(x, y, plan)
    soft = solids.trunk(x, y, plan) + solids.breasts(x, y, plan)
    air_free = np.maximum(soft - air * np.float32(1 - plan.lung_density), 0) - 0.85 * np.minimum(
        solids.airway(x, y) + 1.6 * solids.stomach(x, y, plan), soft
    )
    branches = path_length(vessels.vessel_trees(plan, rng), frame)
    bone = path_length(bones.skeleton(plan, rng), frame) + (
        bones.spine(x, y, plan) + solids.shoulder_blades(x, y, plan)
    ) * (soft > 0)
    attenuation = MU_SOFT * (air_free + branches * np.minimum(air / 110, 1) * _texture(rng, side_px)) + MU_BONE * bone
    window = _window(attenuation, masks, y)
    attenuation = attenuation + MU_METAL * devices.device_metal(plan, frame, rng)
    return Anatomy(attenuation.astype(np.float32), masks, exposure, frame, plan, window)


def _draw_frame(rng: np.random.Generator, side_px: int) -> Frame:
    return Frame(
        side_px,
        turn_rad=float(np.deg2rad(np.clip(rng.normal(0, 1.6), -4, 4))),
        scale=float(rng.uniform(0.98, 1.16)),
        shift_x_mm=float(np.clip(rng.normal(0, 6), -14, 14)),
        shift_y_mm=float(rng.uniform(-4, 26)),
    )


def _air(x: Array, y: Array, plan: BodyPlan) -> tuple[Array, LungMasks]:
    """Air of both lungs after heart and great vessels took their room, and the silhouettes."""
    right, right_shape = _one_lung(-x, y, plan.right)
    left, left_shape = _one_lung(x, y, plan.left)
    heart = solids.heart(x, y, plan)
    air = np.maximum(right + left - heart - 0.8 * solids.great_vessels(x, y, plan), 0)
    free = heart < 6
    shape = (right_shape > 0.5, left_shape > 0.5)
    return air, LungMasks(shape[0] & free, shape[1] & free, (shape[0] | shape[1]) & (heart >= 14))


def _one_lung(out: Array, y: Array, plan: LungPlan) -> tuple[Array, Array]:
    """One lung, worked out only in the columns that reach its side of the midline."""
    columns = np.flatnonzero(out.max(axis=0) > 0)
    span = slice(int(columns[0]), int(columns[-1]) + 1)
    air, shape = np.zeros_like(out), np.zeros_like(out)
    air[:, span], shape[:, span] = solids.lung(out[:, span], y[:, span], plan)
    return air, shape


def _texture(rng: np.random.Generator, side_px: int) -> Array:
    """Slowly varying perfusion, about 1."""
    coarse = rng.normal(1.0, 0.25, (9, 9)).astype(np.float32)
    return np.clip(enlarged(coarse, side_px), 0.4, 1.7)


def _window(attenuation: Array, masks: LungMasks, y: Array) -> tuple[float, float]:
    """Typical lung and typical mediastinum or abdomen."""
    lung = float(np.percentile(attenuation[masks.both], 25))
    dense = attenuation[masks.behind_heart] if masks.behind_heart.sum() > 50 else attenuation[np.abs(y) < 40]
    return lung, max(float(np.percentile(dense, 70)), lung + 0.8)
