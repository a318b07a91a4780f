"""RadFact's spatial rule, with exact geometry: more than half of the drafted area lies in the union of the evidence.

It is precision of area, not IoU: a small box inside a large true one is borne out. RadFact draws masks of 224 x 224
pixels; here the areas are computed exactly, on the grid of all the boxes' own edges.

Source: microsoft/RadFact (MIT), pixel precision above 0.5; Bannur et al., arXiv:2406.04449, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from grounding.box import Box

LEAST_SHARE = 0.5  # exclusive


def covered_share(candidate: Sequence[Box], evidence: Sequence[Box]) -> float:
    """Which share of the candidate boxes' union lies inside the union of the evidence boxes.

    Raises:
        ValueError: there is no candidate box.

    >>> covered_share([Box(0.0, 0.0, 0.5, 1.0)], [Box(0.25, 0.0, 1.0, 0.5)])
    0.25
    """
    if not candidate:
        msg = "a share is of something: give at least one candidate box"
        raise ValueError(msg)
    boxes = (*candidate, *evidence)
    xs = sorted({edge for box in boxes for edge in (box.x_min, box.x_max)})
    ys = sorted({edge for box in boxes for edge in (box.y_min, box.y_max)})
    drawn = shared = 0.0
    for left, right in pairwise(xs):
        for top, bottom in pairwise(ys):
            x, y, area = (left + right) / 2, (top + bottom) / 2, (right - left) * (bottom - top)
            if any(box.contains(x, y) for box in candidate):
                drawn += area
                shared += area * any(box.contains(x, y) for box in evidence)
    return shared / drawn


def spatially_entailed(candidate: Sequence[Box], evidence: Sequence[Box]) -> bool:
    """Whether evidence boxes bear candidate boxes out.

    >>> spatially_entailed([Box(0.0, 0.0, 0.5, 1.0)], [Box(0.0, 0.0, 0.25, 1.0)])
    False
    """
    return bool(candidate) and covered_share(candidate, evidence) > LEAST_SHARE
