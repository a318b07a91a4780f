"""From attenuation to the displayed picture: scatter, quantum noise, blur, display curve, collimation, side marker.

Beer-Lambert for a monochromatic beam; scatter as a blurred fraction of the primary; the display is logarithmic with a
sigmoid curve and a mild dynamic-range compression, as digital chest systems do. Not a model of a named product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cases.phantom.frame import Array


@dataclass(frozen=True, slots=True)
class Exposure:
    """How one picture is taken and shown.

    Attributes:
        photons: mean quanta per pixel behind no object. scatter: scattered part of the mean signal.
        blur_px: detector blur, standard deviation. compression: part of the low frequencies that is taken away.
        sharpening: gain of the detail band. black, white: display levels of the lung's and mediastinum's attenuation.
        gamma: exponent on the display range.
        collimation: border widths (left, top, right, bottom) as fractions; the value under the shutters is black.
        marker: (x, y, size, turn) of the glyph, fractions of the side, radians.
        noise_seed: of the quantum noise.
    """

    photons: float
    scatter: float
    blur_px: float
    compression: float
    sharpening: float
    black: float
    white: float
    gamma: float
    collimation: tuple[float, float, float, float]
    marker: tuple[float, float, float, float]
    noise_seed: int


def draw_exposure(rng: np.random.Generator) -> Exposure:
    """Exposure and display settings for one picture."""
    shut = rng.random(4) < 0.22
    left, top, right, bottom = (float(width) for width in shut * rng.uniform(0.005, 0.045, 4))
    return Exposure(
        photons=float(np.exp(rng.uniform(np.log(1.5e4), np.log(1e5)))),
        scatter=float(rng.uniform(0.03, 0.14)),
        blur_px=float(rng.uniform(0.35, 0.75)),
        compression=float(rng.uniform(0.05, 0.28)),
        sharpening=float(rng.uniform(0.1, 0.5)),
        black=float(rng.uniform(0.16, 0.36)),
        white=float(rng.uniform(0.74, 0.92)),
        gamma=float(rng.uniform(0.88, 1.15)),
        collimation=(left, top, right, bottom),
        marker=(
            float(rng.uniform(0.90, 0.955)),
            float(rng.uniform(0.04, 0.12)),
            float(rng.uniform(0.022, 0.034)),
            float(rng.normal(0, 0.12)),
        ),
        noise_seed=int(rng.integers(2**31)),
    )


def expose(attenuation: Array, exposure: Exposure, *, window: tuple[float, float]) -> Array:
    """The displayed picture, float32 in 0..1, bright = dense.

    Args:
        attenuation: line integrals (dimensionless), (side, side).
        exposure: how it is taken.
        window: attenuation of typical lung and of typical mediastinum, taken from the body without lesions.
    """
    scale = attenuation.shape[0] / 512
    primary = np.exp(-attenuation)
    signal = primary + exposure.scatter * _blurred(primary, 40 * scale)
    noise = np.random.default_rng(exposure.noise_seed).standard_normal(attenuation.shape, dtype=np.float32)
    signal = signal + noise * np.sqrt(signal / np.float32(exposure.photons))
    signal = ndimage.gaussian_filter(signal, exposure.blur_px * scale)
    log = -np.log(np.maximum(signal, np.float32(1e-5)))
    shown = _display(log, exposure, window, scale)
    return _shutters(_mark(shown, exposure), exposure)


def _display(log: Array, exposure: Exposure, window: tuple[float, float], scale: float) -> Array:
    low = _blurred(log, 56 * scale)
    fine = ndimage.uniform_filter(log, max(3, round(9 * scale)))
    middle = np.float32((window[0] + window[1]) / 2)
    detail = log - exposure.compression * (low - middle) + exposure.sharpening * (log - fine)
    unit = (detail - window[0]) / np.float32(window[1] - window[0])
    level = exposure.black + (exposure.white - exposure.black) * unit
    return _soft_clip(level.astype(np.float32)) ** np.float32(exposure.gamma)


def _soft_clip(level: Array) -> Array:
    """Linear in the middle, bent towards 0 and 1 beyond 0.12 and 0.85 so that nothing is cut off hard."""
    toe, shoulder = np.float32(0.12), np.float32(0.85)
    high = shoulder + (1 - shoulder) * np.tanh(np.maximum(level - shoulder, 0) / (1 - shoulder))
    low = toe + toe * np.tanh(np.minimum(level - toe, 0) / toe)
    bent: Array = np.where(level > shoulder, high, np.where(level < toe, low, level))
    return bent


def _blurred(plane: Array, sigma: float) -> Array:
    """A wide Gaussian at an eighth of the resolution."""
    side = plane.shape[0]
    step = 8 if side % 8 == 0 else 1
    small = plane.reshape(side // step, step, side // step, step).mean(axis=(1, 3))
    small = ndimage.gaussian_filter(small, sigma / step, mode="nearest")
    return small if step == 1 else enlarged(small, side)


def enlarged(small: Array, side: int) -> Array:
    """A coarse square plane brought to `side` pixels by linear interpolation, one axis after the other."""
    places = (np.arange(side, dtype=np.float32) + 0.5) * (small.shape[0] / side) - 0.5
    places = np.clip(places, 0, small.shape[0] - 1)
    low = np.minimum(places.astype(np.int64), small.shape[0] - 2)
    part = (places - low).astype(np.float32)
    rows = small[low] * (1 - part)[:, None] + small[low + 1] * part[:, None]
    result: Array = rows[:, low] * (1 - part) + rows[:, low + 1] * part
    return result


def _mark(shown: Array, exposure: Exposure) -> Array:
    """The letter L, radiopaque, in the upper corner at the patient's left."""
    side = shown.shape[0]
    x, y, size, turn = exposure.marker
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side
    reach = slice(max(0, int((y - 2 * size) * side)), int((y + 2 * size) * side))
    span = slice(max(0, int((x - 2 * size) * side)), min(side, int((x + 2 * size) * side)))
    u = ((axis[None, span] - x) * np.cos(turn) + (axis[reach, None] - y) * np.sin(turn)) / size
    v = ((axis[reach, None] - y) * np.cos(turn) - (axis[None, span] - x) * np.sin(turn)) / size
    stem = (np.abs(u + 0.32) < 0.13) & (np.abs(v) < 0.75)
    foot = (np.abs(v - 0.62) < 0.13) & (u > -0.45) & (u < 0.5)
    marked = shown.copy()
    marked[reach, span] = np.where(stem | foot, np.float32(0.97), shown[reach, span])
    return marked


def _shutters(shown: Array, exposure: Exposure) -> Array:
    side = shown.shape[0]
    left, top, right, bottom = (round(part * side) for part in exposure.collimation)
    closed = np.full_like(shown, 0.015)
    inner = (slice(top, side - bottom), slice(left, side - right))
    closed[inner] = shown[inner]
    return closed
