"""Copied-forward text: shares counted by hand."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grounding.copied import copied_share, copied_shares, copied_text

OLD = "There is a small nodule in the left upper zone, which measures 12 mm."  # 14 words


def test_a_note_copied_whole_is_copied_whole():
    (one,) = copied_text({"new": OLD, "old": OLD})
    assert (one.note_id, one.source_note_id, one.share) == ("new", "old", 1.0)
    assert one.spans == ((0, len(OLD) - 1),)  # without the full stop


def test_the_share_is_that_of_the_words_and_the_span_is_the_passage():
    new = f"Feels well today. {OLD.upper()}"  # 3 words of its own; case does not count
    (one,) = copied_text({"new": new, "old": OLD})
    assert one.share == pytest.approx(14 / 17)
    ((start, end),) = one.spans
    assert new[start:end] == OLD.upper()[:-1]


def test_the_source_is_the_note_that_most_comes_from():
    other = "There is a small nodule in the left upper zone and a port."
    new, middle = copied_text({"new": OLD, "middle": other, "old": OLD})
    assert (new.note_id, new.source_note_id, new.share) == ("new", "old", 1.0)
    assert (middle.note_id, middle.source_note_id) == ("middle", "old")
    assert middle.share == pytest.approx(10 / 13)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("No pleural effusion. Heart normal.", "No pleural effusion. Heart normal."),  # 5 words: a formula, no copy
        ("Small nodule, left upper zone, 12 mm.", OLD),  # the same in other words
        (OLD, "Nothing alike."),
    ],
)
def test_formulas_and_other_words_are_no_copies(new, old):
    assert copied_text({"new": new, "old": old}) == ()


def test_an_older_note_never_copies_a_newer_one():
    assert [one.note_id for one in copied_text({"new": OLD, "old": OLD})] == ["new"]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("A small nodule in the left upper zone.", 1.0),
        ("Nodule in the left upper zone, stable.", 6 / 7),
        ("Nodule in the right upper zone.", 0.0),  # no four words in a row
        ("12 mm.", 1.0),  # fewer than four words: all of them in a row
        ("13 mm.", 0.0),
        ("...", 0.0),
    ],
)
def test_the_share_of_a_sentence(text, share):
    assert copied_share(text, {"n": OLD}) == pytest.approx(share)
    assert copied_share(text, {}) == 0.0


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abc .", max_size=80), st.text(alphabet="abc .", max_size=80))
def test_a_share_is_a_share_and_spans_lie_in_the_note(new, old):
    assert 0.0 <= copied_share(new, {"old": old}) <= 1.0
    for one in copied_text({"new": new, "old": old}):
        assert 0.0 < one.share <= 1.0
        assert all(0 <= start < end <= len(new) for start, end in one.spans)


def test_a_chart_of_hundreds_of_notes_is_compared_in_seconds():
    chart = {f"n{age}": f"{OLD} Seen on day {age} of the course, feels well." * 5 for age in range(300)}
    began = time.perf_counter()
    copied = copied_text(chart)
    assert time.perf_counter() - began < 15  # two by two, word by word, it was minutes
    assert len(copied) == 299
    assert copied[0].share > 0.5


def test_many_sentences_have_the_shares_of_each_alone():
    texts = ("A small nodule in the left upper zone.", "12 mm.", "Nothing alike.", "...")
    assert copied_shares(texts, {"n": OLD}) == tuple(copied_share(text, {"n": OLD}) for text in texts)
