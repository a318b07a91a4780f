"""Lesions of known place and size, added to a phantom as path length, as the beam would meet them.

A nodule (under 30 mm) or mass is an ellipsoid with an irregular margin, sometimes with spicules or calcified specks. It
is for simulated cases and for judging on the phantom; it shares no code and no numbers with what a model is trained on.
Source of the words: Fleischner Society glossary (Hansell 2008): a nodule measures up to 3 cm, a mass more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy import ndimage

from cases.phantom.detector import expose
from cases.phantom.frame import SIDE_MM, Array
from cases.phantom.thorax import MU_SOFT, Anatomy, Mask
from grounding.box import Box
from grounding.report import Laterality

MASS_MM = 30.0
CONTRAST = (0.09, 0.22)  # of the display range, at the peak
EDGE_FRACTION = 0.2  # of the peak path length: where the truth box ends
BEHIND_HEART = 0.05  # share of lesions that lie there
CLEARANCE_MM = 12.0
TRIES = 60
FIT_ROUNDS = 4
FIT_TOLERANCE = 0.004  # of the display range
THICKNESS_MM = (1.0, 250.0)


class LesionKind(StrEnum):
    """What it is called."""

    NODULE = "nodule"
    MASS = "mass"


class Zone(StrEnum):
    """Third of the lung's height on the picture."""

    UPPER = "upper"
    MIDDLE = "mid"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Shape:
    """A lesion's form, centred on the origin, drawn from a seed.

    Attributes:
        diameter_mm: mean diameter of the outline on the detector.
        oblong: ratio of the axes. turn_rad: of the long axis.
        lobes: (order, amplitude, phase) of the outline's waves.
        softness: exponent of the profile; 0.5 is a solid ellipsoid, more is a vaguer edge.
        spicules: their angles; empty for a smooth one.
        specks: (x, y, radius, gain) of calcification, fractions of the radius.
    """

    diameter_mm: float
    oblong: float
    turn_rad: float
    lobes: tuple[tuple[int, float, float], ...]
    softness: float
    spicules: tuple[float, ...]
    specks: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Lesion:
    """The truth about one lesion; kept apart from everything that a model may read.

    Attributes:
        box: tight box of the footprint, original frame, normalized.
        contrast: peak of the noise-free difference picture, display range.
        side: patient's side. zone: third of the lung.
    """

    kind: LesionKind
    box: Box
    diameter_mm: float
    contrast: float
    side: Laterality
    zone: Zone
    behind_heart: bool
    center: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """A lesion with the path length (mm of soft tissue) that puts it into the picture."""

    lesion: Lesion
    added_mm: Array


def draw_shape(rng: np.random.Generator, *, diameter_mm: float) -> Shape:
    """A form of that mean diameter."""
    lobes = tuple(
        (order, float(rng.uniform(0.0, 0.16 / order**0.7)), float(rng.uniform(0, 2 * np.pi))) for order in range(2, 8)
    )
    spiky = rng.random() < 0.3
    calcified = rng.random() < 0.25
    return Shape(
        diameter_mm=diameter_mm,
        oblong=float(rng.uniform(1.0, 1.35)),
        turn_rad=float(rng.uniform(0, np.pi)),
        lobes=lobes,
        softness=float(rng.uniform(0.5, 1.1)),
        spicules=tuple(float(a) for a in rng.uniform(0, 2 * np.pi, int(rng.integers(6, 13)))) if spiky else (),
        specks=tuple(
            (float(rng.uniform(-0.4, 0.4)), float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.1, 0.25)), 0.5)
            for _ in range(int(rng.integers(1, 4)) if calcified else 0)
        ),
    )


