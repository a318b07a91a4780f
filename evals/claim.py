"""A claim of a report: a finding, there or not, on which side; and whether other claims bear it out.

A surrogate for logical entailment, not entailment: a deterministic match of finding, polarity and laterality, without
a language model (RadFact asks one of 70 billion parameters). It has a direction, as entailment has: "right effusion"
bears out "effusion", and not the reverse; "no effusion" bears out "no right effusion", and not the reverse. A hedged
claim neither bears out nor is borne out; it is counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grounding.box import Box
from grounding.context import Mention, read
from grounding.findings import Finding, related, vocabulary
from grounding.report import GroundedReport, GroundedSentence, Laterality, Polarity, Progression, Section

RULE = (
    "surrogate of RadFact's logical entailment: deterministic match of finding (by group of the vocabulary), polarity "
    "and laterality; no language model"
)
ONE_SIDE = (Laterality.LEFT, Laterality.RIGHT)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a report says, or what is true, of one finding.

    Attributes:
        finding: NO_FINDING with polarity ABSENT claims that nothing is there at all.
        laterality: None where the truth does not know it.
        progression: None where the truth does not know it.
        boxes: in the original frame.
    """

    finding: Finding
    polarity: Polarity
    laterality: Laterality | None = Laterality.NOT_STATED
    progression: Progression | None = Progression.NOT_STATED
    section: Section = Section.FINDINGS
    boxes: tuple[Box, ...] = ()


def claims_of(report: GroundedReport) -> tuple[Claim, ...]:
    """Every claim of a report about the image, in order."""
    return tuple(claim for sentence in report.sentences for claim in claims_in(sentence))


def claims_in(sentence: GroundedSentence) -> tuple[Claim, ...]:
    """The claims of one sentence; findings of one group count once, history is no claim about the image."""
    found: dict[tuple[str, Polarity, Laterality], Claim] = {}
    for mention in read(sentence.text).mentions:
        if not mention.historical and not mention.family:
            key = (vocabulary()[mention.finding].group, mention.polarity, mention.laterality)
            found.setdefault(key, _claim(mention, sentence))
    return tuple(found.values())


def _claim(mention: Mention, sentence: GroundedSentence) -> Claim:
    nothing = mention.finding is Finding.NO_FINDING and mention.polarity is Polarity.PRESENT
    return Claim(
        mention.finding,
        Polarity.ABSENT if nothing else mention.polarity,
        mention.laterality,
        mention.progression,
        sentence.section,
        sentence.boxes if mention.groundable else (),
    )


def bearing_out(claim: Claim, evidence: Sequence[Claim]) -> tuple[Claim, ...]:
    """The claims of the evidence that bear this one out; none where something in it speaks against.

    >>> right = Claim(Finding.EFFUSION, Polarity.PRESENT, Laterality.RIGHT)
    >>> unsided = Claim(Finding.EFFUSION, Polarity.PRESENT)
    >>> len(bearing_out(unsided, [right])), len(bearing_out(right, [unsided]))
    (1, 0)
    """
    if claim.polarity is Polarity.PRESENT:
        return _present(claim, [one for one in evidence if one.polarity is Polarity.PRESENT])
    if claim.polarity is Polarity.ABSENT:
        return _absent(claim, evidence)
    return ()


def _present(claim: Claim, evidence: Sequence[Claim]) -> tuple[Claim, ...]:
    same = [one for one in evidence if related(one.finding, claim.finding)]
    if claim.laterality is Laterality.BILATERAL:
        sides = {one.laterality for one in same}
        both = sides >= set(ONE_SIDE) or sides & {Laterality.BILATERAL, None}
        return tuple(one for one in same if both and one.laterality is not Laterality.NOT_STATED)
    return tuple(one for one in same if _sides(claim.laterality, one.laterality))


def _sides(claim: Laterality | None, evidence: Laterality | None) -> bool:
    """Whether something on the evidence's side is on the claim's side; what is not known is not held against it."""
    if claim in (None, Laterality.NOT_STATED) or evidence is None or claim is evidence:
        return True
    return evidence is Laterality.BILATERAL and claim in ONE_SIDE


def _absent(claim: Claim, evidence: Sequence[Claim]) -> tuple[Claim, ...]:
    present = [one for one in evidence if one.polarity is Polarity.PRESENT]
    if any(_contradicts(one, claim) for one in present):
        return ()
    absent = [one for one in evidence if one.polarity is Polarity.ABSENT]
    return tuple(one for one in absent if _covers(one, claim))


def _contradicts(present: Claim, claim: Claim) -> bool:
    if claim.finding is Finding.NO_FINDING:
        return True
    overlap = claim.laterality not in ONE_SIDE or present.laterality not in ONE_SIDE
    return related(present.finding, claim.finding) and (overlap or present.laterality is claim.laterality)


def _covers(absent: Claim, claim: Claim) -> bool:
    """Whether an absence reaches as far as the claimed one."""
    everywhere = absent.laterality in (None, Laterality.NOT_STATED, Laterality.BILATERAL)
    reaches = everywhere or absent.laterality is claim.laterality
    return reaches and (absent.finding is Finding.NO_FINDING or related(absent.finding, claim.finding))


_CHANGES = {
    Progression.NEW: ", new",
    Progression.WORSE: ", larger than before",
    Progression.IMPROVED: ", smaller than before",
    Progression.STABLE: ", unchanged",
}


def sentence_of(claim: Claim) -> GroundedSentence:
    """A true claim in words, for formats that hold sentences.

    >>> sentence_of(Claim(Finding.NODULE, Polarity.PRESENT, Laterality.LEFT, Progression.NEW)).text
    'Left nodule, new.'
    """
    name = "abnormality" if claim.finding is Finding.NO_FINDING else vocabulary()[claim.finding].aliases[0]
    side = claim.laterality if claim.laterality not in (None, Laterality.NOT_STATED) else None
    where = f"{side.value} " if side else ""
    if claim.progression is Progression.RESOLVED:
        text = f"the {where}{name} described before is no longer seen."
    elif claim.polarity is Polarity.ABSENT:
        text = f"no {where}{name}."
    else:
        change = _CHANGES.get(claim.progression, "") if claim.progression else ""
        text = f"{where}{name}{change}."
    return GroundedSentence(
        text[0].upper() + text[1:],
        section=claim.section,
        finding=claim.finding.value,
        polarity=claim.polarity,
        laterality=claim.laterality or Laterality.NOT_STATED,
        progression=claim.progression or Progression.NOT_STATED,
        groundable=vocabulary()[claim.finding].groundable and claim.polarity is not Polarity.ABSENT,
        boxes=claim.boxes,
    )


__all__ = ["RULE", "Claim", "bearing_out", "claims_in", "claims_of", "sentence_of"]
