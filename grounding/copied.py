"""Text that was copied forward: how much of a note stands word for word in an older one, and of a sentence in a note.

Shingles: every run of so many words, lower case, punctuation aside. A word is copied when it lies in a run that the
other text has too; the share is that of the words (Broder, "On the resemblance and containment of documents", 1997).
Copying is no fault of itself: "no pleural effusion" is written every day. A note that is mostly an older one says less
than it seems to, and a statement in the copied part is as old as its first writing.

Not here: texts that say the same in other words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from grounding.words import Word, words_of

NOTE_RUN: Final = 8  # words: longer than the formulas that every normal report shares
SENTENCE_RUN: Final = 4  # as `grounding.citation` takes a sentence for a quotation
LEAST: Final = 0.2  # share of a note from which it is worth a mark


@dataclass(frozen=True, slots=True)
class CopiedText:
    """A note that repeats an older one.

    Attributes:
        note_id: of the newer note. source_note_id: of the older one that most of it comes from.
        share: of the newer note's words that lie in copied runs, 0 to 1.
        spans: (start, end) in the newer note, characters: the copied passages, in order.
    """

    note_id: str
    source_note_id: str
    share: float
    spans: tuple[tuple[int, int], ...]


def copied_text(notes: Mapping[str, str]) -> tuple[CopiedText, ...]:
    """Each note that has a good part from an older one, with that older one; newest first.

    Args:
        notes: text by note id, newest first.

    >>> old = "Small nodule in the left upper zone, unchanged in size since the film of last year."
    >>> one, = copied_text({"new": old + " Feels well.", "old": old})
    >>> one.source_note_id, round(one.share, 2)
    ('old', 0.89)
    """
    ids = list(notes)
    found: list[CopiedText] = []
    for age, note_id in enumerate(ids):
        sources = [_copied(note_id, notes[note_id], older, notes[older]) for older in ids[age + 1 :]]
        best = max(sources, key=lambda one: one.share, default=None)
        if best is not None and best.share >= LEAST:
            found.append(best)
    return tuple(found)


def copied_share(text: str, notes: Mapping[str, str]) -> float:
    """The share of a sentence's words that stand in a note in the same order, four or more in a row, 0 to 1.

    A sentence of fewer words than that is copied where a note has all of it in a row. Side and size count like any
    other word: this asks where the words come from, not whether they are right.

    >>> copied_share("Nodule in the left upper zone, stable.", {"n1": "A nodule in the left upper zone. Follow-up."})
    0.8571428571428571
    """
    words = _bare(text)
    length = min(SENTENCE_RUN, len(words))
    if not length:
        return 0.0
    known = frozenset(run for note in notes.values() for run in _runs(_bare(note), length))
    return sum(_marked(words, known, length)) / len(words)


def _copied(note_id: str, text: str, source_id: str, source: str) -> CopiedText:
    words = _bare(text)
    marked = _marked(words, frozenset(_runs(_bare(source), NOTE_RUN)), NOTE_RUN)
    share = sum(marked) / len(words) if words else 0.0
    return CopiedText(note_id, source_id, share, tuple(_passages(words, marked)))


def _bare(text: str) -> tuple[Word, ...]:
    return tuple(word for word in words_of(text) if word.lower[0].isalnum())


def _runs(words: tuple[Word, ...], length: int) -> Iterable[tuple[str, ...]]:
    lowered = tuple(word.lower for word in words)
    return (lowered[first : first + length] for first in range(len(lowered) - length + 1))


def _marked(words: tuple[Word, ...], known: frozenset[tuple[str, ...]], length: int) -> list[bool]:
    """For each word, whether it lies in a known run."""
    marked = [False] * len(words)
    for first, run in enumerate(_runs(words, length)):
        if run in known:
            marked[first : first + length] = [True] * length
    return marked


def _passages(words: tuple[Word, ...], marked: list[bool]) -> Iterable[tuple[int, int]]:
    first: int | None = None
    for index, copied in enumerate((*marked, False)):
        if copied and first is None:
            first = index
        elif not copied and first is not None:
            yield words[first].start, words[index - 1].end
            first = None
