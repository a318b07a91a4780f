"""The only place where text becomes HTML or Markdown: every string that is not ours is escaped here.

Notes, model output and reader text are untrusted. What leaves this module goes to `st.html` (which sanitizes again and
runs no script) or into a Markdown label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

# Every ASCII punctuation mark can mean something in Streamlit's Markdown (":red[...]", "$", "`", "[x](y)").
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of a note that sentences cite.

    Attributes:
        start, end: characters of the note's text, half open.
        sentence: index of the citing sentence.
    """

    start: int
    end: int
    sentence: int


def plain(text: str) -> str:
    """Text as HTML that shows exactly that text.

    >>> plain('<b onclick="x">')
    '&lt;b onclick=&quot;x&quot;&gt;'
    """
    return escape(text, quote=True)


def label(text: str) -> str:
    r"""Text as Markdown that shows exactly that text, on one line, for labels of widgets.

    >>> print(label(":red[x] $1"))
    \:red\[x\] \$1
    """
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def chip(text: str, kind: str = "plain") -> str:
    """A small label; `kind` is one of ours (plain, derived, ai, human, warn, bad, good), never outside text.

    >>> chip("left", "derived")
    '<span class="or-chip or-derived">left</span>'
    """
    return f'<span class="or-chip or-{kind}">{plain(text)}</span>'


def chips(texts: Iterable[str], kind: str = "plain") -> str:
    """Several chips in a row."""
    return "".join(chip(text, kind) for text in texts)


def marked_note(text: str, *, marks: Sequence[Mark], selected: int | None) -> str:
    """A note as HTML with the cited spans marked and numbered; marks may overlap, and may overrun the text.

    >>> marked_note("No <nodule>.", marks=[Mark(3, 11, 0)], selected=None)
    'No <mark class="or-mark">&lt;nodule&gt;<sup>1</sup></mark>.'
    """
    cuts = sorted({0, len(text), *(min(max(edge, 0), len(text)) for m in marks for edge in (m.start, m.end))})
    pieces = (_piece(text, start, end, marks, selected) for start, end in pairwise(cuts))
    return "".join(pieces)


def _piece(text: str, start: int, end: int, marks: Sequence[Mark], selected: int | None) -> str:
    over = [mark for mark in marks if mark.start <= start and end <= mark.end]
    words = plain(text[start:end])
    if not over:
        return words
    lit = " or-lit" if any(mark.sentence == selected for mark in over) else ""
    closing = ",".join(str(n) for n in sorted({mark.sentence + 1 for mark in over if mark.end == end}))
    number = f"<sup>{closing}</sup>" if closing else ""
    return f'<mark class="or-mark{lit}">{words}{number}</mark>'
