"""Which findings a sentence states, in the terms in which a written rule names the critical ones.

A rule says "pneumothorax", or "large effusion" where only the large one is critical: a code of `grounding.findings`,
with one of the size words before it where need be. Which of them are critical is for the protocol to say
(`cases.protocol`), after for example the list of actionable findings of the ACR (Larson PA et al., J Am Coll Radiol
2014;11:552-558). Not here: what the image shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grounding.context import read
from grounding.findings import Finding
from grounding.report import GroundedReport, GroundedSentence, Polarity, Section
from grounding.triggers import Fact, FactName
from grounding.words import words_of

SIZE_WORDS: Final = ("small", "moderate", "large", "massive", "tension")
_SAME: Final = {"big": "large", "sizeable": "large", "sizable": "large", "extensive": "large", "huge": "massive"}
_VALUE: Final = {Polarity.PRESENT: 1.0, Polarity.UNCERTAIN: 0.5}


def is_detail(text: str) -> bool:
    """Whether a rule can name this: a finding's code, alone or after one size word.

    >>> is_detail("pneumothorax"), is_detail("large effusion"), is_detail("collapsed lung")
    (True, True, False)
    """
    size, gap, code = text.rpartition(" ")
    return code in set(Finding) and (not gap or size in SIZE_WORDS)


def critical_facts(report: GroundedReport) -> tuple[Fact, ...]:
    """Every finding that a sentence states, present or unsure, with and without its size; history is left out.

    >>> report = GroundedReport((GroundedSentence("Large right pleural effusion.", finding="effusion"),))
    >>> [(fact.detail, fact.value) for fact in critical_facts(report)]
    [('effusion', 1.0), ('large effusion', 1.0)]
    """
    return tuple(
        Fact(FactName.CRITICAL_FINDING, value, index, detail)
        for index, sentence in enumerate(report.sentences)
        if sentence.section is not Section.HISTORY
        for detail, value in _details(sentence).items()
    )


def _details(sentence: GroundedSentence) -> dict[str, float]:
    """Detail to value; a finding that stands twice counts by its surer statement."""
    found: dict[str, float] = {}
    for code, polarity in _stated(sentence):
        value = _VALUE.get(polarity)
        if value is None or code == Finding.NO_FINDING:
            continue
        for detail in (code, *(f"{size} {code}" for size in _sizes(sentence.text))):
            found[detail] = max(value, found.get(detail, 0.0))
    return found


def _stated(sentence: GroundedSentence) -> Iterator[tuple[str, Polarity]]:
    """By the sentence's own field, and by its words, which may name more than one finding."""
    if sentence.finding is not None:
        yield sentence.finding, sentence.polarity
    for mention in read(sentence.text).mentions:
        if not (mention.historical or mention.family):
            yield mention.finding.value, mention.polarity


def _sizes(text: str) -> tuple[str, ...]:
    words = (word.lower for word in words_of(text))
    return tuple(dict.fromkeys(size for word in words if (size := _SAME.get(word, word)) in SIZE_WORDS))
