"""RG1: the one real radiograph that every machine has (package pydicom-data), as a check that is never trained on.

The table of opacities was marked by eye by the project, not by a radiologist: coarse boxes around round opacities in
both lungs on a picture with a 0.1 grid. It says whether a box lies on something dense in the lung, no more; the picture
shows more opacities than are listed, so a box off the table is not proven false.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.data import get_testdata_file

from cases.crosswalk import Site
from cases.draft import Draft
from cases.images import ImageStore
from cases.intake import import_path
from cases.study import Case
from evals.matching import Point, distance_px_1024
from evals.rate import Rate
from evals.trial import Drafter, image_of
from grounding.box import Box

UNCOMPRESSED, LOSSLESS = "RG1_UNCR.dcm", "RG1_J2KR.dcm"  # the same picture to the bit
MOST_BOXES = 8
MIRROR_PX_1024 = 80.0  # how far a box's centre may be from its mirror image
OPACITIES = (
    Box(0.15, 0.30, 0.34, 0.40),
    Box(0.21, 0.23, 0.28, 0.30),
    Box(0.20, 0.46, 0.34, 0.54),
    Box(0.13, 0.53, 0.34, 0.70),
    Box(0.09, 0.62, 0.20, 0.72),
    Box(0.685, 0.30, 0.785, 0.42),
    Box(0.745, 0.40, 0.85, 0.49),
    Box(0.72, 0.55, 0.85, 0.65),
    Box(0.55, 0.22, 0.61, 0.28),
    Box(0.565, 0.60, 0.72, 0.75),
)


@dataclass(frozen=True, slots=True)
class Rg1Result:
    """What the model makes of RG1 and of its mirror image.

    Attributes:
        boxes: drafted.
        on_opacity: boxes whose centre lies on a marked opacity.
        mirrored: boxes of either picture with a partner on the other, of all boxes of both.
    """

    boxes: int
    on_opacity: Rate
    mirrored: Rate

    @property
    def passed(self) -> bool:
        """At most 8 boxes, at least one on an opacity, and every box mirrored."""
        return self.boxes <= MOST_BOXES and self.on_opacity.count >= 1 and self.mirrored.count == self.mirrored.total

    def as_dict(self) -> dict[str, object]:
        """For `overread eval rg1 --json`."""
        return {
            "boxes": self.boxes,
            "on_opacity": self.on_opacity.as_dict(),
            "mirrored": self.mirrored.as_dict(),
            "mirror_tolerance_px_1024": MIRROR_PX_1024,
            "passed": self.passed,
            "truth": "opacities marked by eye, not by a radiologist",
        }


def rg1(name: str, *, now: Callable[[], datetime]) -> tuple[Case, NDArray[np.uint16]]:
    """One encoding of RG1, imported as any other file: the case and its displayed pixels.

    Raises:
        LookupError: pydicom-data is not installed, or the file was not taken in.
    """
    path = get_testdata_file(name, download=False)
    if path is None:
        msg = f"{name} is not on this machine: install pydicom-data (make setup does)"
        raise LookupError(msg)
    with tempfile.TemporaryDirectory() as folder:
        images = ImageStore(Path(folder) / "images")
        intake = import_path(Path(str(path)), site=Site.beside(Path(folder) / "rg1"), images=images, now=now)
        for case in intake.cases:
            if case.image is not None:
                return case, images.get(case.image.sha256)
    msg = f"{name} was not taken in as a case: {[rejected.message for rejected in intake.rejected]}"
    raise LookupError(msg)


def rg1_report(draft: Drafter, *, now: Callable[[], datetime]) -> dict[str, object]:
    """All that is asked of RG1: `check_rg1`, and that the lossless encoding gives the same report."""
    case, pixels = rg1(UNCOMPRESSED, now=now)
    other, same_pixels = rg1(LOSSLESS, now=now)
    result = check_rg1(case, pixels=pixels, draft=draft)
    same = draft(case, pixels=pixels).report == draft(other, pixels=same_pixels).report
    return {**result.as_dict(), "lossless_gives_same_report": same, "passed": result.passed and same}


def check_rg1(case: Case, *, pixels: NDArray[np.uint16], draft: Drafter) -> Rg1Result:
    """Draft RG1 and its mirror image.

    Args:
        case: RG1, imported.
        pixels: as displayed, (rows, columns) uint16, bright is dense.
        draft: the product's own path.
    """
    flipped = np.ascontiguousarray(pixels[:, ::-1])
    mirrored = replace(case, case_id="rg1-mirrored", image=image_of(flipped, view="PA", simulated=False))
    upright = _centres(draft(case, pixels=pixels))
    mirror = _centres(draft(mirrored, pixels=flipped))
    back = tuple((1.0 - x, y) for x, y in mirror)
    rows, columns = pixels.shape
    paired = _partners(upright, back, columns=columns, rows=rows) + _partners(back, upright, columns=columns, rows=rows)
    on = sum(any(opacity.contains(*point) for opacity in OPACITIES) for point in upright)
    return Rg1Result(len(upright), Rate(on, len(upright)), Rate(paired, len(upright) + len(back)))


def _centres(draft: Draft) -> tuple[Point, ...]:
    return tuple(box.center for box in draft.report.boxes) if draft.report is not None else ()


def _partners(points: tuple[Point, ...], others: tuple[Point, ...], *, columns: int, rows: int) -> int:
    return sum(
        any(distance_px_1024(point, other, columns=columns, rows=rows) <= MIRROR_PX_1024 for other in others)
        for point in points
    )
