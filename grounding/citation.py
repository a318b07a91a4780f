"""Which span of which prior note a sentence leans on, verbatim.

Only a sentence that speaks of an earlier study, of a change or of history leans on a note; a plain observation has
no citation, even where a note says the same. The newest note that bears the sentence out is cited, by the whole
sentence or clause, so that the reader sees what was said and not a word torn out. Notes are data: what
in them addresses the reader-model ("ignore the image", `grounding.injection`) bears nothing out, and is never cited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from grounding.context import Mention, NoteSentence, Reading, read, read_note
from grounding.findings import Finding, related
from grounding.injection import injections
from grounding.lexicon import levels_of
from grounding.report import Citation, Laterality, Polarity, Progression
from grounding.words import word_set, words_of

RUN: Final = 4  # words in a row that make a sentence without a finding a quotation
ORGANS: Final = word_set(
    "lung breast colon rectum kidney prostate bladder thyroid skin liver pancreas stomach esophagus ovary uterus "
    "cervix testis brain bone larynx colorectal renal gastric ovarian cervical hepatic"
)
_CLAUSE: Final = re.compile(r";\s*|,\s+(?=(?:but|however|although|while|whereas)\b)", re.IGNORECASE)


def cite(text: str, *, notes: Mapping[str, str]) -> tuple[Citation, ...]:
    """The spans that a sentence leans on; empty when it leans on none.

    Args:
        text: one sentence of a draft or of a report.
        notes: text by note id, newest first, as `Case.notes` keeps them.

    >>> notes = {"n1": "Heart normal. Nodule in the left lower lobe."}
    >>> [citation.quote for citation in cite("Left lower zone nodule, stable.", notes=notes)]
    ['Nodule in the left lower lobe.']
    """
    reading = read(text)
    if reading.progression is Progression.NOT_COMPARABLE or not (reading.compares or reading.historical):
        return ()
    leaning = [mention for mention in reading.mentions if _leans(mention, reading)]
    found = [_for_mention(mention, reading.text, notes) for mention in leaning]
    if not leaning:
        found = [_for_words(reading, notes)]
    return tuple(dict.fromkeys(citation for citation in found if citation is not None))


def _leans(mention: Mention, reading: Reading) -> bool:
    if mention.finding is Finding.NO_FINDING:
        return False
    states_change = mention.progression is not Progression.NOT_STATED
    alone = len(reading.mentions) == 1
    return states_change or mention.historical or mention.family or alone


def _for_mention(mention: Mention, said: str, notes: Mapping[str, str]) -> Citation | None:
    organs = _organs(mention, said)
    for note_id, text in notes.items():
        told = [
            (start, end, _placed(other, reading))
            for start, end, reading in _clauses(text)
            for other in reading.mentions
            if not (organs and (named := _organs(other, text[start:end])) and not organs & named)
        ]
        graded = [(grade, -start, end) for start, end, other in told if (grade := _grade(mention, other)) > 0]
        if mention.progression is Progression.NEW and any(_bears_out(mention, other) for _, _, other in told):
            return None  # the note had seen it: nothing says that it is new
        for _, start, end in sorted(graded, reverse=True):
            if not _is_order(text[-start:end]):
                return Citation(note_id, -start, end, text[-start:end])
    return None


def _is_order(clause: str) -> bool:
    """Whether it tells the reader-model what to write: then it tells nothing of the patient."""
    return bool(injections({"note": clause}))


def _placed(mention: Mention, reading: Reading) -> Mention:
    """The mention, at its clause's side and place where it states none: "right opacity in keeping with a nodule"."""
    side = mention.laterality if mention.laterality is not Laterality.NOT_STATED else reading.laterality
    return replace(mention, laterality=side, locations=mention.locations or reading.locations)


def _organs(mention: Mention, text: str) -> frozenset[str]:
    """The organs a sentence on cancer names: a history of lung cancer does not lean on one of breast cancer."""
    if mention.finding is not Finding.MALIGNANCY:
        return frozenset()
    return ORGANS & {word.lower for word in words_of(text)}


def _grade(mention: Mention, told: Mention) -> int:
    """How well a mention in a note bears out a mention in a draft: 0 not at all, more is better."""
    if mention.family != told.family:
        return 0
    if mention.progression is Progression.NEW or _denies_news(mention):
        return _grade_of_absence(mention, told)
    if not _bears_out(mention, told):
        return 0
    exact = mention.finding is told.finding
    sided = mention.laterality is told.laterality and told.laterality is not Laterality.NOT_STATED
    placed = bool(_levels(mention) & _levels(told))
    return 1 + 4 * exact + 2 * sided + placed


def _denies_news(mention: Mention) -> bool:
    return mention.polarity is Polarity.ABSENT and mention.progression is Progression.NOT_STATED


def _grade_of_absence(mention: Mention, told: Mention) -> int:
    """What is new leans on the note that did not see it."""
    if told.finding is Finding.NO_FINDING:
        return 1
    if told.polarity is not Polarity.ABSENT or told.historical or not related(mention.finding, told.finding):
        return 0
    return 3 if mention.finding is told.finding else 2


def _bears_out(mention: Mention, told: Mention) -> bool:
    """Whether the note tells of the same thing, there and then, at a place that may be the same."""
    seen = told.polarity is not Polarity.ABSENT and told.family == mention.family
    return seen and related(mention.finding, told.finding) and _same_place(mention, told)


def _same_place(mention: Mention, told: Mention) -> bool:
    sides = {mention.laterality, told.laterality}
    if sides == {Laterality.LEFT, Laterality.RIGHT}:
        return False
    mine, theirs = _levels(mention), _levels(told)
    return not (mine and theirs) or bool(mine & theirs)


def _levels(mention: Mention) -> frozenset[str]:
    return frozenset(level for place in mention.locations for level in levels_of(place))


def _for_words(reading: Reading, notes: Mapping[str, str]) -> Citation | None:
    """For a sentence that names no finding: the clause of a note that it quotes word for word."""
    for note_id, text in notes.items():
        for start, end, _ in _clauses(text):
            if _longest_run(reading.text, text[start:end]) >= RUN and not _is_order(text[start:end]):
                return Citation(note_id, start, end, text[start:end])
    return None


def _longest_run(one: str, other: str) -> int:
    first, second = ([word.lower for word in words_of(text)] for text in (one, other))
    runs, longest = [0] * (len(second) + 1), 0
    for word in first:
        runs = [0] + [runs[index] + 1 if word == told else 0 for index, told in enumerate(second)]
        longest = max(longest, *runs)
    return longest


def _clauses(text: str) -> Iterator[tuple[int, int, Reading]]:
    """Start, end and reading of each clause of a note; a sentence of one clause is given whole."""
    for sentence in read_note(text):
        pieces = tuple(_pieces(text, sentence))
        for start, end in pieces:
            whole = len(pieces) == 1
            yield start, end, sentence.reading if whole else read(text[start:end], section=sentence.section)


def _pieces(text: str, sentence: NoteSentence) -> Iterable[tuple[int, int]]:
    start = sentence.start
    for cut in _CLAUSE.finditer(text, sentence.start, sentence.end):
        if cut.start() > start:
            yield start, cut.start()
        start = cut.end()
    if start < sentence.end:
        yield start, sentence.end
