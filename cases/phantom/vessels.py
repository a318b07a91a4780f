"""Pulmonary vessels of the phantom: tapering random trees that leave the hila, generation by generation."""

from __future__ import annotations

import numpy as np

from cases.phantom.plan import BodyPlan, LungPlan
from cases.phantom.solids import half_width_at
from cases.phantom.strokes import Points, Stroke

GENERATIONS = 7
POINTS = 18
RADII_MM = (0.6, 1.0, 1.7, 2.8, 4.4)


def vessel_trees(plan: BodyPlan, rng: np.random.Generator) -> tuple[Stroke, ...]:
    """Both lungs' vessels, grouped by radius."""
    parts = [_tree(plan, lung, side, rng) for side, lung in ((-1.0, plan.right), (1.0, plan.left))]
    x, y, arc, radius = (np.concatenate(part) for part in zip(*parts, strict=True))
    edges = np.sqrt(np.array(RADII_MM[:-1]) * np.array(RADII_MM[1:]))
    group = np.digitize(radius, edges)
    return tuple(
        Stroke(x[group == g], y[group == g], arc[group == g] * plan.vessel_density, r, hollow=-1)
        for g, r in enumerate(RADII_MM)
    )


def _tree(
    plan: BodyPlan, lung: LungPlan, side: float, rng: np.random.Generator
) -> tuple[Points, Points, Points, Points]:
    count = int(rng.integers(11, 16))
    reach = (lung.half_width - 30) / 96
    angle = np.linspace(-1.45, 1.5, count) + rng.normal(0, 0.12, count)
    start_x = 27 + rng.uniform(0, 10, count)
    start_y = plan.heart.knob_y + 45 - 6 * (side > 0) + 20 * np.sin(angle) + rng.normal(0, 6, count)
    radius = rng.uniform(2.2, 4.6, count) * (1 + 0.25 * np.sin(angle))
    collected: list[tuple[Points, Points, Points, Points]] = []
    for generation in range(GENERATIONS):
        length = (28 * 0.83**generation) * reach * rng.uniform(0.65, 1.3, angle.size)
        x, y, heading, points = _grow(start_x, start_y, angle, radius, length, rng)
        collected.append(points)
        spread = rng.uniform(0.15, 0.55, (2, angle.size)) * np.array([[1.0], [-1.0]])
        angle = (heading + spread * (0.75 + 0.1 * generation)).ravel()
        start_x, start_y = np.tile(x, 2), np.tile(y, 2)
        radius = np.tile(radius * 0.76, 2) * rng.uniform(0.75, 1.1, angle.size)
    x, y, arc, r = (np.concatenate(part) for part in zip(*collected, strict=True))
    return side * x, y, arc * _inside(x, y, lung), r


def _grow(
    x: Points, y: Points, angle: Points, radius: Points, length: Points, rng: np.random.Generator
) -> tuple[Points, Points, Points, tuple[Points, Points, Points, Points]]:
    part = np.linspace(0, 1, POINTS)[None, :]
    bend = rng.normal(0, 0.5, angle.size)[:, None]
    heading = angle[:, None] + bend * part
    step = (length / (POINTS - 1))[:, None]
    xs = x[:, None] + np.cumsum(np.cos(heading) * step, axis=1)
    ys = y[:, None] + np.cumsum(np.sin(heading) * step, axis=1)
    arc = np.broadcast_to(step, xs.shape) * rng.uniform(1.0, 1.6, angle.size)[:, None]
    width = radius[:, None] * (1 - 0.24 * part)
    return xs[:, -1], ys[:, -1], heading[:, -1], (xs.ravel(), ys.ravel(), arc.ravel(), width.ravel())


def _inside(x: Points, y: Points, lung: LungPlan) -> Points:
    """1 inside the lung, falling to 0 near its surface, where vessels are too small to be seen."""
    wall = np.clip((half_width_at(y, lung) - x - 6) / 25, 0, 1) * (y > lung.apex_y + 4)
    return wall * np.clip((x - 18) / 8, 0, 1) * np.clip((lung.dome_y + lung.angle_drop - y) / 30, 0, 1)
