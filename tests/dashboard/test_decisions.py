"""The decisions file: what is read, what is refused and in which words, and that the documented example holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cases.review import Decision, Reason
from dashboard.commands.common import CommandError
from dashboard.commands.decisions import decided, read_decisions
from grounding.box import Box
from grounding.report import GroundedSentence, Laterality

ROOT = Path(__file__).resolve().parents[2]
DRAFTED = (
    GroundedSentence("The heart is normal in size."),
    GroundedSentence(
        "Nodule in the left upper zone.",
        finding="nodule",
        laterality=Laterality.LEFT,
        groundable=True,
        boxes=(Box(0.7, 0.2, 0.8, 0.3),),
    ),
    GroundedSentence("Small left pleural effusion."),
)


def written(tmp_path, value):
    path = tmp_path / "decisions.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_the_example_in_the_documentation_signs_three_sentences_and_adds_one(tmp_path):
    [example] = re.findall(r"```json decisions\n(.*?)```", (ROOT / "docs" / "cli.md").read_text(), re.DOTALL)
    reviews = decided(read_decisions(written(tmp_path, example)), drafted=DRAFTED, notes={})
    assert [(r.index, r.decision, r.reason) for r in reviews] == [
        (0, Decision.KEPT, None),
        (1, Decision.CORRECTED, Reason.WRONG_LATERALITY),
        (2, Decision.DELETED, Reason.FALSE_POSITIVE),
        (3, Decision.ADDED, Reason.MISSED_FINDING),
    ]
    assert reviews[1].after.laterality is Laterality.RIGHT
    assert reviews[1].after.boxes == (Box(0.20, 0.15, 0.28, 0.22),)


KEEP_ALL = [{"index": i, "decision": "kept"} for i in range(3)]


def test_the_ledgers_words_are_buttons_too(tmp_path):
    reviews = decided(read_decisions(written(tmp_path, KEEP_ALL)), drafted=DRAFTED, notes={})
    assert [r.decision for r in reviews] == [Decision.KEPT] * 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{", "not a list of decisions"),  # cut off
        ({"index": 0}, "not a list of decisions"),  # an object, not a list
        ([{"index": 0, "decision": "approve"}], "0.decision"),  # a word that is no decision
        ([{"index": 0, "decision": "keep", "typed": 1}], "0.typed"),  # an unknown key
        ([{"index": -1, "decision": "keep"}], "0.index"),  # below the first sentence
        ([{"index": 0, "decision": "delete", "reason": "because"}], "0.reason"),  # no such reason
        ([{"index": 0, "decision": "keep", "text": "x" * 2001}], "0.text"),  # longer than a sentence is
    ],
)
def test_a_file_of_another_form_is_refused_by_place(tmp_path, value, words):
    with pytest.raises(CommandError, match=words):
        read_decisions(written(tmp_path, value))


def test_a_refusal_never_quotes_the_text(tmp_path):
    with pytest.raises(CommandError) as refusal:
        read_decisions(written(tmp_path, [{"index": 0, "decision": "keep", "patient": "Doe^John"}]))
    assert "Doe" not in str(refusal.value)


def test_a_file_that_is_not_there_or_far_too_long_is_refused(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        read_decisions(tmp_path / "none.json")
    with pytest.raises(CommandError, match="at most"):
        read_decisions(written(tmp_path, "[" + " " * 1_000_001 + "]"))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (KEEP_ALL[:2], r"none: \[2\]"),  # one sentence without a decision
        ([*KEEP_ALL, KEEP_ALL[1]], r"more than once on \[1\]"),  # one decided twice
        ([*KEEP_ALL, {"index": 3, "decision": "keep"}], "3 sentences"),  # beyond the draft
        ([*KEEP_ALL[:2], {"decision": "keep"}], "None"),  # which sentence is not said
        ([*KEEP_ALL[:2], {"index": 2, "decision": "delete"}], "sentence 2: .*why"),  # a deletion without a reason
        ([*KEEP_ALL[:2], {"index": 2, "decision": "reword"}], "nothing is changed"),  # a rewording of nothing
        ([*KEEP_ALL, {"decision": "add", "reason": "missed_finding"}], "added sentence 3: .*words"),  # added, wordless
        (
            # a box with its corners swapped
            [
                *KEEP_ALL[:1],
                KEEP_ALL[2],
                {
                    "index": 1,
                    "decision": "correct",
                    "reason": "wrong_location",
                    "boxes": [{"x_min": 0.5, "y_min": 0.1, "x_max": 0.2, "y_max": 0.2}],
                },
            ],
            "sentence 1: not a box",
        ),
    ],
)
def test_decisions_that_do_not_add_up_are_refused(tmp_path, entries, words):
    with pytest.raises(CommandError, match=words):
        decided(read_decisions(written(tmp_path, entries)), drafted=DRAFTED, notes={})


def test_a_reword_that_moves_the_nodule_to_the_other_lung_is_a_correction(tmp_path):
    entries = [
        KEEP_ALL[0],
        {"index": 1, "decision": "reword", "text": "Nodule in the right upper zone.", "reason": "wrong_laterality"},
        KEEP_ALL[2],
    ]
    reviews = decided(read_decisions(written(tmp_path, entries)), drafted=DRAFTED, notes={})
    assert reviews[1].decision is Decision.CORRECTED
