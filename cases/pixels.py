"""The rendered pixels of a case's images, as drafting takes them and `cases.images` keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cases.images import ImageStore
    from cases.study import Case


@dataclass(frozen=True, slots=True)
class Pixels:
    """Rendered pixels, (rows, columns) uint16 each: of the current image, and of the prior one where there is one."""

    current: NDArray[np.uint16]
    prior: NDArray[np.uint16] | None = None

    @classmethod
    def of(cls, rendered: Rendered) -> Pixels:
        """The current image's pixels alone as such, or what is such already."""
        return rendered if isinstance(rendered, Pixels) else cls(rendered)


Rendered = Pixels | NDArray[np.uint16]


def pixels_of(case: Case, images: ImageStore) -> Pixels | None:
    """The pixels of a case's images; None for a case without an image.

    Raises:
        ImageStoreError: one of them is not there, or is not what was put there.
    """
    if case.image is None:
        return None
    prior = None if case.prior_image is None else images.get(case.prior_image.sha256)
    return Pixels(images.get(case.image.sha256), prior)
