"""How probable a model itself found each box it drew: the score by which boxes are ranked.

A box's score is the exponential of the summed log-probabilities of its location tokens (those between `<box>` and
`</box>`): the probability that the model gives to exactly this place, once it has decided to draw a box. It is the
product, not the geometric mean, so it is only comparable between boxes of one codec, which all have the same number of
tokens. The probabilities are the raw model's, before the grammar took other tokens away. It is a ranking, not a
calibrated probability that the box is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

OPENING, CLOSING = "<box>", "</box>"


def box_scores(tokens: Sequence[str], log_probabilities: Sequence[float]) -> tuple[float, ...]:
    """The score of each box, in the order of the answer.

    Args:
        tokens: the answer's tokens as text.
        log_probabilities: natural log of each token's probability; same length.

    >>> tokens = ["a", "<box>", "<x1>", "<y2>", "</box>"]
    >>> [round(score, 6) for score in box_scores(tokens, [-9.0, -9.0, math.log(0.5), math.log(0.25), -9.0])]
    [0.125]
    """
    scores: list[float] = []
    total: float | None = None  # None outside of a box
    for token, log_probability in zip(tokens, log_probabilities, strict=True):
        word = token.strip()
        if word == OPENING:
            total = 0.0
        elif word == CLOSING and total is not None:
            scores.append(math.exp(total))
            total = None
        elif total is not None:
            total += log_probability
    return tuple(scores)
