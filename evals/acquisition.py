"""Another acquisition of the same chest, for evaluation: as if the patient had stood elsewhere on another day.

A mild shift, scale and turn of the picture, another grey curve, a little blur and detector noise. The ranges are the
evaluation's own and are shared with no training. It moves the whole picture; it does not breathe, turn the body or
change what overlaps what, so a model that is right here has not been shown to be right on films years apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FULL = float(np.iinfo(np.uint16).max)
SHIFT = 0.02  # of the longer side, either way, on each axis
SCALE = (0.96, 1.04)
TURN_DEG = 2.0  # either way
GAMMA = (0.85, 1.18)
GAIN = (0.94, 1.04)
LIFT = (-0.02, 0.02)  # of the display range
BLUR_PX_1024 = (0.2, 0.9)  # standard deviation, pixels of an image whose longer side is 1024
NOISE = (0.003, 0.010)  # standard deviation, of the display range


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How one picture differs from another of the same chest.

    Attributes:
        shift: (rows, columns), shares of the longer side.
        scale: above 1 shows the chest larger.
        turn_deg: counterclockwise.
        gamma, gain, lift: grey = gain * grey ** gamma + lift, on 0..1.
        blur: standard deviation, pixels of 1024.
        noise: standard deviation, share of the display range.
        noise_seed: of its noise.
    """

    shift: tuple[float, float]
    scale: float
    turn_deg: float
    gamma: float
    gain: float
    lift: float
    blur: float
    noise: float
    noise_seed: int


def drawn(random: np.random.Generator) -> Acquisition:
    """An acquisition at random, each difference within its range."""
    return Acquisition(
        shift=(float(random.uniform(-SHIFT, SHIFT)), float(random.uniform(-SHIFT, SHIFT))),
        scale=float(random.uniform(*SCALE)),
        turn_deg=float(random.uniform(-TURN_DEG, TURN_DEG)),
        gamma=float(random.uniform(*GAMMA)),
        gain=float(random.uniform(*GAIN)),
        lift=float(random.uniform(*LIFT)),
        blur=float(random.uniform(*BLUR_PX_1024)),
        noise=float(random.uniform(*NOISE)),
        noise_seed=int(random.integers(2**31)),
    )


def taken(pixels: NDArray[np.uint16], acquisition: Acquisition) -> NDArray[np.uint16]:
    """The picture under another acquisition; same shape, black where the field ends.

    Args:
        pixels: (rows, columns) uint16, the displayed image.
        acquisition: how it is to differ.

    >>> as_it_is = Acquisition((0.0, 0.0), 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0)
    >>> picture = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000
    >>> bool((taken(picture, as_it_is) == picture).all())
    True
    """
    grey = _moved(pixels.astype(np.float64) / FULL, acquisition)
    grey = ndimage.gaussian_filter(grey, acquisition.blur * max(pixels.shape) / 1024)
    grey = acquisition.gain * grey**acquisition.gamma + acquisition.lift
    grey += acquisition.noise * np.random.default_rng(acquisition.noise_seed).standard_normal(grey.shape)
    found = np.asarray(np.rint(np.clip(grey, 0.0, 1.0) * FULL), dtype=np.uint16)
    found.setflags(write=False)
    return found


def _moved(grey: NDArray[np.float64], acquisition: Acquisition) -> NDArray[np.float64]:
    """Scaled and turned about the middle, then shifted: output pixel o shows input pixel `back @ (o - s - c) + c`."""
    angle = math.radians(acquisition.turn_deg)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    back = turn / acquisition.scale
    centre = (np.array(grey.shape, dtype=np.float64) - 1) / 2
    shift = np.array(acquisition.shift) * max(grey.shape)
    moved = ndimage.affine_transform(grey, back, offset=centre - back @ (centre + shift), order=1, cval=0.0)
    return np.clip(np.asarray(moved, dtype=np.float64), 0.0, 1.0)
