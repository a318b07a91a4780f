"""The evaluation's own nodule: a plateau with a lobulated margin and a soft edge, as added brightness.

Designed apart from anything a model is trained on and never imported by training. Profile over the scaled radius
u = r / R(angle): exp(-ln(1/0.3) u^k), so that the contour R is where the added contrast falls to 30 % of the peak,
which is also how the truth box is drawn. R carries a low-order Fourier perturbation, the inside a smooth texture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

EDGE_SHARE = 0.30  # the truth box is where the added contrast exceeds this share of the peak
ORDERS = (2, 3, 4, 5)  # of the margin: oval, three-, four- and five-lobed
REACH = 2.2  # the profile is rendered out to this many nominal radii


@dataclass(frozen=True, slots=True)
class NoduleShape:
    """What a nodule looks like, without where it is.

    Attributes:
        steepness: k of the profile, 2 (Gaussian) to 5 (plateau with a firm edge).
        amplitudes, phases: of the margin's Fourier orders 2 to 5, shares of the radius and radians.
        texture: strength of the multiplicative texture, share of the local contrast.
        texture_seed: of the texture's noise.
    """

    steepness: float
    amplitudes: tuple[float, ...]
    phases: tuple[float, ...]
    texture: float
    texture_seed: int


def random_shape(random: np.random.Generator) -> NoduleShape:
    """A shape drawn at random: ovals are common, deep lobes are rare."""
    limits = np.array([0.16, 0.08, 0.05, 0.04])
    return NoduleShape(
        steepness=float(random.uniform(2.2, 4.5)),
        amplitudes=tuple(float(a) for a in limits * random.uniform(0.1, 1.0, size=len(ORDERS))),
        phases=tuple(float(p) for p in random.uniform(0.0, 2 * math.pi, size=len(ORDERS))),
        texture=float(random.uniform(0.0, 0.18)),
        texture_seed=int(random.integers(2**31)),
    )


def render(shape: NoduleShape, *, radius_px: float) -> NDArray[np.float64]:
    """The nodule on a square patch, centred, peak exactly 1.

    Args:
        shape: what it looks like.
        radius_px: nominal radius in pixels of the image it goes into, positive.

    Returns:
        (side, side) in [0, 1], side odd, zero at its rim.
    """
    half = max(3, math.ceil(REACH * radius_px))
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    margin = np.ones_like(x)
    angle = np.arctan2(y, x)
    for order, amplitude, phase in zip(ORDERS, shape.amplitudes, shape.phases, strict=True):
        margin += amplitude * np.cos(order * angle + phase)
    scaled = np.hypot(x, y) / (radius_px * margin)
    profile = np.exp(-math.log(1 / EDGE_SHARE) * scaled**shape.steepness)
    profile = np.clip(profile * _texture(shape, profile.shape, radius_px) - 0.004, 0.0, None)  # ends without a step
    return np.asarray(profile / profile.max(), dtype=np.float64)


def _texture(shape: NoduleShape, size: tuple[int, ...], radius_px: float) -> NDArray[np.float64]:
    noise = np.random.default_rng(shape.texture_seed).standard_normal(size)
    smooth = ndimage.gaussian_filter(noise, max(1.0, radius_px / 4))
    spread = float(np.abs(smooth).max()) or 1.0
    return np.asarray(1.0 + shape.texture * smooth / spread, dtype=np.float64)
