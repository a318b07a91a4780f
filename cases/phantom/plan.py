"""The body plan of one phantom: every size and place that the solids are built from, drawn from a seed.

Distances in mm in the anatomy frame (`cases.phantom.frame`); ranges are those of adults on PA chest radiographs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LungPlan:
    """One lung, x measured from the midline outwards.

    Attributes:
        apex_y, dome_y: top of the lung, top of the diaphragm dome.
        half_width: midline to the widest lateral wall; medial: midline to the mediastinal border.
        depth: largest front-to-back length of the air.
        dome_x: where the dome is highest, fraction of the half width. recess: air left behind the dome, fraction.
        bulge, bulge_y: waviness of the mediastinal border.
        angle_drop: how far the costophrenic angle lies under the dome.
    """

    apex_y: float
    dome_y: float
    half_width: float
    medial: float
    depth: float
    angle_drop: float
    dome_x: float
    recess: float
    bulge: float
    bulge_y: float


@dataclass(frozen=True, slots=True)
class HeartPlan:
    """Heart and great vessels: centre, semi-axes and tilt of the ventricles, size of knob, aorta and right atrium."""

    x: float
    y: float
    long: float
    short: float
    tilt_rad: float
    depth: float
    atrium: float
    knob: float
    knob_y: float
    aorta_x: float


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """Everything about the patient that is not bone, vessel or device detail.

    Attributes:
        right, left: the two lungs (patient's sides).
        wall: soft tissue outside the lungs; depth: front to back of the trunk.
        breast: thickness of the breast shadows, 0 for none. stomach: radius of the gas bubble, 0 for none.
        rib_pitch, rib_drop, rib_density: spacing, slope and contrast of the ribs.
        female: decides breasts only.
    """

    right: LungPlan
    left: LungPlan
    heart: HeartPlan
    wall: float
    depth: float
    neck: float
    shoulder_y: float
    breast: float
    breast_y: float
    stomach: float
    lung_density: float
    rib_pitch: float
    rib_drop: float
    rib_density: float
    spine_density: float
    spine_bend: float
    vessel_density: float
    female: bool


def draw_plan(rng: np.random.Generator, *, female: bool) -> BodyPlan:
    """A body plan for that sex."""

    def pick(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    apex, dome = pick(-142, -122), pick(52, 98)
    half_width = pick(116, 138) - (8 if female else 0)
    right = _lung(rng, apex=apex, dome=dome, half_width=half_width)
    left = _lung(rng, apex=apex + pick(-4, 4), dome=dome + pick(4, 18), half_width=half_width + pick(-5, 5))
    return BodyPlan(
        right=right,
        left=left,
        heart=_heart(rng, dome=dome, half_width=half_width),
        wall=pick(9, 30),
        depth=pick(185, 250),
        neck=pick(52, 66),
        shoulder_y=pick(-150, -128),
        breast=pick(12, 42) if female else pick(-20, 8),
        breast_y=pick(30, 62),
        stomach=pick(8, 19) if rng.random() < 0.6 else 0.0,
        lung_density=pick(0.16, 0.30),
        rib_pitch=pick(21.5, 26.0),
        rib_drop=pick(52, 88),
        rib_density=pick(0.4, 0.95),
        spine_density=pick(0.6, 1.3),
        spine_bend=pick(-6, 6),
        vessel_density=pick(0.8, 1.5),
        female=female,
    )


def _lung(rng: np.random.Generator, *, apex: float, dome: float, half_width: float) -> LungPlan:
    return LungPlan(
        apex_y=apex,
        dome_y=dome,
        half_width=half_width,
        medial=float(rng.uniform(19, 27)),
        depth=float(rng.uniform(125, 165)),
        angle_drop=float(rng.uniform(26, 46)),
        dome_x=float(rng.uniform(0.40, 0.58)),
        recess=float(rng.uniform(0.08, 0.30)),
        bulge=float(rng.uniform(1.0, 4.0)),
        bulge_y=float(rng.uniform(0, 180)),
    )


def _heart(rng: np.random.Generator, *, dome: float, half_width: float) -> HeartPlan:
    size = float(np.clip(rng.normal(0.94, 0.10), 0.74, 1.22)) * half_width / 128
    return HeartPlan(
        x=float(rng.uniform(18, 30)),
        y=dome - float(rng.uniform(16, 34)),
        long=70 * size * float(rng.uniform(0.94, 1.06)),
        short=45 * size * float(rng.uniform(0.92, 1.12)),
        tilt_rad=float(np.deg2rad(rng.uniform(24, 50))),
        depth=88 * size,
        atrium=36 * size * float(rng.uniform(0.9, 1.12)),
        knob=float(rng.uniform(13, 20)),
        knob_y=float(rng.uniform(-66, -48)),
        aorta_x=float(rng.uniform(12, 20)),
    )
