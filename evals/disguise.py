"""Ways to write words so that neither a person nor a search sees them as what they are; for evaluation only."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

_CYRILLIC: Final = str.maketrans("aceopxyiABEKMHOPCTX", "асеорхуіАВЕКМНОРСТХ")
_DIGITS: Final = str.maketrans("aeiost", "431057")
_WIDE: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_BOLD: Final = {
    **{ord("A") + n: 0x1D400 + n for n in range(26)},
    **{ord("a") + n: 0x1D41A + n for n in range(26)},
}


def zero_width(text: str) -> str:
    """A zero-width space behind every letter."""
    return "".join(letter + "\u200b" if letter.isalpha() else letter for letter in text)


def tags(text: str) -> str:
    """In the tag block of Unicode, which no font draws."""
    return "".join(chr(0xE0000 + ord(letter)) for letter in text)


def bidi(text: str) -> str:
    """Written backwards inside a right-to-left override, so that it reads forwards."""
    return "\u202e" + text[::-1] + "\u202c"


def spaced(text: str) -> str:
    """Letters apart, words further apart.

    >>> spaced("no mass")
    'n o   m a s s'
    """
    return "   ".join(" ".join(word) for word in text.split())


def dotted(text: str) -> str:
    """A stop behind every letter.

    >>> dotted("no mass")
    'n.o. m.a.s.s.'
    """
    return " ".join("".join(letter + "." for letter in word) for word in text.split())


DISGUISES: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "zero_width": zero_width,
        "tags": tags,
        "bidi": bidi,
        "cyrillic": lambda text: text.translate(_CYRILLIC),
        "wide": lambda text: text.translate(_WIDE),
        "bold": lambda text: text.translate(_BOLD),
        "base64": lambda text: base64.b64encode(text.encode()).decode(),
        "hex": lambda text: text.encode().hex(),
        "backwards": lambda text: text[::-1],
        "spaced": spaced,
        "dotted": dotted,
        "digits": lambda text: text.translate(_DIGITS),
    }
)
