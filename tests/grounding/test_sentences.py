"""Sentences, words and sizes: the cuts that radiology's punctuation asks for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grounding.measurement import sizes_mm
from grounding.sentences import NoteSection, spans
from grounding.words import PhraseBook, words_of

CUTS = [
    ("Nodule, 1.5 cm. No effusion.", ["Nodule, 1.5 cm.", "No effusion."]),  # a decimal is no stop
    ("Seen by Dr. Smith approx. 3 days ago.", ["Seen by Dr. Smith approx. 3 days ago."]),  # abbreviations
    ("Scar vs. nodule.", ["Scar vs. nodule."]),
    ("Nodule: no. Effusion: no.", ["Nodule: no.", "Effusion: no."]),  # "no." ends a sentence before a capital
    ("No pneumothorax\nSmall effusion", ["No pneumothorax", "Small effusion"]),  # a list without stops
    ("No effusion or\npneumothorax is seen.", ["No effusion or\npneumothorax is seen."]),  # a wrapped line
    ("Compared with\nCT of the chest.", ["Compared with\nCT of the chest."]),  # wrapped before a capital
    ("1. Nodule.\n2. Effusion.", ["Nodule.", "Effusion."]),  # numbers are marks
    ("- Nodule\n- Effusion", ["Nodule", "Effusion"]),
    ("FINDINGS: Nodule.\nIMPRESSION: Stable.", ["Nodule.", "Stable."]),  # headings belong to no sentence
    ("Nodule.\n\n\nEffusion.", ["Nodule.", "Effusion."]),
    ("Pneumonia? Cough.", ["Pneumonia?", "Cough."]),
    ("? Pneumonia.", ["? Pneumonia."]),  # a question mark that opens
    ("Nodule (right). Mass.", ["Nodule (right).", "Mass."]),
    ("", []),
    (" \n . ; ", []),  # nothing to read
    ("Nodule", ["Nodule"]),
]


@pytest.mark.parametrize(("text", "expected"), CUTS)
def test_where_a_note_is_cut(text: str, expected: list[str]):
    assert [text[span.start : span.end] for span in spans(text)] == expected


def test_a_heading_holds_until_the_next():
    text = "Nodule.\nClinical history: cancer. Smoker.\nFindings: clear."
    assert [span.section for span in spans(text)] == [
        NoteSection.BODY,
        NoteSection.HISTORY,
        NoteSection.HISTORY,
        NoteSection.BODY,
    ]


def test_an_endless_sentence_is_cut_at_white_space_and_loses_no_word():
    text = "nodule " * 500
    pieces = [text[span.start : span.end] for span in spans(text)]
    assert max(map(len, pieces)) <= 600
    assert sum(piece.count("nodule") for piece in pieces) == 500


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="ab .\n;:?1-ABNo", max_size=200))
def test_spans_are_in_order_and_lose_no_letter(text: str):
    found = spans(text)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
    for span in found:
        assert text[span.start : span.end].strip() == text[span.start : span.end] != ""


SIZES = [
    ("8 mm", (8.0,)),
    ("8mm nodule", (8.0,)),
    ("an 8-mm nodule", (8.0,)),
    ("1.2 cm", (12.0,)),
    ("2 x 1.5 cm", (20.0, 15.0)),
    ("20 mm x 15 mm", (20.0, 15.0)),
    ("2 by 3 by 4 cm", (20.0, 30.0, 40.0)),
    ("3 days", ()),
    ("T8 mm", ()),  # a vertebra, not a number
    ("pO2 80 mmHg", ()),  # a pressure
    ("8", ()),
    ("", ()),
]


@pytest.mark.parametrize(("text", "expected"), SIZES)
def test_sizes(text: str, expected: tuple[float, ...]):
    assert sizes_mm(text) == expected


def test_words_keep_their_offsets():
    text = "No air-space disease, can\u2019t say."
    assert all(text[word.start : word.end].lower().replace("\u2019", "'") == word.lower for word in words_of(text))


def test_the_longest_phrase_wins():
    book = PhraseBook({"no": "a", "no change": "b", "no change in": "c"})
    assert [match.value for match in book.find(words_of("No change in size, no change, no."))] == ["c", "b", "a"]


@pytest.mark.parametrize("phrases", [{"": 1}, {"-": 1}, {"air-space": 1, "air space": 2}])
def test_a_book_refuses_phrases_that_are_empty_or_mean_two_things(phrases: dict[str, int]):
    with pytest.raises(ValueError, match="mend the data file"):
        PhraseBook(phrases)