def footprint(shape: Shape, *, side_px: int, center_px: tuple[float, float]) -> Array:
    """Path length through the form as a fraction of its greatest body thickness, (side, side), 0 outside.

    Args:
        shape: what to draw.
        side_px: of the picture, 375 mm wide.
        center_px: (column, row).
    """
    radius = shape.diameter_mm / 2 * side_px / SIDE_MM
    reach = int(np.ceil(radius * 2.2)) + 2
    column, row = round(center_px[0]), round(center_px[1])
    rows = np.arange(max(0, row - reach), min(side_px, row + reach + 1))
    columns = np.arange(max(0, column - reach), min(side_px, column + reach + 1))
    plane = np.zeros((side_px, side_px), dtype=np.float32)
    u = (columns[None, :] - center_px[0]) / radius
    v = (rows[:, None] - center_px[1]) / radius
    plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = _profile(shape, u, v)
    return plane


def _profile(shape: Shape, u: Array, v: Array) -> Array:
    cos, sin = np.cos(shape.turn_rad), np.sin(shape.turn_rad)
    stretch = np.sqrt(shape.oblong)
    along, across = (u * cos + v * sin) / stretch, (v * cos - u * sin) * stretch
    distance, angle = np.hypot(along, across), np.arctan2(across, along)
    outline = 1.0 + sum(size * np.cos(order * angle + phase) for order, size, phase in shape.lobes)
    body: Array = np.maximum(1 - (distance / outline) ** 2, 0) ** shape.softness
    for spike in shape.spicules:
        off = np.abs(np.angle(np.exp(1j * (angle - spike)))) * distance
        taper = np.clip((1.7 - distance) / 0.9, 0, 1) * (distance > 0.5)
        body = np.maximum(body, 0.3 * taper * np.exp(-((off / 0.07) ** 2)))
    for x, y, size, gain in shape.specks:
        body = body + gain * np.exp(-(((u - x) / size) ** 2 + ((v - y) / size) ** 2)) * (body > 0)
    return body


def place_lesion(
    anatomy: Anatomy, rng: np.random.Generator, *, diameter_mm: float, others: tuple[Lesion, ...] = ()
) -> Placed:
    """Put a new lesion into the lungs, clear of the others, with a peak contrast within `CONTRAST`.

    Raises:
        ValueError: no room is left for one of this size.
    """
    side_px = anatomy.frame.side_px
    shape = draw_shape(rng, diameter_mm=diameter_mm)
    wanted = float(rng.uniform(CONTRAST[0] + 0.008, CONTRAST[1] - 0.008))
    for _ in range(TRIES):
        behind = bool(rng.random() < BEHIND_HEART)
        center = _draw_center(anatomy, rng, diameter_mm=diameter_mm, behind_heart=behind)
        if center is None or not _clear(center, diameter_mm, others, side_px):
            continue
        plane = footprint(shape, side_px=side_px, center_px=center)
        thickness, contrast = _fit(anatomy, plane, wanted, start_mm=diameter_mm)
        if CONTRAST[0] <= contrast <= CONTRAST[1]:
            lesion = _truth(anatomy, plane, diameter_mm, contrast, center, behind)
            return Placed(lesion, plane * np.float32(thickness))
    msg = f"no room in the lungs for a lesion of {diameter_mm:.0f} mm beside {len(others)} others after {TRIES} tries"
    raise ValueError(msg)


