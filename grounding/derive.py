"""From a phrase to a grounded sentence: what the model's grammar has no slot for is read from the model's own words.

Nothing here looks at the image or at a box: the side of a sentence is what its words say, even where its boxes lie
on the other side, so that `grounding.check` can see the contradiction.
"""

from __future__ import annotations

from collections.abc import Mapping

from grounding.citation import cite
from grounding.codecs.phrase import CodecError, Phrase
from grounding.context import Mention, Reading, read
from grounding.report import Citation, GroundedSentence, Laterality, Polarity, Progression, Section
from grounding.side import side_of

__all__ = ["derive_sentence", "side_of"]


def derive_sentence(
    phrase: Phrase, *, notes: Mapping[str, str], section: Section = Section.FINDINGS
) -> GroundedSentence:
    """The phrase with finding, polarity, side, place, change and citations, each derived by rule.

    Args:
        phrase: words and boxes (original frame) as a codec gave them.
        notes: text of the case's prior notes by id, newest first; empty when there are none.
        section: of the report; a statement of history stands under history wherever the model put it.

    Returns:
        A sentence whose `derived` names every field that a rule filled in.

    Raises:
        CodecError: the words say that the finding is not there, and yet boxes show it: no such sentence exists.

    >>> sentence = derive_sentence(Phrase("Mass in the left upper zone."), notes={})
    >>> sentence.finding, sentence.laterality.value, sentence.location, sentence.groundable
    ('mass', 'left', 'upper zone', True)
    >>> derive_sentence(Phrase("History of lung cancer."), notes={}).section.value
    'history'
    """
    reading = read(phrase.text)
    about = reading.primary
    _refuse_boxed_absence(about, phrase)
    citations = cite(phrase.text, notes=notes)
    return GroundedSentence(
        phrase.text,
        section=Section.HISTORY if _is_history(about) else section,
        finding=None if about is None else about.finding.value,
        polarity=Polarity.PRESENT if about is None else about.polarity,
        laterality=_laterality(about, reading),
        location=_location(about, reading),
        progression=_progression(about, reading),
        groundable=about is not None and about.groundable,
        boxes=phrase.boxes,
        citations=citations,
        derived=_derived(about, reading, citations),
    )


def _refuse_boxed_absence(about: Mention | None, phrase: Phrase) -> None:
    if about is not None and about.polarity is Polarity.ABSENT and phrase.boxes:
        msg = f"{len(phrase.boxes)} boxes on an absent {about.finding.value}: the answer contradicts itself"
        raise CodecError(msg, raw=phrase.text)


def _is_history(about: Mention | None) -> bool:
    return about is not None and (about.historical or about.family)


def _laterality(about: Mention | None, reading: Reading) -> Laterality:
    return reading.laterality if about is None else about.laterality


def _location(about: Mention | None, reading: Reading) -> str | None:
    places = reading.locations if about is None else about.locations
    return ", ".join(places) or None


def _progression(about: Mention | None, reading: Reading) -> Progression:
    if about is None or about.progression is Progression.NOT_STATED:
        return reading.progression if about is None or _not_comparable(reading) else Progression.NOT_STATED
    return about.progression


def _not_comparable(reading: Reading) -> bool:
    return reading.progression is Progression.NOT_COMPARABLE


def _derived(about: Mention | None, reading: Reading, citations: tuple[Citation, ...]) -> tuple[str, ...]:
    filled = {
        "section": _is_history(about),
        "finding": about is not None,
        "polarity": about is not None,
        "laterality": _laterality(about, reading) is not Laterality.NOT_STATED,
        "location": _location(about, reading) is not None,
        "progression": _progression(about, reading) is not Progression.NOT_STATED,
        "groundable": about is not None,
        "citations": bool(citations),
    }
    return tuple(name for name, is_filled in filled.items() if is_filled)
