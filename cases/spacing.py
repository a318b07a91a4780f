"""How large a pixel is, where a header says so.

Apart from `cases.dicom` so that the importing process need not load a decoder to ask.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def spacing_mm(header: Dataset) -> tuple[tuple[float, float] | None, str | None, tuple[str, ...]]:
    """Millimetres between rows and between columns, the keyword they came from, and warnings.

    PixelSpacing goes first (it may be calibrated), then ImagerPixelSpacing (at the detector: things in the patient are
    smaller than that by the magnification). Absent, zero, negative or not a number measures nothing.
    Source: PS3.3 10.7.1.
    """
    warnings: list[str] = []
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        found = header.get(keyword)
        if found in (None, ""):
            continue
        pair = _positive_pair(found)
        if pair is not None:
            return pair, keyword, tuple(warnings)
        warnings.append(f"{keyword} is zero or malformed: no millimetres from it")
    return None, None, tuple(warnings)


def _positive_pair(found: object) -> tuple[float, float] | None:
    try:
        rows, columns = (float(part) for part in found)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    good = math.isfinite(rows) and math.isfinite(columns) and min(rows, columns) > 0
    return (rows, columns) if good else None
