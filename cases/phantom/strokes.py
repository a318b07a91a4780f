"""Tubes along curves (ribs, vessels, wires) as path length in mm, many at once, by splatting points and one FFT.

A curve's points carry its arc length in three dimensions; convolved with a disc of radius R they give the chord length
through a tube of that radius: 2 * sqrt(R^2 - d^2), longer where the curve runs along the beam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from cases.phantom.frame import Array, Frame

PAD_PX = 16
Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stroke:
    """Points of one or many curves that share a cross-section.

    Attributes:
        x_mm, y_mm: anatomy coordinates of the points.
        arc_mm: three-dimensional arc length that each point stands for, times a relative density.
        radius_mm: outer radius of the tube.
        hollow: inner radius as a fraction of the outer one; 0 is solid, under 0 is a soft (Gaussian) tube.
    """

    x_mm: Points
    y_mm: Points
    arc_mm: Points
    radius_mm: float
    hollow: float = 0.0


def path_length(strokes: tuple[Stroke, ...], frame: Frame) -> Array:
    """Summed path length (mm) of all strokes, (side, side)."""
    side = frame.side_px + 2 * PAD_PX
    frequency = np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side)[None, :]).astype(np.float32)
    total = np.zeros(frequency.shape, dtype=np.complex64)
    for stroke in strokes:
        total += fft.rfft2(_splat(stroke, frame)) * _kernel(stroke, frequency, frame.px_per_mm * frame.scale)
    plane = fft.irfft2(total, s=(side, side))[PAD_PX:-PAD_PX, PAD_PX:-PAD_PX]
    result: Array = np.maximum(plane, 0.0).astype(np.float32)
    return result


def _kernel(stroke: Stroke, frequency: Array, px_per_mm: float) -> Array:
    radius = stroke.radius_mm * px_per_mm
    if stroke.hollow < 0:
        sigma = 0.55 * radius  # the Gaussian with the tube's height and nearly its area
        height = np.float32(2 * radius * np.sqrt(2 * np.pi) * sigma)
        soft: Array = height * np.exp(-2 * np.square(np.float32(np.pi * sigma) * frequency))
        return soft
    whole = _disc(radius, frequency)
    return whole - _disc(radius * stroke.hollow, frequency) if stroke.hollow > 0 else whole


def _disc(radius_px: float, frequency: Array) -> Array:
    """Fourier transform of a unit disc: R * J1(2 pi R f) / f."""
    step = np.float32(1 / 4096)
    line = np.arange(1, 2918, dtype=np.float64) * step  # up to sqrt(1/2), the corner of the frequency plane
    table = np.concatenate([[np.pi * radius_px**2], radius_px * special.j1(2 * np.pi * radius_px * line) / line])
    place = frequency / step
    low = place.astype(np.int64)
    part = place - low
    result: Array = (table[low] * (1 - part) + table[low + 1] * part).astype(np.float32)
    return result


def _splat(stroke: Stroke, frame: Frame) -> Array:
    """Arc length per pixel by bilinear weights on the padded plane; what lies outside is dropped."""
    side = frame.side_px + 2 * PAD_PX
    columns, rows = frame.to_pixels(stroke.x_mm, stroke.y_mm)
    columns, rows = columns + PAD_PX, rows + PAD_PX
    inside = (columns >= 0) & (columns < side - 1) & (rows >= 0) & (rows < side - 1)
    columns, rows, arc = columns[inside], rows[inside], stroke.arc_mm[inside]
    left, top = columns.astype(np.int64), rows.astype(np.int64)
    right_part, low_part = columns - left, rows - top
    first, upper, lower = top * side + left, arc * (1 - low_part), arc * low_part
    index = np.concatenate([first, first + 1, first + side, first + side + 1])
    share = np.concatenate([upper * (1 - right_part), upper * right_part, lower * (1 - right_part), lower * right_part])
    return np.bincount(index, share, side * side).reshape(side, side).astype(np.float32)
