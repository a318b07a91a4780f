"""What a report must not do, as rules with ids: pure, deterministic, and blind to the image.

It finds what contradicts the words, the boxes or the notes; it does not say whether a finding is there. A violation
is shown to the reader, it never edits a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from grounding.context import Reading, read
from grounding.measurement import sizes_mm
from grounding.report import GroundedReport, GroundedSentence, Laterality, Polarity, Progression
from grounding.side import contradicts, side_of
from grounding.views import views_in, views_named
from grounding.words import words_of


class Rule(StrEnum):
    """The rules' ids; a rule that comes to mean something else gets a new version."""

    BOX_MISSING = "box-missing@1"
    BOX_ON_ABSENT = "box-on-absent@1"
    BOX_ON_WRONG_SIDE = "box-on-wrong-side@1"
    CITATION_NOT_VERBATIM = "citation-not-verbatim@1"
    COMPARISON_WITHOUT_PRIOR = "comparison-without-prior@1"
    PRIOR_DENIED = "prior-denied@1"
    MEASUREMENT_WITHOUT_SOURCE = "measurement-without-source@1"
    VIEW_NOT_ATTACHED = "view-not-attached@1"
    LEANS_WITHOUT_CITATION = "leans-without-citation@1"
    FIELD_AGAINST_WORDS = "field-against-words@1"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a sentence breaks.

    Attributes:
        sentence: its index in the report.
        message: rule, value and way out in words; quotes no note and no sentence.
    """

    rule: Rule
    sentence: int
    message: str


@dataclass(frozen=True, slots=True)
class _Checked:
    """One sentence with all that a rule may look at."""

    sentence: GroundedSentence
    reading: Reading
    notes: Mapping[str, str]
    note_sizes: frozenset[float]
    note_views: frozenset[str]
    has_prior: bool
    has_prior_image: bool | None
    limitations: tuple[str, ...]


REASONS: Final = (  # words by which a sentence says why it shows no box
    "not localized",
    "not localised",
    "cannot be localized",
    "cannot be localised",
    "not shown by a box",
    "outside the field",
    "outside the image",
    "not included",
    "diffuse",
    "diffusely",
    "throughout",
    "too large to box",
)


PRIOR_IMAGES: Final = ("prior image", "previous image", "earlier image", "prior radiograph", "prior film")


def violations(
    report: GroundedReport, *, notes: Mapping[str, str], has_prior: bool, has_prior_image: bool | None = None
) -> tuple[Violation, ...]:
    """Every rule that a sentence of the report breaks, in the order of the sentences, then of the rules.

    Args:
        report: of a draft, or as signed.
        notes: text of the case's prior notes by id.
        has_prior: whether the model was given any prior (a note, a report or an image).
        has_prior_image: whether one of them is an image; None where the caller does not know.

    >>> from grounding.report import GroundedSentence
    >>> report = GroundedReport((GroundedSentence("Nodule, new.", finding="nodule", groundable=True),))
    >>> [found.rule.value for found in violations(report, notes={}, has_prior=False)]
    ['box-missing@1', 'comparison-without-prior@1']
    """
    sizes = frozenset(size for text in notes.values() for size in sizes_mm(text))
    views = frozenset(view for text in notes.values() for view in views_named(text))
    checked = (
        _Checked(one, read(one.text), notes, sizes, views, has_prior, has_prior_image, report.limitations)
        for one in report.sentences
    )
    return tuple(Violation(rule, index, message) for index, one in enumerate(checked) for rule, message in _broken(one))


def _broken(checked: _Checked) -> Iterator[tuple[Rule, str]]:
    for rule, broken in RULES:
        message = broken(checked)
        if message is not None:
            yield rule, message


def _box_missing(checked: _Checked) -> str | None:
    sentence = checked.sentence
    if sentence.boxes or not sentence.groundable or sentence.polarity is not Polarity.PRESENT:
        return None
    if _says_why(checked):
        return None
    return f"a {sentence.finding or 'finding'} that is there shows no box: add one, or say why there is none"


def _says_why(checked: _Checked) -> bool:
    words = f" {' '.join(word.lower for word in words_of(checked.sentence.text))} "
    if any(f" {reason} " in words for reason in REASONS):
        return True
    named = checked.sentence.finding
    said = {mention.finding.value for text in checked.limitations for mention in read(text).mentions}
    return named is not None and named in said


def _box_on_absent(checked: _Checked) -> str | None:
    about = checked.reading.primary
    if not checked.sentence.boxes or about is None or about.polarity is not Polarity.ABSENT:
        return None
    count = len(checked.sentence.boxes)
    return f"{count} boxes show a {about.finding.value} that the words say is absent: drop them, or reword"


def _box_on_wrong_side(checked: _Checked) -> str | None:
    sentence, about = checked.sentence, checked.reading.primary
    stated = checked.reading.laterality if about is None else about.laterality
    if not contradicts(stated, sentence.boxes):
        return None
    sides = ", ".join(side_of(box).value for box in sentence.boxes)
    return f"the words say {stated.value} and the boxes lie {sides} (patient's side): move a box, or correct the side"


def _citation_not_verbatim(checked: _Checked) -> str | None:
    for citation in checked.sentence.citations:
        text = checked.notes.get(citation.note_id)
        if text is None:
            return "a citation names a note that the case has not: cite one of its notes"
        if not citation.stands_in(text):
            return f"characters {citation.start} to {citation.end} of the note are not the quote: cite verbatim"
    return None


def _comparison_without_prior(checked: _Checked) -> str | None:
    silent = {Progression.NOT_STATED, Progression.NOT_COMPARABLE}
    change = checked.sentence.progression
    if checked.has_prior or not (checked.reading.compares or change not in silent):
        return None
    return f"it compares ({change.value}) and there is no prior: drop the comparison, or add the prior"


def _prior_denied(checked: _Checked) -> str | None:
    if not checked.has_prior or checked.reading.progression is not Progression.NOT_COMPARABLE:
        return None
    if not checked.notes and "report" in {word.lower for word in words_of(checked.sentence.text)}:
        return None  # there is an earlier image and no earlier report: so it says
    return "it says that there is no prior and there is one: compare with it, or say why not"


def _measurement_without_source(checked: _Checked) -> str | None:
    unknown = [size for size in checked.reading.sizes_mm if size not in checked.note_sizes]
    if not unknown:
        return None
    return f"{unknown[0]:g} mm stands in no note and was measured by nobody: measure it, or leave it out"


def _view_not_attached(checked: _Checked) -> str | None:
    named = views_in(checked.sentence.text)
    if checked.has_prior_image is False and _speaks_of_prior_image(checked):
        return "it speaks of a prior image and the case has none: drop it, or add the image"
    missing = sorted(named - checked.note_views)
    if not missing:
        return None
    return f"it speaks of a {missing[0]} that the case has not: drop it, or cite the note that tells of it"


def _speaks_of_prior_image(checked: _Checked) -> bool:
    words = f" {' '.join(word.lower for word in words_of(checked.sentence.text))} "
    return checked.reading.compares and any(f" {name} " in words for name in PRIOR_IMAGES)


def _leans_without_citation(checked: _Checked) -> str | None:
    """What leans on a report says where it stands there: a sentence that names one and cites nothing is on its own."""
    words = {word.lower for word in words_of(checked.sentence.text)}
    silent = checked.sentence.progression in (Progression.NEW, Progression.NOT_COMPARABLE)
    if not checked.notes or checked.sentence.citations or silent or not ({"report", "note"} & words):
        return None
    if not checked.reading.compares:
        return None
    return "it leans on a report or note and cites none of its words: cite the span, or drop what leans on it"


def _field_against_words(checked: _Checked) -> str | None:
    sentence, mentions = checked.sentence, checked.reading.mentions
    if not mentions or sentence.finding is None:
        return None
    told = next((mention for mention in mentions if mention.finding.value == sentence.finding), None)
    if told is None:
        return f"finding is {sentence.finding} and the words name {mentions[0].finding}: correct one of them"
    if sentence.polarity is not told.polarity:
        return f"polarity is {sentence.polarity} and the words say {told.polarity}: correct one of them"
    sides = {sentence.laterality, told.laterality}
    if len(sides) > 1 and Laterality.NOT_STATED not in sides:
        return f"laterality is {sentence.laterality} and the words say {told.laterality}: correct one of them"
    return None


RULES: Final[tuple[tuple[Rule, Callable[[_Checked], str | None]], ...]] = (
    (Rule.BOX_MISSING, _box_missing),
    (Rule.BOX_ON_ABSENT, _box_on_absent),
    (Rule.BOX_ON_WRONG_SIDE, _box_on_wrong_side),
    (Rule.CITATION_NOT_VERBATIM, _citation_not_verbatim),
    (Rule.COMPARISON_WITHOUT_PRIOR, _comparison_without_prior),
    (Rule.PRIOR_DENIED, _prior_denied),
    (Rule.MEASUREMENT_WITHOUT_SOURCE, _measurement_without_source),
    (Rule.VIEW_NOT_ATTACHED, _view_not_attached),
    (Rule.LEANS_WITHOUT_CITATION, _leans_without_citation),
    (Rule.FIELD_AGAINST_WORDS, _field_against_words),
)
