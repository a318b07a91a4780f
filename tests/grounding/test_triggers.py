"""Facts to triggers: which rules fire, on which sentence, with which value; and which findings a sentence states."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.critical import critical_facts, is_detail
from grounding.report import GroundedReport, GroundedSentence, Polarity, Section
from grounding.triggers import Action, Comparison, Fact, FactName, Trigger, TriggerRule, strongest, triggered


def rule(rule_id="r", **changes):
    given = {
        "version": 3,
        "fact": FactName.LOW_CONFIDENCE,
        "comparison": Comparison.BELOW,
        "threshold": 0.5,
        "action": Action.SECONDARY_REVIEW,
        "reason": "It is not sure.",
    }
    return TriggerRule(rule_id, **{**given, **changes})


@pytest.mark.parametrize(
    ("comparison", "fires"),
    [  # on 0.4, 0.5 and 0.6 against 0.5: the edge belongs to at_most and at_least
        (Comparison.BELOW, [True, False, False]),
        (Comparison.AT_MOST, [True, True, False]),
        (Comparison.AT_LEAST, [False, True, True]),
        (Comparison.ABOVE, [False, False, True]),
    ],
)
def test_a_rule_fires_on_its_side_of_the_threshold(comparison, fires):
    facts = [Fact(FactName.LOW_CONFIDENCE, value) for value in (0.4, 0.5, 0.6)]
    assert [bool(triggered([fact], [rule(comparison=comparison)])) for fact in facts] == fires


def test_a_trigger_keeps_its_rule_as_it_was_and_the_value():
    (found,) = triggered([Fact(FactName.LOW_CONFIDENCE, 0.25, 2, "why")], [rule("low")])
    assert found == Trigger(
        "low",
        3,
        Action.SECONDARY_REVIEW,
        "It is not sure.",
        FactName.LOW_CONFIDENCE,
        0.25,
        Comparison.BELOW,
        0.5,
        2,
        "why",
    )


def test_a_rule_is_about_one_fact_and_the_details_it_names():
    sides = rule("side", fact=FactName.CONFLICT, comparison=Comparison.AT_LEAST, threshold=1.0, only=("laterality",))
    facts = [
        Fact(FactName.CONFLICT, 1.0, 0, "polarity"),  # another kind
        Fact(FactName.CONFLICT, 2.0, 1, "laterality"),
        Fact(FactName.VIOLATION, 5.0, 1, "laterality"),  # another fact
        Fact(FactName.CONFLICT, 0.0, 2, "laterality"),  # looked for, and there is none
    ]
    assert [(one.sentence, one.value) for one in triggered(facts, [sides])] == [(1, 2.0)]


def test_triggers_come_in_the_order_of_the_rules_then_of_the_facts():
    facts = [Fact(FactName.LOW_CONFIDENCE, 0.1, index) for index in (0, 1)]
    rules = [rule("b"), rule("a", action=Action.BLOCK)]
    assert [(one.rule_id, one.sentence) for one in triggered(facts, rules)] == [("b", 0), ("b", 1), ("a", 0), ("a", 1)]
    assert strongest(triggered(facts, rules)) is Action.BLOCK


@pytest.mark.parametrize(
    ("actions", "most"),
    [
        ([], None),
        ([Action.INFORM], Action.INFORM),
        ([Action.SECONDARY_REVIEW, Action.INFORM], Action.SECONDARY_REVIEW),
        ([Action.INFORM, Action.BLOCK, Action.SECONDARY_REVIEW], Action.BLOCK),
    ],
)
def test_the_strongest_action(actions, most):
    facts = [Fact(FactName.LOW_CONFIDENCE, 0.1)]
    assert strongest(triggered(facts, [rule(action=action) for action in actions])) is most


def test_what_was_not_measured_raises_nothing():
    assert triggered([], [rule()]) == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_fact_is_a_finite_number(value):
    with pytest.raises(ValueError, match="finite"):
        Fact(FactName.UNLIKE_TRAINING, value)


VALUES = st.floats(-10, 10)
FACTS = st.lists(st.builds(Fact, st.sampled_from(FactName), VALUES, st.none() | st.integers(0, 3)), max_size=6)
RULES = st.lists(
    st.builds(rule, fact=st.sampled_from(FactName), comparison=st.sampled_from(Comparison), threshold=VALUES),
    max_size=4,
)


@given(FACTS, RULES)
def test_every_trigger_bears_out_its_own_threshold_and_rules_do_not_mind_each_other(facts, rules):
    found = triggered(facts, rules)
    assert all(one.comparison.holds(one.value, one.threshold) for one in found)
    assert found == tuple(one for alone in rules for one in triggered(facts, [alone]))


# Critical findings


def details(text, **fields):
    return {fact.detail: fact.value for fact in critical_facts(GroundedReport((GroundedSentence(text, **fields),)))}


@pytest.mark.parametrize(
    ("text", "fields", "stated"),
    [
        ("Left pneumothorax.", {"finding": "pneumothorax"}, {"pneumothorax": 1.0}),
        # by its words alone: the author's field is missing
        ("Left pneumothorax.", {}, {"pneumothorax": 1.0}),
        # absent: nothing critical
        ("No pneumothorax.", {"finding": "pneumothorax", "polarity": Polarity.ABSENT}, {}),
        # unsure
        (
            "Possible pneumothorax.",
            {"finding": "pneumothorax", "polarity": Polarity.UNCERTAIN},
            {"pneumothorax": 0.5},
        ),
        # the size stands before the finding's code, whichever word the sentence uses for it
        (
            "Extensive right pleural effusion.",
            {"finding": "effusion"},
            {"effusion": 1.0, "large effusion": 1.0},
        ),
        # what was once is not critical today
        ("History of pneumothorax.", {"section": Section.HISTORY}, {}),
        # nothing found is no finding
        ("No acute cardiopulmonary abnormality.", {"finding": "no_finding"}, {}),
        # two findings in one sentence, by its words
        ("Left pneumothorax and a mass.", {"finding": "mass"}, {"mass": 1.0, "pneumothorax": 1.0}),
    ],
)
def test_what_a_sentence_states(text, fields, stated):
    assert details(text, **fields) == stated


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("pneumothorax", True),
        ("tension pneumothorax", True),
        ("big effusion", False),  # the word of the protocol is "large"
        ("effusion large", False),
        ("plague", False),
        (" pneumothorax", False),
        ("", False),
    ],
)
def test_how_a_rule_names_a_finding(text, known):
    assert is_detail(text) is known
