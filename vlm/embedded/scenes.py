"""Scenes to train on: a background, moved and re-exposed at random, with lesions drawn into it.

One scene is one image and its lesions in the model's input frame. What is said about it is `vlm.embedded.wording`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageFilter

from vlm.embedded.backgrounds import Backgrounds
from vlm.embedded.lesions import Lesion, draw_distractor, draw_lesion

SIDE_PX = 320


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture with what was drawn into it.

    Attributes:
        pixels: (320, 320) uint8.
        lesions: in reading order (top to bottom, then left to right).
    """

    pixels: NDArray[np.uint8]
    lesions: tuple[Lesion, ...]


def _moved(
    pixels: NDArray[np.uint8], rng: np.random.Generator, *, gentle: bool
) -> tuple[NDArray[np.float32], tuple[float, ...], bool]:
    """The background under a random similarity and perhaps a flip; the inverse map's six numbers come with it."""
    stored = pixels.shape[0]
    reach = 0.02 if gentle else 0.07
    scale = stored / SIDE_PX * rng.uniform(1 - reach, 1 + reach)
    turn = np.deg2rad(rng.normal(0.0, 1.0 if gentle else 4.0))
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    shift = rng.normal(0.0, reach * stored / 3, 2)
    half_in, half_out = stored / 2, SIDE_PX / 2
    affine = (
        cos,
        sin,
        half_in + shift[0] - cos * half_out - sin * half_out,
        -sin,
        cos,
        half_in + shift[1] + sin * half_out - cos * half_out,
    )
    flipped = bool(rng.random() < 0.5)
    source = PilImage.fromarray(pixels[:, ::-1].copy() if flipped else pixels)
    moved = source.transform((SIDE_PX, SIDE_PX), PilImage.Transform.AFFINE, affine, PilImage.Resampling.BILINEAR)
    return np.asarray(moved, np.float32) / 255.0, affine, flipped


def _center(
    weights: NDArray[np.float32], rng: np.random.Generator, affine: tuple[float, ...], *, flipped: bool, stored: int
) -> tuple[float, float]:
    """A place for a lesion, drawn from the lung weights, in the moved frame (input pixels)."""
    cell = int(rng.choice(weights.size, p=weights.ravel() / weights.sum()))
    row, column = divmod(cell, weights.shape[1])
    x = (column + rng.random()) / weights.shape[1] * stored
    y = (row + rng.random()) / weights.shape[0] * stored
    x = stored - x if flipped else x
    a, b, c, d, e, f = affine
    det = a * e - b * d
    return ((e * (x - c) - b * (y - f)) / det, (a * (y - f) - d * (x - c)) / det)


def _exposed(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
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


def make_scene(backgrounds: Backgrounds, rng: np.random.Generator, *, count: int) -> Scene:
    """A scene with up to `count` lesions (fewer when they would overlap or leave the image).

    Sizes are drawn log-uniformly from 8 to 55 mm, contrasts from 0.06 to 0.30 of the display range.
    """
    while True:
        index = int(rng.integers(len(backgrounds)))
        if not backgrounds.nodular[index]:
            break
    stored = backgrounds.pixels.shape[1]
    image, affine, flipped = _moved(backgrounds.pixels[index], rng, gentle=False)
    for _ in range(int(rng.integers(0, 3))):
        draw_distractor(image, rng)
    lesions: list[Lesion] = []
    for _ in range(count * 4):
        if len(lesions) == count:
            break
        center = _center(backgrounds.lungs[index], rng, affine, flipped=flipped, stored=stored)
        diameter = float(np.exp(rng.uniform(np.log(8.0), np.log(55.0))))
        contrast = float(rng.uniform(0.06, 0.30))
        if any(_near(center, lesion, diameter) for lesion in lesions):
            continue
        lesion = draw_lesion(image, rng, center_px=center, diameter_mm=diameter, contrast=contrast)
        if lesion is not None:
            lesions.append(lesion)
    lesions.sort(key=lambda one: (round(one.center[1] / 32), one.center[0]))
    return Scene(_exposed(image, rng), tuple(lesions))


def _near(center: tuple[float, float], lesion: Lesion, diameter_mm: float) -> bool:
    apart = np.hypot(center[0] - lesion.center[0], center[1] - lesion.center[1])
    return bool(apart < 46 + 0.5 * (diameter_mm + lesion.diameter_mm) / 375.0 * SIDE_PX)  # never two in one cell