def _draw_center(
    anatomy: Anatomy, rng: np.random.Generator, *, diameter_mm: float, behind_heart: bool
) -> tuple[float, float] | None:
    """A pixel at least 0.7 radii inside the silhouette (it may touch the wall), None where there is none."""
    mask = anatomy.masks.behind_heart if behind_heart else anatomy.masks.both
    step = max(1, anatomy.frame.side_px // 128)
    inside = ndimage.distance_transform_edt(np.pad(mask[::step, ::step], 1))[1:-1, 1:-1] * step
    rows, columns = np.nonzero(inside >= 0.7 * diameter_mm / 2 * anatomy.frame.px_per_mm)
    if rows.size == 0:
        return None
    pick = int(rng.integers(rows.size))
    jitter = rng.uniform(0, step, 2)
    return float(columns[pick] * step + jitter[0]), float(rows[pick] * step + jitter[1])


def _clear(center: tuple[float, float], diameter_mm: float, others: tuple[Lesion, ...], side_px: int) -> bool:
    to_mm = SIDE_MM / side_px
    return all(
        np.hypot(center[0] * to_mm - o.center[0] * SIDE_MM, center[1] * to_mm - o.center[1] * SIDE_MM)
        > (diameter_mm + o.diameter_mm) / 2 + CLEARANCE_MM
        for o in others
    )


def _fit(anatomy: Anatomy, plane: Array, wanted: float, *, start_mm: float) -> tuple[float, float]:
    """Thickness in mm that gives about the wanted peak contrast, and the contrast measured with it."""
    bare = _quiet(anatomy, np.zeros_like(plane))
    inside = plane > 0
    thickness, contrast = start_mm, 0.0
    for last in range(FIT_ROUNDS, -1, -1):
        rise = _quiet(anatomy, plane * np.float32(thickness)) - bare
        contrast = float(rise[inside].max(initial=0.0))
        if last == 0 or abs(contrast - wanted) < FIT_TOLERANCE:
            break
        thickness = float(np.clip(thickness * wanted / max(contrast, 1e-4), *THICKNESS_MM))
    return thickness, contrast


def _quiet(anatomy: Anatomy, added_mm: Array) -> Array:
    """The picture without quantum noise."""
    added = np.float32(MU_SOFT * (1 - anatomy.plan.lung_density)) * added_mm
    return expose(anatomy.attenuation + added, replace(anatomy.exposure, photons=1e14), window=anatomy.window)


def difference(anatomy: Anatomy, added_mm: Array) -> Array:
    """Noise-free picture with the lesion minus the one without."""
    return _quiet(anatomy, added_mm) - _quiet(anatomy, np.zeros_like(added_mm))


def _truth(
    anatomy: Anatomy,
    plane: Array,
    diameter_mm: float,
    contrast: float,
    center: tuple[float, float],
    behind_heart: bool,
) -> Lesion:
    side_px = anatomy.frame.side_px
    left_half = center[0] > anatomy.frame.to_pixels(np.zeros(1), np.zeros(1))[0][0]
    mask = anatomy.masks.left if left_half else anatomy.masks.right
    return Lesion(
        kind=LesionKind.MASS if diameter_mm > MASS_MM else LesionKind.NODULE,
        box=tight_box(plane, fraction=EDGE_FRACTION),
        diameter_mm=diameter_mm,
        contrast=contrast,
        side=Laterality.LEFT if left_half else Laterality.RIGHT,
        zone=_zone(mask, center[1]),
        behind_heart=behind_heart,
        center=((center[0] + 0.5) / side_px, (center[1] + 0.5) / side_px),
    )


def _zone(mask: Mask, row: float) -> Zone:
    rows = np.flatnonzero(mask.any(axis=1))
    part = (row - rows[0]) / max(1, rows[-1] - rows[0])
    return Zone.UPPER if part < 1 / 3 else Zone.MIDDLE if part < 2 / 3 else Zone.LOWER


def tight_box(plane: Array, *, fraction: float) -> Box:
    """The smallest box around all pixels over that fraction of the peak, pixel edges, normalized.

    >>> import numpy as np
    >>> plane = np.zeros((4, 4), dtype=np.float32); plane[1, 2] = 1
    >>> tight_box(plane, fraction=0.5)
    Box(x_min=0.5, y_min=0.25, x_max=0.75, y_max=0.5)
    """
    rows, columns = np.nonzero(plane > fraction * plane.max())
    height, width = plane.shape
    return Box(
        float(columns.min() / width),
        float(rows.min() / height),
        float((columns.max() + 1) / width),
        float((rows.max() + 1) / height),
    )
