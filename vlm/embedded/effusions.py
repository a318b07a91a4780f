"""Pleural effusions to train on: a dense lung base under a meniscus, drawn into a displayed radiograph.

A free effusion on an upright film hides the costophrenic angle, is highest at the chest wall and fades upwards over a
centimetre or two. It is described and never boxed: the narrow indication is the nodule or mass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FADE = 0.02  # of the image's side: the edges of the fluid are soft
WHITE = 0.82  # of the display range: about the heart's grey


def draw_effusion(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Fill one lung's base in place; where the fluid lies, as a mask of the same shape.

    Args:
        image: (side, side) float32, display range 0..1, bright is dense.
        rng: source of its side, height and density.
    """
    side = image.shape[0]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    if rng.random() < 0.5:
        x = 1 - x
    wall, spine = rng.uniform(0.07, 0.15), rng.uniform(0.40, 0.46)
    across = np.clip((x - wall) / (spine - wall), 0.0, 1.0)  # 0 at the chest wall, 1 beside the spine
    top = rng.uniform(0.55, 0.76)
    meniscus = top + rng.uniform(0.05, 0.14) * across ** rng.uniform(0.5, 1.2)
    depth = np.clip((y - meniscus) / FADE * 0.5 + 0.5, 0.0, 1.0)
    beside = np.clip((x - wall) / FADE + 0.5, 0.0, 1.0) * np.clip((spine - x) / FADE + 0.5, 0.0, 1.0)
    inside = depth * beside * np.clip((0.95 - y) / FADE + 0.5, 0.0, 1.0)
    opacity = np.float32(rng.uniform(0.55, 0.95))
    image += inside * opacity * np.clip(WHITE - image, 0.0, None)
    return np.asarray(inside > 0.3)
