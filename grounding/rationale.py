"""Why a drafted sentence stands there, in two lines of plain words, put together by rule from its measured evidence.

No model writes it, so it is always true to the evidence. What is not the case is not spoken of (no conflict, no broken
rule); what was not measured is said to be so, since silence would read as "all is well". Numbers stay out: they are
shown on demand beside it. Explanations that say more than was measured invite over-reliance (Bansal et al. 2021,
doi:10.1145/3411764.3445717), hence the plainness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from grounding.attribution import Attribution, EvidenceInput
from grounding.check import Rule, Violation
from grounding.confidence import Confidence, ConfidenceSet
from grounding.conflict import Conflict, ConflictKind
from grounding.redraft import RedraftChange, SentenceChange
from grounding.report import GroundedSentence

INPUT_WORDS: Final = {
    EvidenceInput.CURRENT_IMAGE: "the current image",
    EvidenceInput.PRIOR_IMAGE: "the prior image",
    EvidenceInput.PRIOR_REPORT: "the prior report",
    EvidenceInput.CLINICAL_NOTES: "the clinical notes",
    EvidenceInput.STRUCTURED_VALUES: "the lab and history values",
}
CONFLICT_WORDS: Final = {
    ConflictKind.POLARITY: "whether it is there",
    ConflictKind.LATERALITY: "the side",
    ConflictKind.PROGRESSION: "the change over time",
    ConflictKind.SIZE: "the size",
}
CHANGE_WORDS: Final = {
    RedraftChange.APPEARS: "it appears only then",
    RedraftChange.DISAPPEARS: "it is not drafted",
    RedraftChange.POLARITY: "it says otherwise whether it is there",
    RedraftChange.LATERALITY: "it names another side",
    RedraftChange.PROGRESSION: "it states another change over time",
    RedraftChange.LOCATION: "it names another place",
}
RULE_WORDS: Final = {
    Rule.BOX_MISSING: "it shows no box and does not say why",
    Rule.BOX_ON_ABSENT: "it boxes what it calls absent",
    Rule.BOX_ON_WRONG_SIDE: "its box lies on the other side",
    Rule.CITATION_NOT_VERBATIM: "its quote is not what the note says",
    Rule.COMPARISON_WITHOUT_PRIOR: "it compares without a prior",
    Rule.PRIOR_DENIED: "it says that there is no prior, and there is one",
    Rule.MEASUREMENT_WITHOUT_SOURCE: "its measurement stands nowhere",
    Rule.VIEW_NOT_ATTACHED: "it speaks of a view or an examination that the case has not",
    Rule.LEANS_WITHOUT_CITATION: "it leans on a note and cites none",
    Rule.FIELD_AGAINST_WORDS: "its fields and its words differ",
}
NOTES: Final = frozenset(
    {EvidenceInput.PRIOR_REPORT, EvidenceInput.CLINICAL_NOTES, EvidenceInput.STRUCTURED_VALUES}
)  # what is left out for the draft "without notes and values"
ALIKE: Final = 0.8  # a second input that gave this part of what the first gave is named beside it
NEGLIGIBLE: Final = 0.1  # nats that all inputs together moved a sentence: below it, shares would divide noise


class Weight(StrEnum):
    """An input's share of what moved a sentence, as a word; the lower bounds are in `BOUNDS`."""

    ALMOST_ALL = "almost all"
    MOST = "most"
    PART = "part"
    LITTLE = "little"
    NONE = "none"
    AGAINST = "against"


BOUNDS: Final = ((0.9, Weight.ALMOST_ALL), (0.6, Weight.MOST), (0.2, Weight.PART), (0.05, Weight.LITTLE))


@dataclass(frozen=True, slots=True)
class Rationale:
    """The two lines: what the sentence rests on, and how far it can be trusted."""

    rests_on: str
    trust: str


def rationale(
    sentence: GroundedSentence,
    *,
    attribution: Attribution | None,
    without_notes: Sequence[SentenceChange] | None,
    conflicts: Sequence[Conflict] | None,
    confidence: Confidence | None,
    violations: Sequence[Violation],
) -> Rationale:
    """The two lines on a sentence.

    Args:
        sentence: as drafted, for its citations.
        attribution: over the inputs; None where it was not measured.
        without_notes: how this sentence changes when notes and values are left out; None where that was not drafted.
        conflicts: that this sentence is in; None where they were not looked for.
        confidence: None where it was not measured.
        violations: of `grounding.check`, of this sentence.

    >>> nothing = rationale(GroundedSentence("Nodule."), attribution=None, without_notes=None, conflicts=None,
    ...     confidence=None, violations=())
    >>> print(nothing.rests_on)
    What drove it was not measured, nor what it would be without notes and values.
    >>> print(nothing.trust)
    Confidence not measured. Whether the image and the notes disagree was not measured.
    """
    trust = (*_confidence(confidence), *_conflict(conflicts), *_violation(violations))
    return Rationale("; ".join(_rests_on(sentence, attribution, without_notes)) + ".", " ".join(trust))


