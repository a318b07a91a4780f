"""A DICOM radiograph becomes display values: modality LUT, VOI LUT, presentation, once, in that order.

Not here: who the patient is (`cases.deidentify`), whether the image is in scope (`cases.scope`), or a process to do it
in (`cases.decode`). Source: DICOM PS3.4 N.2.1 (the grayscale transformation sequence), PS3.3 C.11.1 (modality LUT),
C.11.2 (VOI LUT), C.7.6.3.1.2 (MONOCHROME1) and C.7.5.1.1.2 (pixel padding).

Every step maps one value to one value, so the chain is worked out once per value that occurs, and pixels look it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing

from cases.faults import WindowError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

WHITE = 65535
ROBUST_PERCENTILES = (
    0.5,
    99.5,
)  # the window where a file brings none: all but the outermost half per cent on each side
_FAR = 1e30  # beyond every stored value, so that a window answers with its end


@dataclass(frozen=True, slots=True)
class Rendering:
    """Display values of one image.

    Attributes:
        pixels: (rows, columns) uint16, 0 black .. 65535 white, the full display range.
        warnings: what was assumed, in words.
    """

    pixels: NDArray[np.uint16]
    warnings: tuple[str, ...]


def render(stored: NDArray[np.integer], header: Dataset) -> Rendering:
    """Stored values to display values.

    Args:
        stored: (rows, columns) as decoded, signed or unsigned, at most 16 bits.
        header: of the image; its LUT, window and photometric elements are read.

    Raises:
        WindowError: the file's own LUT or window cannot be applied.
    """
    lowest = int(stored.min())
    index = stored.astype(np.int32) - lowest
    counts = np.bincount(index.ravel())
    values = np.arange(lowest, lowest + counts.size)
    padding = _padding(values, header)
    try:
        with np.errstate(all="ignore"):  # what overflows is refused below
            shown, warnings = _chain(values, np.where(padding, 0, counts), header)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError) as error:
        msg = f"the modality or VOI LUT, or the window, cannot be applied ({type(error).__name__})"
        raise WindowError(msg) from error
    shown[padding] = 0
    return Rendering(shown[index], warnings)


def _chain(
    values: NDArray[np.integer], counts: NDArray[np.integer], header: Dataset
) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    """Each stored value's display value. counts: how many pixels hold it, padding left out."""
    modality = np.asarray(apply_modality_lut(values, header), dtype=np.float64)
    fraction, warnings = _voi(modality, counts, header)
    if not np.isfinite(fraction).all():
        msg = "values that are not finite"
        raise ValueError(msg)
    if _inverted(header):
        fraction = 1 - fraction
    return np.rint(np.clip(fraction, 0, 1) * WHITE).astype(np.uint16), warnings


def _voi(
    modality: NDArray[np.float64], counts: NDArray[np.integer], header: Dataset
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Fractions of the display range, from the VOI LUT, else the window, else a robust window.

    PS3.3 C.11.2 offers LUT and window as alternatives, of which one is applied; as in pydicom the LUT goes first, being
    the curve that the manufacturer meant. Of several, the first is the default view.
    """
    if _has_lut(header):
        return _voi_lut(modality, header), ()
    if header.get("WindowCenter") not in (None, "") and header.get("WindowWidth") not in (None, ""):
        return _window(modality, header), ()
    return _robust_window(modality, counts)


def _has_lut(header: Dataset) -> bool:
    items = header.get("VOILUTSequence")
    return bool(items) and "LUTDescriptor" in items[0] and "LUTData" in items[0]


def _voi_lut(modality: NDArray[np.float64], header: Dataset) -> NDArray[np.float64]:
    """Values below the first mapped one take the first entry, those beyond the last the last (PS3.3 C.11.2.1.1)."""
    entries, first, bits = (int(part) for part in header.VOILUTSequence[0].LUTDescriptor)
    entries = entries or 2**16
    if bits <= 8 < np.log2(entries):  # pydicom would let the index wrap round at 256
        msg = "more entries than eight bits can count"
        raise ValueError(msg)
    inside = np.clip(np.rint(modality), first, first + entries - 1).astype(np.int64)
    fraction: NDArray[np.float64] = np.asarray(apply_voi(inside, header), dtype=np.float64) / (2**bits - 1)
    return fraction


def _window(modality: NDArray[np.float64], header: Dataset) -> NDArray[np.float64]:
    """LINEAR, LINEAR_EXACT or SIGMOID, as the file says (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    pydicom answers in the units of the stored values; what it makes of values far outside the window are the two ends
    of that range.
    """
    shown = np.asarray(apply_windowing(np.append(modality, [-_FAR, _FAR]), header), dtype=np.float64)
    dark, bright = float(shown[-2]), float(shown[-1])
    fraction: NDArray[np.float64] = (shown[:-2] - dark) / (bright - dark)
    return fraction


def _robust_window(
    modality: NDArray[np.float64], counts: NDArray[np.integer]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    seen = modality[counts > 0]
    if seen.size == 0 or seen.min() == seen.max():
        return np.zeros_like(modality), ("the image is uniform: it shows nothing",)
    order = np.argsort(modality, kind="stable")
    share = np.cumsum(counts[order]) / counts.sum()
    low, high = (modality[order][np.searchsorted(share, percent / 100)] for percent in ROBUST_PERCENTILES)
    if low == high:
        low, high = seen.min(), seen.max()
    words = "the file brings no window: shown over the {} to {} percentiles of its values"
    return (modality - low) / (high - low), (words.format(*ROBUST_PERCENTILES),)


def _inverted(header: Dataset) -> bool:
    """Whether low values are to be shown bright: stated by either of two elements, applied once.

    A DX image states it twice (MONOCHROME1 and Presentation LUT Shape INVERSE, PS3.3 C.8.11.3.1.2 and C.11.6).
    """
    shape = str(header.get("PresentationLUTShape") or "").strip().upper()
    return str(header.get("PhotometricInterpretation")).strip().upper() == "MONOCHROME1" or shape == "INVERSE"


def _padding(values: NDArray[np.integer], header: Dataset) -> NDArray[np.bool_]:
    """Which stored values are padding, not image (PS3.3 C.7.5.1.1.2): they are shown black and not measured."""
    value, limit = header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")
    if not isinstance(value, int):
        return np.zeros(values.shape, dtype=np.bool_)
    ends = (value, limit if isinstance(limit, int) else value)
    return (values >= min(ends)) & (values <= max(ends))
