"""Pictures that a model of chest radiographs was not taught on: chest films spoilt in one way, and no chest at all.

Other body parts are rough drawings (two long bones in soft tissue; a skull) made for this measure alone, and the CT,
MR, ultrasound, nuclear and leg images that the package pydicom-data brings; photographs are scikit-learn's two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

FULL: Final = 65535
DICOM_FILES: Final = (  # one of each kind; none shows a chest radiograph
    "RG3_UNCR.dcm",
    "693_UNCR.dcm",
    "MR2_UNCR.dcm",
    "US1_UNCR.dcm",
    "OBXXXX1A.dcm",
    "JPEG2000_UNC.dcm",
    "CT_small.dcm",
    "MR_small.dcm",
    "MR-SIEMENS-DICOM-WithOverlays.dcm",
    "gdcm-US-ALOKA-16.dcm",
)
SIDE: Final = 512
PHOTOGRAPHS: Final = 6  # crops of each

Pixels = NDArray[np.uint16]
Grey = NDArray[np.float64]
Spoil = Callable[[Grey, np.random.Generator], Grey]


def _rotated(grey: Grey, random: np.random.Generator) -> Grey:
    return np.rot90(grey, 1 + 2 * int(random.integers(2)))


def _upside_down(grey: Grey, _: np.random.Generator) -> Grey:
    return grey[::-1, ::-1]


def _inverted(grey: Grey, _: np.random.Generator) -> Grey:
    return 1.0 - grey


def _cropped(grey: Grey, random: np.random.Generator) -> Grey:
    """A square of two fifths of the side, anywhere."""
    rows, columns = (max(8, int(0.4 * length)) for length in grey.shape)
    top, left = (
        int(random.integers(whole - part + 1)) for whole, part in zip(grey.shape, (rows, columns), strict=True)
    )
    return grey[top : top + rows, left : left + columns]


def _blurred(grey: Grey, _: np.random.Generator) -> Grey:
    from scipy import ndimage

    blurred: Grey = ndimage.gaussian_filter(grey, 0.02 * max(grey.shape))
    return blurred


def _noisy(grey: Grey, random: np.random.Generator) -> Grey:
    return grey + random.normal(0.0, 0.2, grey.shape)


def _only_noise(grey: Grey, random: np.random.Generator) -> Grey:
    return random.random(grey.shape)


def _dim(grey: Grey, _: np.random.Generator) -> Grey:
    """Hardly any contrast: a tenth of the range."""
    return 0.45 + 0.1 * grey


SPOILT: Final[Mapping[str, Spoil]] = MappingProxyType(
    {
        "rotated": _rotated,
        "upside_down": _upside_down,
        "inverted": _inverted,
        "cropped": _cropped,
        "blurred": _blurred,
        "noisy": _noisy,
        "only_noise": _only_noise,
        "dim": _dim,
    }
)


def spoilt(pixels: Pixels, how: str, random: np.random.Generator) -> Pixels:
    """A radiograph spoilt in that way.

    >>> spoilt(np.full((2, 3), 65535, np.uint16), "inverted", np.random.default_rng(0)).max()
    np.uint16(0)
    """
    return _displayed(SPOILT[how](pixels / FULL, random))


def not_square(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """A radiograph of another shape: up to a fifth of its width or height is missing, as on many a film."""
    rows, columns = (round(length * float(random.uniform(0.8, 1.0))) for length in pixels.shape)
    if random.integers(2):
        rows = pixels.shape[0]
    else:
        columns = pixels.shape[1]
    top, left = (pixels.shape[0] - rows) // 2, (pixels.shape[1] - columns) // 2
    return np.ascontiguousarray(pixels[top : top + rows, left : left + columns])


def other_pictures(*, drawings: int, seed: int) -> Iterator[tuple[str, str, Pixels]]:
    """(kind, name, pixels) of pictures that show no chest; what a package does not bring is left out.

    Args:
        drawings: how many limbs, and how many skulls.
        seed: of the drawings and of the photographs' crops.
    """
    for index in range(drawings):
        random = np.random.default_rng([seed, index, 11])
        yield "drawn_limb", f"limb-{index}", _displayed(_limb(random))
        yield "drawn_skull", f"skull-{index}", _displayed(_skull(random))
    yield from (("other_modality_or_part", name, pixels) for name, pixels in _dicom_files())
    yield from (("photograph", name, pixels) for name, pixels in _photographs(np.random.default_rng([seed, 12])))


def _displayed(grey: Grey) -> Pixels:
    return np.ascontiguousarray(np.rint(np.clip(grey, 0.0, 1.0) * FULL), dtype=np.uint16)


def _limb(random: np.random.Generator) -> Grey:
    """Two bones side by side in soft tissue, on black, a little tilted."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    tilt = random.uniform(-0.3, 0.3)
    across = x - tilt * y
    grey = np.where(np.abs(across) < random.uniform(0.16, 0.3), 0.35, 0.02)
    for centre, width in ((-0.07, random.uniform(0.03, 0.06)), (0.07, random.uniform(0.015, 0.04))):
        inside: Grey = np.clip(1 - ((across - centre) / (width * (1 + 0.9 * np.abs(2 * y) ** 6))) ** 2, 0, 1)
        grey = grey + 0.5 * np.sqrt(inside) * (0.6 + 0.4 * (np.abs(across - centre) > 0.55 * width))
    limb: Grey = grey + random.normal(0, 0.01, grey.shape)
    return limb


def _skull(random: np.random.Generator) -> Grey:
    """A bright ring with two dark sockets and a jaw."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    wide, high = random.uniform(0.26, 0.34), random.uniform(0.34, 0.42)
    radius = np.hypot(x / wide, y / high)
    grey = np.where(radius < 1, 0.45, 0.03) + 0.5 * np.exp(-(((radius - 1) / 0.06) ** 2))
    for centre in (-0.11, 0.11):
        grey = grey - 0.3 * np.exp(-(((x - centre) / 0.06) ** 2 + ((y - 0.06) / 0.05) ** 2))
    jaw = (np.abs(y - 0.27) < 0.03) & (np.abs(x) < 0.12)
    skull: Grey = grey + 0.3 * jaw + random.normal(0, 0.01, grey.shape)
    return skull


def _dicom_files() -> Iterator[tuple[str, Pixels]]:
    import pydicom
    from pydicom.data import get_testdata_file

    for name in DICOM_FILES:
        path = get_testdata_file(name, download=False)
        if path is None:
            continue
        array = np.asarray(pydicom.dcmread(str(path)).pixel_array, dtype=np.float64)
        grey = array.mean(axis=-1) if array.ndim == 3 else array
        low, high = np.quantile(grey, [0.001, 0.999])
        yield name, _displayed((grey - low) / max(1.0, high - low))


def _photographs(random: np.random.Generator) -> Iterator[tuple[str, Pixels]]:
    from sklearn.datasets import load_sample_images

    for number, image in enumerate(load_sample_images().images):
        grey = np.asarray(image, dtype=np.float64).mean(axis=-1) / 255
        for crop in range(PHOTOGRAPHS):
            side = int(random.integers(200, min(grey.shape)))
            top, left = (int(random.integers(length - side + 1)) for length in grey.shape)
            yield f"photograph-{number}-{crop}", _displayed(grey[top : top + side, left : left + side])