def shares(attribution: Attribution) -> tuple[float, ...]:
    """Each input's part of all that moved the sentence's probability, with its sign; zeros where next to nothing did.

    >>> inputs = (EvidenceInput.CURRENT_IMAGE, EvidenceInput.PRIOR_REPORT)
    >>> shares(Attribution(inputs, (3.0, -1.0), (3.0, -1.0), -1.0, -3.0, 4))
    (0.75, -0.25)
    >>> shares(Attribution(inputs, (0.03, 0.01), (0.0, 0.0), -2.96, -3.0, 4))
    (0.0, 0.0)
    """
    moved = sum(abs(value) for value in attribution.shapley)
    return tuple(value / moved if moved >= NEGLIGIBLE else 0.0 for value in attribution.shapley)


def weight(share: float) -> Weight:
    """The word for a share of `shares`; each bound belongs to its word.

    >>> [weight(share).value for share in (1.0, 0.9, 0.6, 0.2, 0.05, 0.0, -0.04, -0.05)]
    ['almost all', 'almost all', 'most', 'part', 'little', 'none', 'none', 'against']
    """
    if share <= -BOUNDS[-1][0]:
        return Weight.AGAINST
    return next((word for bound, word in BOUNDS if share >= bound), Weight.NONE)


def _rests_on(
    sentence: GroundedSentence, attribution: Attribution | None, changes: Sequence[SentenceChange] | None
) -> tuple[str, ...]:
    if attribution is None and changes is None:
        return ("What drove it was not measured, nor what it would be without notes and values", *_quotes(sentence))
    if attribution is None:
        return ("What drove it was not measured", *_quotes(sentence), *_without(changes))
    told = (*_drove(attribution), *_quotes(sentence))
    return (*told, *_without(changes)) if NOTES & set(attribution.inputs) else told


def _drove(attribution: Attribution) -> tuple[str, ...]:
    parts = dict(zip(attribution.inputs, shares(attribution), strict=True))
    if not any(parts.values()):
        return ("No input moved it by much",)
    against = [INPUT_WORDS[name] for name, share in parts.items() if weight(share) is Weight.AGAINST]
    speaks = "speaks" if len(against) == 1 else "speak"
    return (_leads(parts), *((f"{joined(against)} {speaks} against it",) if against else ()))


def _leads(parts: Mapping[EvidenceInput, float]) -> str:
    top = max(parts, key=parts.__getitem__)
    if parts[top] <= 0:
        return "No input made it more likely"
    if len(parts) == 1:
        return f"Rests on {INPUT_WORDS[top]}, the only input there is"
    beside = [INPUT_WORDS[name] for name, share in parts.items() if name is not top and share >= ALIKE * parts[top]]
    if beside:
        return f"Rests about equally on {joined([INPUT_WORDS[top], *beside])}"
    how = {Weight.ALMOST_ALL: "almost wholly on", Weight.MOST: "mostly on"}.get(weight(parts[top]))
    return f"Rests {how} {INPUT_WORDS[top]}" if how else f"Rests on {INPUT_WORDS[top]} more than on any other input"


def _quotes(sentence: GroundedSentence) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(citation.note_id for citation in sentence.citations))
    return (f"quotes {joined(names)}",) if names else ()


def _without(changes: Sequence[SentenceChange] | None) -> tuple[str, ...]:
    if changes is None:
        return ("what it would be without notes and values was not measured",)
    kinds = tuple(dict.fromkeys(CHANGE_WORDS[change.change] for change in changes))
    return (f"without notes and values {joined(kinds)}" if kinds else "unchanged without notes and values",)


def _confidence(confidence: Confidence | None) -> tuple[str, ...]:
    if confidence is None:
        return ("Confidence not measured.",)
    said = "No word for its confidence: not calibrated" if confidence.word is None else _capital(confidence.word)
    if confidence.missing:
        lacking = joined([name.replace("_", " ") for name in confidence.missing])
        return (f"{said}, but it leans on what was missing ({lacking}): it needs a look.",)
    look = "; by the written rule it needs a look" if confidence.needs is ConfidenceSet.REVIEW else ""
    return (f"{said}{look}.",)


def _conflict(conflicts: Sequence[Conflict] | None) -> tuple[str, ...]:
    if conflicts is None:
        return ("Whether the image and the notes disagree was not measured.",)
    about = tuple(dict.fromkeys(CONFLICT_WORDS[one.kind] for one in conflicts))
    return (f"The image and a note disagree on {joined(about)}.",) if about else ()


def _violation(violations: Sequence[Violation]) -> tuple[str, ...]:
    broken = tuple(dict.fromkeys(RULE_WORDS[one.rule] for one in violations))
    return (f"Breaks a written rule: {joined(broken)}.",) if broken else ()


def joined(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> joined(["n1", "n2", "n3"])
    'n1, n2 and n3'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
