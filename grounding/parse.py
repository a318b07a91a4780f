"""A sentence as words, the findings it names, and the cues around them; no judgement yet."""

from __future__ import annotations

from dataclasses import dataclass

from grounding.lexicon import Kind, Meaning, book
from grounding.words import Word, words_of


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase of the lexicon at words[first:last], in one of its meanings."""

    first: int
    last: int
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Parsed:
    """Words, findings (`mentions`) and every other phrase (`cues`), each in the order of the text."""

    words: tuple[Word, ...]
    mentions: tuple[Cue, ...]
    cues: tuple[Cue, ...]

    def lower(self, first: int, last: int) -> list[str]:
        """The words [first, last) in lower case."""
        return [word.lower for word in self.words[first:last]]


def parse(text: str) -> Parsed:
    """The words and phrases of one sentence.

    >>> [cue.meaning.kind.value for cue in parse("No new nodule on the right.").cues]
    ['absent', 'side']
    """
    words = words_of(text)
    found = [Cue(match.first, match.last, meaning) for match in book().find(words) for meaning in match.value]
    mentions = tuple(cue for cue in found if cue.meaning.kind is Kind.FINDING)
    return Parsed(words, mentions, tuple(cue for cue in found if cue.meaning.kind is not Kind.FINDING))
