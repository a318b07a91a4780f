"""Bones of the phantom: ribs, clavicles, scapulae and humeral heads as strokes, the spine as a plane (mm of bone)."""

from __future__ import annotations

import numpy as np

from cases.phantom.frame import Array
from cases.phantom.plan import BodyPlan, LungPlan
from cases.phantom.solids import ellipsoid, half_width_at, ramp
from cases.phantom.strokes import Points, Stroke

RIBS = 11


def skeleton(plan: BodyPlan, rng: np.random.Generator) -> tuple[Stroke, ...]:
    """All bones that are tubes or edges."""
    pairs = ((-1.0, plan.right), (1.0, plan.left))
    shells = [_rib(plan, lung, side, index, rng) for side, lung in pairs for index in range(RIBS)]
    x, y, arc = (np.concatenate(part) for part in zip(*shells, strict=True))
    radius = float(rng.uniform(5.2, 6.8))
    ribs = (
        Stroke(x, y, arc * plan.rib_density, radius, hollow=float(rng.uniform(0.76, 0.84))),
        Stroke(x, y, arc * plan.rib_density * 0.22, radius * 0.8),
    )
    clavicles = [_clavicle(plan, side, rng) for side, _ in pairs]
    cx, cy, carc = (np.concatenate(part) for part in zip(*clavicles, strict=True))
    collar = (Stroke(cx, cy, carc, 6.0, hollow=0.74), Stroke(cx, cy, carc * 0.3, 4.6))
    edges = [_scapula(plan, side, rng) for side, _ in pairs]
    sx, sy, sarc = (np.concatenate(part) for part in zip(*edges, strict=True))
    return (*ribs, *collar, Stroke(sx, sy, sarc, 2.6, hollow=-1))


def _rib(
    plan: BodyPlan, lung: LungPlan, side: float, index: int, rng: np.random.Generator
) -> tuple[Points, Points, Points]:
    """One rib from the spine (posterior) round the side to the front; arc length includes the depth."""
    turn = np.linspace(0.0, np.pi * rng.uniform(0.80, 0.86), 700)
    start_y = lung.apex_y + 5 + index * plan.rib_pitch * (1 - 0.008 * index)
    drop = plan.rib_drop * (0.55 + 0.45 * min(index / 4, 1.0)) * rng.uniform(0.95, 1.05)
    side_y = start_y + 0.42 * drop
    half = float(half_width_at(np.array(max(side_y, lung.apex_y + 7)), lung)) - 1.5
    root = 17.0
    x = root + (half - root) * np.sin(turn) ** np.where(turn < np.pi / 2, 0.9, 1.0)
    depth = -(35 + 42 * min(index / 3, 1.0)) * np.cos(turn)
    y = start_y + drop * ((1 - np.cos(turn)) / 2) ** 1.15 - 7 * np.sin(np.minimum(2 * turn, np.pi)) - 2
    arc = np.hypot(np.hypot(np.gradient(x), np.gradient(y)), np.gradient(depth))
    front = np.clip((turn[-1] - turn) / 0.7, 0, 1)
    return side * x, y, arc * front * np.where(turn > np.pi / 2, 0.72, 1.0)


def _clavicle(plan: BodyPlan, side: float, rng: np.random.Generator) -> tuple[Points, Points, Points]:
    part = np.linspace(0.0, 1.0, 500)
    inner_y = plan.right.apex_y + rng.uniform(26, 42)
    rise = rng.uniform(14, 38)
    x = 17 + (plan.right.half_width + 22) * part
    y = inner_y - rise * part**0.8 - 7 * np.sin(2 * np.pi * part)
    arc = np.hypot(np.gradient(x), np.gradient(y)) * 1.2
    return side * x, y, arc


def _scapula(plan: BodyPlan, side: float, rng: np.random.Generator) -> tuple[Points, Points, Points]:
    """Lateral and medial border, spine of the scapula and the cortex of the humeral head."""
    out = plan.right.half_width + rng.uniform(-6, 14)
    top = plan.right.apex_y + 28
    corners = (
        ((out + 28, top + 8), (out + 2, top + 105)),
        ((out + 2, top + 105), (out - 22, top + 30)),
        ((out - 22, top + 30), (out + 34, top - 14)),
    )
    part = np.linspace(0.0, 1.0, 300)
    lines = [(a[0] + (b[0] - a[0]) * part + 4 * np.sin(np.pi * part), a[1] + (b[1] - a[1]) * part) for a, b in corners]
    turn = np.linspace(0, 2 * np.pi, 400)
    lines.append((out + 52 + 23 * np.cos(turn), top + 12 + 23 * np.sin(turn)))
    weights = (1.8, 0.8, 1.2, 0.6)
    arcs = [np.hypot(np.gradient(x), np.gradient(y)) * w for (x, y), w in zip(lines, weights, strict=True)]
    return side * np.concatenate([x for x, _ in lines]), np.concatenate([y for _, y in lines]), np.concatenate(arcs)


def spine(x: Array, y: Array, plan: BodyPlan) -> Array:
    """Vertebral bodies with end plates and discs, pedicles and spinous processes, mm of bone."""
    bend = plan.spine_bend * np.sin((y + 60) / 90)
    across = x - bend
    pitch = plan.rib_pitch * 0.99
    phase = np.mod(y - plan.right.apex_y, pitch) / pitch
    half = 14.0 + 0.022 * (y + 120) + 2.5 * np.abs(2 * phase - 1) ** 3
    column = ramp(half - np.abs(across), 2.0)
    plates = np.exp(-(((phase - 0.10) / 0.045) ** 2)) + np.exp(-(((phase - 0.90) / 0.045) ** 2))
    disc = ramp(0.07 - np.minimum(phase, 1 - phase), 0.05)
    bodies = column * (3.6 + 2.4 * plates - 2.6 * disc)
    mid = (phase - 0.42) * pitch
    process = 1.3 * ellipsoid(across, mid + 4, (4.0, 6.5, 1.6))
    pedicles = 1.2 * ellipsoid(np.abs(across) - half * 0.72, mid, (3.4, 4.8, 1.3))
    result: Array = np.float32(plan.spine_density) * (bodies + process + pedicles)
    return result
