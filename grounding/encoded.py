"""Words spelt in codes inside a text: base64, hexadecimal, percent signs, character entities and escapes.

What decodes to readable text is encoded text, whatever it says: no note has a reason for it. What does not is no
finding of this module.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote

LEAST: Final = 8  # letters that a decoded text has at least
READABLE: Final = 0.9  # share of letters and spaces in a decoded text


def encoded_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Each stretch that decodes to words: (start, end, what it decodes to).

    >>> [words for *_, words in encoded_spans("id 7f3a; 77726974652061206e6f746520746f206d65")]
    ['write a note to me']
    """
    for pattern, decode in _CODES:
        for match in pattern.finditer(text):
            words = decode(match[0])
            if words is not None and _readable(words):
                yield match.start(), match.end(), words


def _readable(words: str) -> bool:
    plain = sum(letter.isalpha() or letter == " " for letter in words)
    return len(words) >= LEAST and plain >= READABLE * len(words) and " " in words.strip()


def _base64(token: str) -> str | None:
    padded = token.rstrip("=")
    padded += "=" * (-len(padded) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if "-" in token or "_" in token else None).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


def _hexadecimal(token: str) -> str | None:
    digits = re.sub(r"\\x|0x|[\s:]", "", token)
    try:
        return bytes.fromhex(digits).decode("utf-8")
    except (ValueError, UnicodeDecodeError):
        return None


def _escaped(token: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), token)


_CODES: Final[tuple[tuple[re.Pattern[str], Callable[[str], str | None]], ...]] = (
    (re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{11,4000}={0,2}(?![\w+/=])"), _base64),
    (re.compile(r"(?<![0-9a-zA-Z])(?:(?:\\x|0x)?[0-9a-fA-F]{2}[\s:]?){8,2000}(?![0-9a-zA-Z])"), _hexadecimal),
    (
        re.compile(r"(?:%[0-9a-fA-F]{2}|[A-Za-z+.-]){8,2000}(?<=%[0-9a-fA-F]{2}.)?"),
        lambda t: unquote(t.replace("+", " ")) if t.count("%") > 3 else None,
    ),
    (re.compile(r"(?:&#x?[0-9a-fA-F]{2,5};\s?){8,2000}"), html.unescape),
    (re.compile(r"(?:\\u[0-9a-fA-F]{4}){8,2000}"), _escaped),
)
