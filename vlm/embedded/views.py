"""How a patient stood before the detector and how the film was exposed: what differs between two films of one chest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageFilter

SIDE_PX = 320
REACH = 0.07  # of scale and shift
TURN_DEG = 4.0


@dataclass(frozen=True, slots=True)
class View:
    """A similarity that lays a stored background into the model's input.

    Attributes:
        stored: side of the background, pixels.
        affine: (a, b, c, d, e, f): input (x, y) comes from the stored (ax + by + c, dx + ey + f).
        flipped: whether the background was mirrored first; one patient is mirrored in all images or in none.
    """

    stored: int
    affine: tuple[float, ...]
    flipped: bool

    @classmethod
    def random(cls, rng: np.random.Generator, *, stored: int, flipped: bool | None = None) -> View:
        """A view drawn at random, mirrored at random where that is not said."""
        scale = stored / SIDE_PX * rng.uniform(1 - REACH, 1 + REACH)
        turn = np.deg2rad(rng.normal(0.0, TURN_DEG))
        cos, sin = scale * np.cos(turn), scale * np.sin(turn)
        shift = rng.normal(0.0, REACH * stored / 3, 2)
        half_in, half_out = stored / 2, SIDE_PX / 2
        across = half_in + shift[0] - cos * half_out - sin * half_out
        down = half_in + shift[1] + sin * half_out - cos * half_out
        mirrored = bool(rng.random() < 0.5) if flipped is None else flipped
        return cls(stored, (cos, sin, across, -sin, cos, down), mirrored)

    def again(self, rng: np.random.Generator) -> View:
        """The same patient on another day."""
        return View.random(rng, stored=self.stored, flipped=self.flipped)

    def shown(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The background in this view: (320, 320) float32, display range 0..1."""
        source = PilImage.fromarray(pixels[:, ::-1].copy() if self.flipped else pixels)
        size, kind, filtered = (SIDE_PX, SIDE_PX), PilImage.Transform.AFFINE, PilImage.Resampling.BILINEAR
        return np.asarray(source.transform(size, kind, self.affine, filtered), np.float32) / np.float32(255.0)

    def spot(self, weights: NDArray[np.float32], rng: np.random.Generator) -> tuple[float, float]:
        """A place for a lesion, drawn from the lung weights: (x, y) in stored pixels, before any mirroring."""
        cell = int(rng.choice(weights.size, p=weights.ravel() / weights.sum()))
        row, column = divmod(cell, weights.shape[1])
        x, y = (column + rng.random()) / weights.shape[1], (row + rng.random()) / weights.shape[0]
        return x * self.stored, y * self.stored

    def into(self, spot: tuple[float, float]) -> tuple[float, float]:
        """Where a stored place lies in the input.

        >>> View(640, (2.0, 0.0, 0.0, 0.0, 2.0, 0.0), flipped=True).into((600.0, 100.0))
        (20.0, 50.0)
        """
        x = self.stored - spot[0] if self.flipped else spot[0]
        a, b, c, d, e, f = self.affine
        det = a * e - b * d
        return ((e * (x - c) - b * (spot[1] - f)) / det, (a * (spot[1] - f) - d * (x - c)) / det)


def exposed(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Random display curve, blur and noise: what differs between scanners must not matter."""
    low, high = np.quantile(image[::4, ::4], [0.01, 0.99])
    image = (image - low * rng.uniform(0.5, 1.0)) / max(0.2, (high - low * 0.75) * rng.uniform(0.98, 1.3))
    image = np.clip(image, 0.0, 1.0) ** np.float32(np.exp(rng.normal(0.0, 0.2)))
    image = image * np.float32(rng.uniform(0.85, 1.0)) + np.float32(rng.uniform(0.0, 0.06))
    if rng.random() < 0.6:
        image = image + rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0.0, 0.02))
    pixels = np.clip(image * 255.0, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        blurred = PilImage.fromarray(pixels).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9)))
        pixels = np.asarray(blurred, np.uint8)
    return pixels
