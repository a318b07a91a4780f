"""Rendered pixels on disk: lossless 16-bit PNG files named by the SHA-256 of their samples.

Not here: DICOM, windows or header values. A name says nothing about a patient, and a file whose pixels were changed no
longer answers to its name. PNG is ISO/IEC 15948; 16-bit grey is its colour type 0, bit depth 16.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NAME = re.compile(r"[0-9a-f]{64}")
_PNG_EFFORT = 1  # zlib level: radiographs hardly shrink further at 6, and take four times as long
_PNG_RUNS = zlib.Z_RLE  # after PNG's own row filter, looking for longer repeats costs time and finds none


class ImageStoreError(Exception):
    """Pixels cannot be kept or given back as they were."""


class ImageMissingError(ImageStoreError, LookupError):
    """No pixels are kept under that name."""


class ImageDamagedError(ImageStoreError, ValueError):
    """The pixels on disk are not those that were put there."""


class ImageStore:
    """Pixels by their hash; the same pixels are kept once.

    Args:
        folder: created on the first `put`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"ImageStore({self._folder.name!r})"

    def put(self, pixels: NDArray[np.uint16]) -> str:
        """Keep pixels, durably: the file and its name are on disk when this returns.

        Args:
            pixels: (rows, columns) uint16, full display range 0..65535.

        Returns:
            The SHA-256 of the samples as little-endian bytes, row major.

        Raises:
            ValueError: not a two-dimensional uint16 array with at least one pixel.
        """
        _refuse_other_shapes(pixels)
        name = pixels_sha256(pixels)
        target = self._file(name)
        if not self._holds(target, name):
            self._write(target, pixels)
        return name

    def get(self, sha256: str) -> NDArray[np.uint16]:
        """The pixels of that name, verified, (rows, columns) uint16.

        Raises:
            ImageMissingError: nothing is kept under that name.
            ImageDamagedError: the file is not a PNG of these pixels any more.
        """
        pixels = self._read(self._file(sha256))
        if pixels_sha256(pixels) != sha256:
            msg = f"the pixels kept as {sha256[:12]} have changed on disk: import the study again"
            raise ImageDamagedError(msg)
        return pixels

    def _file(self, sha256: str) -> Path:
        if not _NAME.fullmatch(sha256):
            msg = "an image is asked for by the SHA-256 of its pixels, 64 hexadecimal digits"
            raise ImageMissingError(msg)
        return self._folder / f"{sha256}.png"

    def _read(self, file: Path) -> NDArray[np.uint16]:
        try:
            with PIL.Image.open(file, formats=["PNG"]) as png:
                return np.array(png, dtype=np.uint16)
        except FileNotFoundError as error:
            msg = f"no pixels are kept as {file.stem[:12]}: import the study again, or copy its image folder too"
            raise ImageMissingError(msg) from error
        except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
            msg = f"the file of the pixels {file.stem[:12]} is damaged: import the study again"
            raise ImageDamagedError(msg) from error

    def _holds(self, file: Path, name: str) -> bool:
        """Whether the pixels are already there and whole; a damaged file is written anew."""
        try:
            return pixels_sha256(self._read(file)) == name
        except ImageStoreError:
            return False

    def _write(self, target: Path, pixels: NDArray[np.uint16]) -> None:
        """Write beside the target, force to disk, then rename: a reader sees the whole file or none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                PIL.Image.fromarray(pixels.astype(np.uint16)).save(
                    file, format="PNG", compress_level=_PNG_EFFORT, compress_type=_PNG_RUNS
                )
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(self._folder)


def pixels_sha256(pixels: NDArray[np.uint16]) -> str:
    """SHA-256 of the samples as little-endian uint16, row major; shape and format are not part of it.

    >>> pixels_sha256(np.zeros((1, 1), np.uint16))[:16]
    '96a296d224f285c6'
    """
    return hashlib.sha256(np.ascontiguousarray(pixels, dtype="<u2").tobytes()).hexdigest()


def _refuse_other_shapes(pixels: NDArray[np.uint16]) -> None:
    if pixels.dtype.newbyteorder("=") != np.uint16 or pixels.ndim != 2 or pixels.size == 0:
        msg = f"an image is a (rows, columns) array of uint16 with at least one pixel: {pixels.dtype} {pixels.shape}"
        raise ValueError(msg)


def _sync_folder(folder: Path) -> None:
    """Force the folder's entries to disk, so that a rename outlives a power cut (POSIX)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
