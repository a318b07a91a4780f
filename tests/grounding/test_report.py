"""Reports refuse what no report is."""

from __future__ import annotations

import pytest

from grounding.box import Box
from grounding.report import Citation, GroundedReport, GroundedSentence, Polarity

BOX = Box(0.1, 0.1, 0.2, 0.2)


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_a_sentence_has_words(text: str):
    with pytest.raises(ValueError, match="has words"):
        GroundedSentence(text)


def test_what_is_absent_has_no_box():
    with pytest.raises(ValueError, match="no box"):
        GroundedSentence("No nodule.", polarity=Polarity.ABSENT, boxes=(BOX,))


def test_an_empty_report_is_a_failed_draft():
    with pytest.raises(ValueError, match="failed draft"):
        GroundedReport(())


def test_boxes_stand_in_the_order_of_the_sentences():
    other = BOX.mirrored()
    report = GroundedReport(
        (GroundedSentence("A.", boxes=(other,)), GroundedSentence("B."), GroundedSentence("C.", boxes=(BOX,)))
    )
    assert report.boxes == (other, BOX)


@pytest.mark.parametrize(
    ("start", "end", "quote"),
    [
        (0, 0, ""),  # empty
        (3, 1, "ab"),  # reversed
        (-1, 1, "ab"),  # before the note
        (0, 3, "ab"),  # another length
    ],
)
def test_what_quotes_nothing_is_no_citation(start: int, end: int, quote: str):
    with pytest.raises(ValueError, match="citation"):
        Citation("n1", start, end, quote)


def test_a_citation_stands_only_where_it_stands():
    citation = Citation("n1", 2, 4, "cd")
    assert citation.stands_in("abcdef")
    assert not citation.stands_in("abCDef")
    assert not citation.stands_in("ab")
    assert not citation.stands_in("cdef")  # it says so, but elsewhere
