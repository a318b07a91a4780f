"""Lengths that a sentence states, in millimetres."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = r"[0-9]{1,4}(?:\.[0-9]{1,3})?"
_SIZE: Final = re.compile(
    rf"(?<![\w.])({_NUMBER}(?:\s{{0,2}}(?:mm|cm)?\s{{0,2}}(?:x|\u00d7|by)\s{{0,2}}{_NUMBER}){{0,2}})"
    r"[\s-]{0,2}(mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)\b",
    re.IGNORECASE,
)


def sizes_mm(text: str) -> tuple[float, ...]:
    """Every length in the text, in order; "2 x 1.5 cm" is two.

    >>> sizes_mm("A 2 x 1.5 cm mass, and an 8-mm nodule 3 days ago.")
    (20.0, 15.0, 8.0)
    """
    found: list[float] = []
    for size in _SIZE.finditer(text):
        factor = 10.0 if size[2].lower().startswith("c") else 1.0
        found.extend(round(float(number) * factor, 6) for number in re.findall(_NUMBER, size[1]))
    return tuple(found)
