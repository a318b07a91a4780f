"""Where sentences stand in raw answers of every codec, and the ways to a sentence."""

from __future__ import annotations

import pytest

from grounding.attribution import EvidenceInput
from vlm.spoken import Spoken, spoken_words
from vlm.ways import Manner, Way, ways_to

CELLS = "<obj>Nodule in the left mid zone.<box><c056><x2></box></obj><obj>History of skin cancer.</obj>"
PROSE = "<think>Nodule? No effusion.</think> No effusion.\nNodule in the\nleft lung."
JSON = 'I see "A." [{"box_2d": [1, 2, 3, 4], "label": "Nodule, \\"coin\\" lesion."}, {"box_2d": null, "label": "A."}]'

# raw text, sentences -> what stands at their spans
FOUND = [
    (CELLS, ("Nodule in the left mid zone.", "History of skin cancer."), None),
    ("<s>" + CELLS + "</s>", ("Nodule in the left mid zone.", "History of skin cancer."), None),
    # the reasoning before an answer holds the same words; line breaks within a sentence are white space
    (PROSE, ("No effusion.", "Nodule in the left lung."), ("No effusion.", "Nodule in the\nleft lung.")),
    # JSON escapes quotation marks; the label "A." is not the one in the prose before
    (JSON, ('Nodule, "coin" lesion.', "A."), ('Nodule, \\"coin\\" lesion.', "A.")),
    # a statement that ends a longer one: the object of its own is meant
    ("<obj>Nodule.</obj><obj>No mass. Nodule.</obj>", ("Nodule.", "No mass. Nodule."), None),
    # the answers of a second pass are no part of the draft
    ("No effusion. Nodule.\n\n[where is sentence 2?]\nNodule.", ("No effusion.", "Nodule."), None),
    ("[{'label': 'Größe 5 mm.'}]", ("Größe 5 mm.",), None),
]


@pytest.mark.parametrize(("raw", "sentences", "standing"), FOUND)
def test_sentences_are_found(raw, sentences, standing):
    said = spoken_words(raw, sentences)
    assert said is not None
    assert raw.startswith(said.answer)
    assert "[where" not in said.answer
    assert tuple(said.answer[start:end] for start, end in said.words) == (standing or sentences)


def test_the_last_of_equal_places_is_taken():
    assert spoken_words(PROSE, ("No effusion.",)).words == ((36, 48),)


@pytest.mark.parametrize(
    ("raw", "sentences"),
    [
        ("<obj>A.</obj>", ("B.",)),  # not there
        ("<obj>B.</obj><obj>A.</obj>", ("A.", "B.")),  # in another order
        ("<obj>A.</obj>", ("A.", "A.")),  # said once, wanted twice
        ("", ("A.",)),
    ],
)
def test_what_is_not_found_in_order_is_not_guessed(raw, sentences):
    assert spoken_words(raw, sentences) is None


@pytest.mark.parametrize("words", [((0, 9),), ((2, 4), (3, 5)), ((2, 2),), ((3, 1),)])
def test_spans_stand_one_after_the_other(words):
    with pytest.raises(ValueError, match="one after the other"):
        Spoken("12345", words)


def test_tokens_belong_to_the_words_they_touch():
    """Token by token: `<obj>`, "One", ".", `</obj>`, and one that reaches into the second sentence from before it."""
    said = Spoken("<obj>One.</obj> Two.", ((5, 9), (16, 20)))
    spans = ((0, 5), (5, 8), (8, 9), (9, 15), (15, 19), (19, 20))
    assert said.tokens_of(0, spans) == (1, 2)
    assert said.tokens_of(1, spans) == (4, 5)


TWO = Spoken("<obj>One.</obj><obj>Two.</obj>", ((5, 9), (20, 24)))
REMARK = {EvidenceInput.PRIOR_REPORT: "<obj>None.</obj>"}


def test_in_the_draft_there_is_one_way():
    assert ways_to(TWO, REMARK, manner=Manner.IN_DRAFT) == (
        Way(0, TWO.answer, (5, 9)),
        Way(1, TWO.answer, (20, 24)),
    )


def test_as_the_first_sentence_each_has_an_answer_of_its_own():
    assert ways_to(TWO, {}, manner=Manner.FIRST) == (Way(0, "<obj>One.", (5, 9)), Way(1, "<obj>Two.", (5, 9)))


def test_a_remark_may_come_before_each_sentence():
    ways = ways_to(TWO, REMARK, manner=Manner.REMARKED)
    assert ways[:2] == ways_to(TWO, REMARK, manner=Manner.IN_DRAFT)
    assert [(way.sentence, way.answer, way.lacking) for way in ways[2:]] == [
        (0, "<obj>None.</obj><obj>One.", EvidenceInput.PRIOR_REPORT),
        (1, "<obj>One.</obj><obj>None.</obj><obj>Two.", EvidenceInput.PRIOR_REPORT),
    ]
    # from the remark's first word to the sentence's last; the opening of an object is as free as the draft's
    assert [way.answer[slice(*way.counted)] for way in ways[2:]] == ["None.</obj><obj>One.", "None.</obj><obj>Two."]


def test_a_remark_is_made_once():
    """Not before itself, and not again after it."""
    said = spoken_words("<obj>One.</obj><obj>None.</obj><obj>Two.</obj>", ("One.", "None.", "Two."))
    assert [way.sentence for way in ways_to(said, REMARK, manner=Manner.REMARKED) if way.lacking] == [0]


def test_without_objects_there_is_no_place_for_a_remark():
    said = spoken_words("One. Two.", ("One.", "Two."))
    assert all(way.lacking is None for way in ways_to(said, REMARK, manner=Manner.REMARKED))
