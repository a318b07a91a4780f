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
    """Words (also in lower case), findings (`mentions`) and all other phrases (`cues`), each in text order."""

    words: tuple[Word, ...]
    lowered: tuple[str, ...]
    mentions: tuple[Cue, ...]
    cues: tuple[Cue, ...]


def parse(text: str) -> Parsed:
    """The words and phrases of one sentence.

    >>> [cue.meaning.kind.value for cue in parse("No new nodule on the right.").cues]
    ['absent', 'side']
    """
    words = words_of(text)
    found = [Cue(match.first, match.last, meaning) for match in book().find(words) for meaning in match.value]
    mentions = tuple(cue for cue in found if cue.meaning.kind is Kind.FINDING)
    cues = tuple(cue for cue in found if cue.meaning.kind is not Kind.FINDING)
    return Parsed(words, tuple(word.lower for word in words), mentions, cues)
