"""Soft-tissue and air solids of the phantom as path lengths in mm: trunk, lungs, heart, gas, breasts.

Each function takes the anatomy coordinates of every pixel (mm) and returns one plane of the same shape.
"""

from __future__ import annotations

import numpy as np

from cases.phantom.frame import Array
from cases.phantom.plan import BodyPlan, LungPlan


def ramp(values: Array, soft_mm: float) -> Array:
    """0 below -soft, 1 above +soft, smooth between: an edge that is not quite parallel to the beam."""
    part = np.clip(values / (2 * soft_mm) + 0.5, 0.0, 1.0)
    result: Array = part * part * (3 - 2 * part)
    return result


def ellipsoid(x: Array, y: Array, axes: tuple[float, float, float], tilt_rad: float = 0.0) -> Array:
    """Path length through an ellipsoid centred at the origin; `axes` are the semi-axes along, across and in depth."""
    cos, sin = np.float32(np.cos(tilt_rad)), np.float32(np.sin(tilt_rad))
    along, across = (x * cos + y * sin) / axes[0], (y * cos - x * sin) / axes[1]
    return np.float32(2 * axes[2]) * np.sqrt(np.maximum(1 - along * along - across * across, 0))


def trunk(x: Array, y: Array, plan: BodyPlan) -> Array:
    """Trunk, shoulders, arms and neck."""
    half = plan.right.half_width + plan.wall + 6 + 10 * ramp(y - 60, 60)
    flat = np.maximum(1 - (x / half) ** 4, 0)
    torso = plan.depth * (0.64 + 0.28 * ramp(y + 70, 90) + 0.14 * ramp(y - 80, 70)) * np.sqrt(np.sqrt(flat))
    torso *= ramp(y - (plan.shoulder_y - 6), 42)
    line = plan.shoulder_y - 44 + 0.26 * np.abs(x) + 14 * np.exp(-(((np.abs(x) - 75) / 40) ** 2))
    shoulder = (140 - 0.16 * np.abs(x)) * ramp(y - line, 24) * ramp(plan.shoulder_y + 135 - y - 0.25 * np.abs(x), 70)
    arm = ellipsoid(np.abs(x) - (half + 46), y - 10, (42, 200, 42), 0.05)
    neck_half = plan.neck + 0.006 * np.maximum(y - (plan.shoulder_y - 70), 0) ** 2
    neck = 130 * np.sqrt(np.maximum(1 - (x / neck_half) ** 2, 0)) * ramp(plan.shoulder_y + 60 - y, 60)
    return _smooth_max(_smooth_max(torso, shoulder), _smooth_max(arm, neck))


def _smooth_max(one: Array, two: Array) -> Array:
    """About the larger of two lengths, with a rounded seam (the 6-norm)."""
    high, low = np.maximum(one, two), np.minimum(one, two)
    ratio = low / np.maximum(high, np.float32(1e-3))
    cube = ratio * ratio * ratio
    return high * (1 + cube * cube * np.float32(0.1225))


def lung(out: Array, y: Array, plan: LungPlan) -> tuple[Array, Array]:
    """Air path of one lung and its silhouette (0..1) above the diaphragm; `out` is the distance from the midline."""
    level = np.clip((plan.dome_y + 15 - y) / (plan.dome_y + 15 - plan.apex_y), 0, 1)
    half = half_width_at(y, plan)
    medial = (
        plan.medial + 26 * np.exp(-(y - plan.apex_y) / 9.0).clip(0, 4) + plan.bulge * np.sin((y + plan.bulge_y) / 30)
    )
    across = np.clip((out - 12) / np.maximum(half - 12, 1), 0, 1)
    depth = (
        plan.depth
        * np.sqrt(np.maximum(1 - across * across * np.sqrt(across), 0))
        * np.sqrt(np.maximum(1 - 0.75 * level**2, 0))
    )
    depth *= ramp(out - medial, 3.5) * ramp(half - out, 1.2) * ramp(y - plan.apex_y, 2.0)
    dome = dome_line(out, plan)
    above = ramp(dome - y, 1.6)
    floor = plan.dome_y + plan.angle_drop + 10
    recess = plan.recess * np.clip((floor - y) / (plan.angle_drop + 10), 0, 1)
    air = depth * (above + (1 - above) * recess)
    return air, above * ramp(out - medial, 1) * ramp(half - out, 1) * ramp(y - plan.apex_y, 1)


def half_width_at(y: Array, plan: LungPlan) -> Array:
    """Distance from the midline to the lateral wall of the lung at a height."""
    level = np.clip((plan.dome_y + 15 - y) / (plan.dome_y + 15 - plan.apex_y), 0, 0.9999)
    result: Array = plan.half_width * np.sqrt(1 - level * level * level * np.sqrt(level))
    return result


