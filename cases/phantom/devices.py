"""Things on or in the patient that are not anatomy: ECG electrodes, a port with its catheter, a gastric tube."""

from __future__ import annotations

import numpy as np

from cases.phantom.frame import Array, Frame
from cases.phantom.plan import BodyPlan
from cases.phantom.strokes import Points, Stroke, path_length

Curve = tuple[Points, Points]


def device_metal(plan: BodyPlan, frame: Frame, rng: np.random.Generator) -> Array | float:
    """Millimetres of metal per pixel; 0.0 for the many without devices."""
    strokes: list[Stroke] = []
    if rng.random() < 0.16:
        strokes += _electrodes(plan, rng)
    if rng.random() < 0.08:
        strokes += _port(plan, rng)
    if rng.random() < 0.06:
        strokes.append(_stroke(_tube(rng), 1.4, 0.06))
    return path_length(tuple(strokes), frame) if strokes else 0.0


def _stroke(curve: Curve, radius_mm: float, density: float) -> Stroke:
    x, y = curve
    return Stroke(x, y, np.hypot(np.gradient(x), np.gradient(y)) * density, radius_mm, hollow=-1)


def _electrodes(plan: BodyPlan, rng: np.random.Generator) -> list[Stroke]:
    strokes = []
    for side in (-1.0, 1.0):
        x, y = side * (plan.right.half_width * 0.75 + rng.uniform(-8, 12)), rng.uniform(-105, -70)
        turn = np.linspace(0, 2 * np.pi, 120)
        strokes.append(_stroke((x + 3.5 * np.cos(turn), y + 3.5 * np.sin(turn)), 1.6, 0.35))
        part = np.linspace(0, 1, 500)
        end_x, end_y = side * rng.uniform(20, 60), rng.uniform(150, 200)
        wave = rng.uniform(8, 22) * np.sin(part * np.pi * rng.uniform(1, 2.2))
        strokes.append(_stroke((x + (end_x - x) * part + side * wave, y + (end_y - y) * part), 0.9, 0.14))
    return strokes


def _port(plan: BodyPlan, rng: np.random.Generator) -> list[Stroke]:
    x, y = -plan.right.half_width * rng.uniform(0.55, 0.7), rng.uniform(-80, -60)
    turn = np.linspace(0, 2 * np.pi, 200)
    ring = (x + 9 * np.cos(turn), y + 9 * np.sin(turn))
    part = np.linspace(0, 1, 400)
    rise = -45 * np.sin(np.pi * np.minimum(part * 1.6, 1.0)) * (part < 0.625)
    line = (x + (-22 - x) * np.minimum(part * 1.6, 1), y + rise + np.maximum(part - 0.625, 0) * 90)
    return [_stroke(ring, 2.4, 0.22), _stroke(line, 1.0, 0.10)]


def _tube(rng: np.random.Generator) -> Curve:
    part = np.linspace(0, 1, 600)
    y = -190 + 330 * part
    return 2 + 6 * np.sin(part * 5 + rng.uniform(0, 1)) + 30 * np.maximum(part - 0.85, 0) / 0.15, y
