"""Rendered pixels on disk: what goes in comes out, or an error says so."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from cases.images import ImageDamagedError, ImageMissingError, ImageStore
from cases.paths import StorePaths


def test_pixels_come_back_to_the_bit(tmp_path: Path) -> None:
    pixels = np.array([[0, 1, 255], [256, 40000, 65535]], np.uint16)
    store = ImageStore(tmp_path / "images")
    name = store.put(pixels)
    # the six samples, little-endian, written out by hand
    assert name == hashlib.sha256(bytes.fromhex("000001 00ff00 0001 409c ffff".replace(" ", ""))).hexdigest()
    again = store.get(name)
    assert again.dtype == np.uint16
    assert (again == pixels).all()
    assert [file.name for file in (tmp_path / "images").iterdir()] == [f"{name}.png"]


def test_a_wide_and_a_big_endian_array_keep_their_values(tmp_path: Path) -> None:
    pixels = (np.arange(70000, dtype=np.uint32) % 65536).astype(np.uint16).reshape(70, 1000)
    store = ImageStore(tmp_path)
    assert store.put(pixels) == store.put(pixels.astype(">u2")) == store.put(np.asfortranarray(pixels))
    assert (store.get(store.put(pixels)) == pixels).all()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 2), np.uint8),  # eight bits: not rendered to the full range
        np.zeros((2, 2), np.int16),  # signed
        np.zeros((2, 2, 3), np.uint16),  # colour
        np.zeros((0, 4), np.uint16),  # no rows
    ],
)
def test_what_is_not_a_rendered_image_is_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="an image is a"):
        ImageStore(tmp_path / "images").put(pixels)
    assert not (tmp_path / "images").exists()


def test_changed_pixels_no_longer_answer_to_their_name(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    name = store.put(np.full((4, 4), 7, np.uint16))
    PIL.Image.fromarray(np.full((4, 4), 8, np.uint16)).save(tmp_path / f"{name}.png")
    with pytest.raises(ImageDamagedError, match="changed on disk"):
        store.get(name)
    assert store.put(np.full((4, 4), 7, np.uint16)) == name  # put mends what it finds damaged
    assert (store.get(name) == 7).all()


def test_a_torn_file_is_named_damaged(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    name = store.put(np.arange(10000, dtype=np.uint16).reshape(100, 100))
    os.truncate(tmp_path / f"{name}.png", 200)
    with pytest.raises(ImageDamagedError, match="damaged"):
        store.get(name)


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_a_name_that_is_not_kept_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageMissingError):
        ImageStore(tmp_path).get(name)


def test_everything_lies_beside_the_store() -> None:
    paths = StorePaths(Path("a/pilot.duckdb"))
    assert {paths.images, paths.keys, paths.crosswalk} == {
        Path("a/pilot.duckdb.images"),
        Path("a/pilot.duckdb.keys"),
        Path("a/pilot.duckdb.crosswalk"),
    }