def dome_line(out: Array, plan: LungPlan) -> Array:
    """Height (y) of the diaphragm's silhouette at a distance from the midline."""
    part = out / plan.half_width - plan.dome_x
    offset = np.maximum(part / (1 - plan.dome_x), part / -0.9)
    result: Array = plan.dome_y + plan.angle_drop * offset * offset * np.sqrt(np.sqrt(offset))
    return result


def heart(x: Array, y: Array, plan: BodyPlan) -> Array:
    """Ventricles, right atrium, aortic arch and pulmonary trunk: how much air they push aside."""
    h = plan.heart
    ventricles = ellipsoid(x - h.x, y - h.y, (h.long, h.short, h.depth * 0.8), h.tilt_rad)
    atrium = ellipsoid(x + 8, y - h.y + 8, (h.atrium, h.atrium * 1.45, h.depth * 0.7))
    knob = ellipsoid(x - 14, y - h.knob_y, (h.knob, h.knob * 1.1, 34))
    hila = ellipsoid(np.abs(x) - 33, y - (h.knob_y + 42 - 8 * (x > 0)), (15, 24, 1), 0.25) ** 2 * 4
    trunk_ = ellipsoid(x - 17, y - (h.knob_y + 38), (h.knob * 1.05, 28, 34), -0.35)
    return np.maximum(np.maximum(ventricles, atrium), np.maximum(np.maximum(knob, hila), trunk_))


def great_vessels(x: Array, y: Array, plan: BodyPlan) -> Array:
    """Descending aorta and superior vena cava: tubes beside the spine."""
    h = plan.heart
    aorta = 2 * np.sqrt(np.maximum(13.0**2 - (x - h.aorta_x - 0.00012 * (y - 40) ** 2) ** 2, 0)) * ramp(y - h.knob_y, 8)
    cava = 2 * np.sqrt(np.maximum(11.0**2 - (x + 19) ** 2, 0)) * ramp(20 - y, 30)
    result: Array = aorta + cava
    return result


def airway(x: Array, y: Array) -> Array:
    """Trachea and the two main bronchi (air inside soft tissue)."""
    trachea = 2 * np.sqrt(np.maximum(8.5**2 - (x + 1.5) ** 2, 0)) * ramp(-44 - y, 8)
    below = y + 46
    right = 2 * np.sqrt(np.maximum(6.5**2 - ((x + 2 + 0.75 * below) * 0.8) ** 2, 0))
    left = 2 * np.sqrt(np.maximum(5.5**2 - ((x + 2 - 1.15 * below) * 0.66) ** 2, 0))
    result: Array = trachea + np.maximum(right, left) * ramp(below, 3) * ramp(26 - below, 6)
    return result


def breasts(x: Array, y: Array, plan: BodyPlan) -> Array:
    """Breast shadows: thicker downwards, with a sharp lower border."""
    if plan.breast <= 0:
        return np.zeros_like(x)
    out, down = np.abs(x) - 78, y - plan.breast_y
    bowl = np.maximum(1 - (out / np.where(out > 0, 66, 58)) ** 2 - (down / np.where(down > 0, 46, 110)) ** 2, 0)
    return np.float32(plan.breast) * bowl * (1 + 0.5 * (1 - bowl))


def stomach(x: Array, y: Array, plan: BodyPlan) -> Array:
    """Gas bubble under the left dome, with a flat lower border (patient upright)."""
    if plan.stomach <= 0:
        return np.zeros_like(x)
    top = plan.left.dome_y + 9 + plan.stomach * 0.55
    bubble = ellipsoid(x - 58, y - top, (plan.stomach * 1.35, plan.stomach * 0.8, plan.stomach * 0.6))
    return bubble * ramp(top + plan.stomach * 0.4 - y, 2)


def shoulder_blades(x: Array, y: Array, plan: BodyPlan) -> Array:
    """Scapular blade and humeral head, mm of bone: faint plates with soft edges."""
    out, top = np.abs(x) - plan.right.half_width, y - plan.right.apex_y - 28
    blade = (
        2.2
        * ramp(24 - 0.26 * top - out, 2)
        * ramp(out + 24 - 0.30 * np.abs(top - 40), 2)
        * ramp(top + 8, 8)
        * ramp(110 - top, 8)
    )
    return (
        blade
        + 0.35 * ellipsoid(out - 54, top - 10, (24, 24, 20))
        + 4.0 * ramp(11 - np.abs(out - 60 - 0.06 * top), 2) * ramp(top - 22, 10)
    )
