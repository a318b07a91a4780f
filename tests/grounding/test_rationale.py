"""The two lines beside a sentence: true to every fact that was measured, silent on what is not the case."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from grounding.attribution import Attribution, EvidenceInput
from grounding.check import Rule, Violation
from grounding.confidence import Confidence, ConfidenceSet
from grounding.conflict import Conflict, ConflictKind
from grounding.rationale import CHANGE_WORDS, CONFLICT_WORDS, INPUT_WORDS, RULE_WORDS, Rationale, rationale
from grounding.redraft import RedraftChange, SentenceChange
from grounding.report import Citation, GroundedSentence

IMAGE, PRIOR, REPORT, NOTES, VALUES = EvidenceInput
NODULE = GroundedSentence("Nodule in the left upper zone, unchanged.", finding="nodule")
QUOTING = replace(NODULE, citations=(Citation("n1", 0, 6, "Nodule"),))
SURE = Confidence(1.0, "yes_no", 0.8, "fit", ConfidenceSet.ACCEPT)
FACTS = {"attribution": None, "without_notes": None, "conflicts": (), "confidence": SURE, "violations": ()}


def moved(**nats: float) -> Attribution:
    """An attribution in which these inputs are present, each of them with these nats."""
    inputs = tuple(name for name in EvidenceInput if name.value in nats)
    values = tuple(float(nats[name.value]) for name in inputs)
    return Attribution(inputs, values, values, full=sum(values) - 9.0, empty=-9.0, coalitions=2 ** len(inputs))


def lines(sentence: GroundedSentence = NODULE, **facts: object) -> Rationale:
    return rationale(sentence, **{**FACTS, **facts})


def changed(change: RedraftChange) -> SentenceChange:
    after = None if change is RedraftChange.DISAPPEARS else "Nodule, new."
    return SentenceChange(change, 0, NODULE.text, after)


@pytest.mark.parametrize(
    ("nats", "words"),
    [
        # one input and nothing beside it
        ({"current_image": 4.0}, "Rests on the current image, the only input there is."),
        # 95 of 100
        ({"current_image": 9.5, "prior_report": 0.5}, "Rests almost wholly on the current image."),
        # 7 of 10: the two are not alike, since 3 is less than 0.8 of 7
        ({"current_image": 3.0, "prior_report": 7.0}, "Rests mostly on the prior report."),
        # 4 of 10 beside 3 and 3: none of those reaches 0.8 of 4
        (
            {"current_image": 3.0, "clinical_notes": 4.0, "structured_values": 3.0},
            "Rests on the clinical notes more than on any other input.",
        ),
        # 4.5 beside 4.0: neither drove it alone
        (
            {"current_image": 4.5, "clinical_notes": 4.0, "structured_values": 1.5},
            "Rests about equally on the current image and the clinical notes.",
        ),
        # an exact tie
        (
            {"prior_image": 2.0, "structured_values": 2.0},
            "Rests about equally on the prior image and the lab and history values.",
        ),
        # what speaks against it is named: 1 of 10
        (
            {"current_image": 9.0, "prior_report": -1.0},
            "Rests almost wholly on the current image; the prior report speaks against it.",
        ),
        # 4 of 104 the other way is no word worth
        ({"current_image": 10.0, "prior_report": -0.4}, "Rests almost wholly on the current image."),
        # every input makes it less likely
        (
            {"current_image": -3.0, "prior_report": -1.0},
            "No input made it more likely; the current image and the prior report speak against it.",
        ),
        # less than a tenth of a nat in all: shares of noise are not told
        ({"current_image": 0.05, "prior_report": 0.01}, "No input moved it by much."),
        ({"current_image": 0.0, "prior_report": 0.0}, "No input moved it by much."),
    ],
)
def test_what_drove_it(nats, words):
    said = lines(attribution=moved(**nats), without_notes=()).rests_on
    assert said.replace("; unchanged without notes and values.", ".") == words


def test_without_any_input_nothing_is_said_to_have_driven_it():
    assert lines(attribution=moved()).rests_on == "No input moved it by much."


@pytest.mark.parametrize(
    ("attribution", "changes", "words"),
    [
        # neither was measured: said once
        (None, None, "What drove it was not measured, nor what it would be without notes and values."),
        # one of the two
        (None, (), "What drove it was not measured; unchanged without notes and values."),
        (
            moved(current_image=1.0, prior_report=9.0),
            None,
            "Rests almost wholly on the prior report; what it would be without notes and values was not measured.",
        ),
        # there are no notes that could be left out: not a gap, so no word
        (moved(current_image=1.0), None, "Rests on the current image, the only input there is."),
        (moved(current_image=1.0), (), "Rests on the current image, the only input there is."),
    ],
)
def test_what_was_not_measured_is_said_and_what_cannot_be_is_not(attribution, changes, words):
    assert lines(attribution=attribution, without_notes=changes).rests_on == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (RedraftChange.DISAPPEARS, "; without notes and values it is not drafted."),
        (RedraftChange.POLARITY, "; without notes and values it says otherwise whether it is there."),
        (RedraftChange.LATERALITY, "; without notes and values it names another side."),
        (RedraftChange.PROGRESSION, "; without notes and values it states another change over time."),
        (RedraftChange.LOCATION, "; without notes and values it names another place."),
    ],
)
def test_what_it_would_be_without_the_notes(change, words):
    said = lines(attribution=moved(prior_report=1.0), without_notes=(changed(change),)).rests_on
    assert said.endswith(words)


def test_two_changes_are_one_sentence():
    both = (changed(RedraftChange.LATERALITY), changed(RedraftChange.PROGRESSION))
    said = lines(attribution=moved(prior_report=1.0), without_notes=both).rests_on
    assert said.endswith("without notes and values it names another side and it states another change over time.")


@pytest.mark.parametrize(
    ("ids", "words"),
    [((), ""), (("n1",), "; quotes n1"), (("n1", "n2", "n1"), "; quotes n1 and n2")],
)
def test_a_quote_is_named_only_where_there_is_one(ids, words):
    sentence = replace(NODULE, citations=tuple(Citation(name, 0, 6, "Nodule") for name in ids))
    assert lines(sentence, attribution=moved(current_image=1.0)).rests_on == (
        f"Rests on the current image, the only input there is{words}."
    )


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (SURE, "Likely."),
        # the rule picks it
        (
            replace(SURE, calibrated=0.4, needs=ConfidenceSet.REVIEW),
            "Possible; by the written rule it needs a look.",
        ),
        # missing input, not signal: that is what is said
        (
            replace(SURE, needs=ConfidenceSet.REVIEW, missing=("prior_notes",)),
            "Likely, but it leans on what was missing (prior notes): it needs a look.",
        ),
        # a score without a calibrator is no probability, and gets no word
        (
            Confidence(3.2, "log_probability", None, None, None),
            "No word for its confidence: not calibrated.",
        ),
        (None, "Confidence not measured."),
    ],
)
def test_how_sure(confidence, words):
    assert lines(confidence=confidence).trust == words


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ((), ""),  # looked for and not there: no word
        ((ConflictKind.POLARITY,), " The image and a note disagree on whether it is there."),
        ((ConflictKind.LATERALITY,), " The image and a note disagree on the side."),
        (
            (ConflictKind.PROGRESSION, ConflictKind.SIZE, ConflictKind.SIZE),
            " The image and a note disagree on the change over time and the size.",
        ),
    ],
)
def test_conflicts(kinds, words):
    found = tuple(Conflict(kind, 0, "Right nodule.", "Left nodule.", None) for kind in kinds)
    assert lines(conflicts=found).trust == f"Likely.{words}"


def test_conflicts_that_nobody_looked_for_are_said_to_be_unknown():
    assert lines(conflicts=None).trust.endswith("Whether the image and the notes disagree was not measured.")


def test_broken_rules_are_told_once_each():
    found = (
        Violation(Rule.COMPARISON_WITHOUT_PRIOR, 0, "m"),
        Violation(Rule.BOX_MISSING, 0, "m"),
        Violation(Rule.BOX_MISSING, 0, "m"),
    )
    assert lines(violations=found).trust == (
        "Likely. Breaks a written rule: it compares without a prior and it shows no box and does not say why."
    )


@pytest.mark.parametrize(
    ("table", "vocabulary"),
    [(INPUT_WORDS, EvidenceInput), (CONFLICT_WORDS, ConflictKind), (CHANGE_WORDS, RedraftChange), (RULE_WORDS, Rule)],
)
def test_every_code_has_its_own_words(table, vocabulary):
    assert set(table) == set(vocabulary)
    assert len(set(table.values())) == len(vocabulary)


@given(some.lists(some.floats(-20, 20), min_size=5, max_size=5))
def test_the_lines_name_only_inputs_that_moved_it_and_hold_no_number(nats):
    names = [name.value for name in EvidenceInput]
    attribution = moved(**dict(zip(names, nats, strict=True)))
    said = lines(attribution=attribution, without_notes=()).rests_on
    assert not any(character.isdigit() for character in said)
    rests, _, rest = said.partition("; ")
    against = rest.partition("speak")[0] if "against" in rest else ""
    for name, value in zip(attribution.inputs, nats, strict=True):
        assert INPUT_WORDS[name] not in rests or value > 0
        assert INPUT_WORDS[name] not in against or value < 0
    if max(nats) > 0.1:
        assert INPUT_WORDS[attribution.top] in rests
