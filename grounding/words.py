"""Words of a sentence with their character offsets, and a book of phrases that finds the longest known ones.

It works on words, not on letters: hyphens, slashes and runs of white space part words and nothing else, so
"air-space" and "air space" are the same phrase, and matching takes time linear in the text whatever it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")
_WORD: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?|[^\W\d_]+(?:['\u2019][^\W\d_]+)?|[,;:?]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a mark of punctuation: lower case, and `text[start:end]` of the sentence."""

    lower: str
    start: int
    end: int


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a text, in order.

    >>> [word.lower for word in words_of("Air-space opacity, 1.5 cm.")]
    ['air', 'space', 'opacity', ',', '1.5', 'cm']
    """
    found = _WORD.finditer(text)
    return tuple(Word(match[0].lower().replace("\u2019", "'"), match.start(), match.end()) for match in found)


def word_set(text: str) -> frozenset[str]:
    """The words of a closed list, written with spaces between them.

    >>> sorted(word_set("or nor"))
    ['nor', 'or']
    """
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A phrase of the book at words[first:last]."""

    first: int
    last: int
    value: T


@dataclass(frozen=True, slots=True)
class PhraseBook(Generic[T]):
    """Phrases and what each of them means; the longest phrase wins, and no word is read twice."""

    phrases: Mapping[str, T]
    _by_words: dict[tuple[str, ...], T] = field(init=False, repr=False)
    _longest: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the phrases by their words; two spellings of the same words are refused."""
        by_words: dict[tuple[str, ...], T] = {}
        longest: dict[str, int] = {}
        for phrase, value in self.phrases.items():
            key = tuple(word.lower for word in words_of(phrase))
            if not key or by_words.get(key, value) != value:
                msg = f"the phrase {phrase!r} is empty, or means two things: mend the data file"
                raise ValueError(msg)
            by_words[key] = value
            longest[key[0]] = max(len(key), longest.get(key[0], 0))
        object.__setattr__(self, "_by_words", by_words)
        object.__setattr__(self, "_longest", longest)

    def find(self, words: Sequence[Word]) -> tuple[Match[T], ...]:
        """The phrases that stand in these words, left to right, longest first.

        >>> book = PhraseBook({"no": 1, "no new": 2})
        >>> [match.value for match in book.find(words_of("No new nodule, no mass"))]
        [2, 1]
        """
        matches: list[Match[T]] = []
        position = 0
        while position < len(words):
            match = self._at(words, position)
            if match is not None:
                matches.append(match)
            position = position + 1 if match is None else match.last
        return tuple(matches)

    def _at(self, words: Sequence[Word], position: int) -> Match[T] | None:
        for length in range(self._longest.get(words[position].lower, 0), 0, -1):
            key = tuple(word.lower for word in words[position : position + length])
            if len(key) == length and key in self._by_words:
                return Match(position, position + length, self._by_words[key])
        return None
