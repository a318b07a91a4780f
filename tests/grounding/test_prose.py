"""Plain sentences: what is read, and what is refused because a box or an end may be lost in it."""

from __future__ import annotations

import pytest

from grounding.codecs.phrase import CodecError
from grounding.codecs.prose import ProseCodec
from grounding.placement import letterbox

SQUARE = letterbox(8, 8, side=8)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("No effusion.", ["No effusion."]),
        ("No effusion. Nodule, 1.5 cm.", ["No effusion.", "Nodule, 1.5 cm."]),
        ("- No effusion.\n- Nodule.", ["No effusion.", "Nodule."]),  # a list
        ("**FINDINGS:** No effusion.", ["No effusion."]),  # bold heading
        ("<think>A nodule? [1, 2]</think>No nodule.", ["No nodule."]),  # reasoning is not the answer
        ("<thinking>Hm.</thinking><answer>No nodule.</answer>", ["No nodule."]),
        ("Nodule < 5 mm.<end_of_turn>", ["Nodule < 5 mm."]),
        ('Comparison: none.\nThe nodule is "stable".', ["none.", 'The nodule is "stable".']),
    ],
)
def test_sentences_are_read_in_order(text, sentences):
    phrases = ProseCodec().decode(text, placement=SQUARE)
    assert [phrase.text for phrase in phrases] == sentences
    assert not any(phrase.boxes for phrase in phrases)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("</answer>", "empty"),
        ("<think>A nodule.</think>", "no end|no sentence"),  # thought, and said nothing
        ("No effusion. There is a nod", "truncated"),
        ("<think>There is a nodule.", "another spelling"),  # never stopped thinking
        ('[{"label": "A."}]', "another spelling"),  # a list: its boxes would go unread
        ("<obj>Nodule.</obj>.", "another spelling"),
        ("```\nA.\n```\nB.", "another spelling"),
        ("...", "no sentence"),
    ],
)
def test_what_is_no_prose_is_refused(text, reason):
    with pytest.raises(CodecError, match=reason) as caught:
        ProseCodec().decode(text, placement=SQUARE)
    assert caught.value.raw == text
