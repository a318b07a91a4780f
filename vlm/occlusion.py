"""Where a model looked, by removal: the image again and again without one square of it, and what that costs a sentence.

What is removed is replaced by its surroundings (a wide Gaussian blur), never by black, which no radiograph has there.
Source: Zeiler MD, Fergus R, Visualizing and Understanding Convolutional Networks, ECCV 2014. Dear: one pass through
the whole model a square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vlm.backend import AnswerScoringBackend, Asked

SQUARES: Final = 8  # a side
BLUR: Final = 0.075  # of the input's long side: 28 mm of a chest radiograph, wider than most nodules

Picture = NDArray[np.uint8]


def blurred(image: Picture) -> Picture:
    """The model's input with nothing left that is smaller than a nodule."""
    wide = ImageFilter.GaussianBlur(BLUR * max(image.shape))
    return np.asarray(Image.fromarray(image).filter(wide), dtype=np.uint8)


def without(image: Picture, *, removed: NDArray[np.bool_], instead: Picture) -> Picture:
    """The image with other pixels where something is removed.

    >>> image = np.ones((1, 2), np.uint8)
    >>> without(image, removed=np.array([[False, True]]), instead=0 * image).tolist()
    [[1, 0]]
    """
    return np.where(removed, instead, image)


def occlusion(
    asked: Asked, *, stretches: Sequence[tuple[int, int]], backend: AnswerScoringBackend, squares: int = SQUARES
) -> tuple[NDArray[np.float64], ...]:
    """For each stretch of the answer, a grid (squares, squares): the nats that it loses without each square.

    Args:
        asked: an answer about an image.
        stretches: [start, end) in the answer's characters.
        backend: that scores.
        squares: a side of the model's input.

    Raises:
        ValueError: no image is given.
        BackendError: the model's fault.
    """
    if asked.image is None:
        msg = "a square is removed from an image: none is given"
        raise ValueError(msg)
    instead = blurred(asked.image)
    shown = [without(asked.image, removed=one, instead=instead) for one in _squares(asked.image.shape, squares)]
    whole, *rest = backend.answer_log_probabilities([asked, *(replace(asked, image=image) for image in shown)])
    losses = [[whole.over(*stretch) - one.over(*stretch) for one in rest] for stretch in stretches]
    return tuple(np.asarray(row, dtype=np.float64).reshape(squares, squares) for row in losses)


def _squares(shape: tuple[int, ...], squares: int) -> list[NDArray[np.bool_]]:
    rows, columns = (np.arange(length) * squares // length for length in shape)
    cells = rows[:, None] * squares + columns[None, :]
    return [cells == index for index in range(squares * squares)]
