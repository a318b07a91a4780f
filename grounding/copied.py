"""Text that was copied forward: how much of a note stands word for word in an older one, and of a sentence in a note.

Shingles: every run of so many words, lower case, punctuation aside. A word is copied when it lies in a run that the
other text has too; the share is that of the words (Broder, "On the resemblance and containment of documents", 1997).
Copying is no fault of itself: "no pleural effusion" is written every day. A note that is mostly an older one says less
than it seems to, and a statement in the copied part is as old as its first writing.

Not here: texts that say the same in other words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
        note_id: of the newer note. source_note_id: of the older one that it has most runs of words from.
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
    words = {note_id: _bare(text) for note_id, text in notes.items()}
    runs = {note_id: frozenset(_runs(bare, NOTE_RUN)) for note_id, bare in words.items()}
    ids = list(notes)
    found: list[CopiedText] = []
    for age, note_id in enumerate(ids):
        source = max(ids[age + 1 :], key=lambda older: len(runs[note_id] & runs[older]), default=None)
        if source is not None and (copied := _copied(note_id, words[note_id], source, runs[source])).share >= LEAST:
            found.append(copied)
    return tuple(found)


def copied_share(text: str, notes: Mapping[str, str]) -> float:
    """The share of a sentence's words that stand in a note in the same order, four or more in a row, 0 to 1.

    A sentence of fewer words than that is copied where a note has all of it in a row. Side and size count like any
    other word: this asks where the words come from, not whether they are right.

    >>> copied_share("Nodule in the left upper zone, stable.", {"n1": "A nodule in the left upper zone. Follow-up."})
    0.8571428571428571
    """
    return copied_shares((text,), notes)[0]


def copied_shares(texts: Sequence[str], notes: Mapping[str, str]) -> tuple[float, ...]:
    """The same for each of several sentences; the notes are cut into words once."""
    sentences = [_bare(text) for text in texts]
    lengths = {min(SENTENCE_RUN, len(words)) for words in sentences} - {0}
    bare = [_bare(note) for note in notes.values()]
    known = {length: frozenset(run for words in bare for run in _runs(words, length)) for length in lengths}
    return tuple(_share_of(words, known) for words in sentences)


def _share_of(words: tuple[Word, ...], known: Mapping[int, frozenset[tuple[str, ...]]]) -> float:
    """Copied words among all words, by the runs that are as long as can be."""
    length = min(SENTENCE_RUN, len(words))
    return sum(_marked(words, known[length], length)) / len(words) if length else 0.0


def _copied(note_id: str, words: tuple[Word, ...], source_id: str, source: frozenset[tuple[str, ...]]) -> CopiedText:
    marked = _marked(words, source, NOTE_RUN)
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
