"""What becomes HTML or Markdown shows the text it was given, and nothing else."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.markup import Mark, chip, label, marked_note, plain

AWKWARD = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "&lt;b&gt; already escaped",
    "</mark></div><style>*{display:none}</style>",
    ":red[loud] **bold** [x](javascript:1) `code` $x$ ~~no~~ # head",
)
OURS = re.compile(r'<mark class="or-mark(?: or-lit)?">|</mark>|<sup>[\d,]+</sup>')


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_text_keeps_no_markup(text):
    assert "<" not in plain(text)
    assert '"' not in plain(text)
    assert unescape(plain(text)) == text
    assert plain(text) in chip(text)


@given(
    st.text(max_size=60), st.lists(st.tuples(st.integers(-3, 70), st.integers(-3, 70), st.integers(0, 3)), max_size=5)
)
def test_a_marked_note_reads_as_the_note_whatever_is_marked(text, spans):
    marks = [Mark(min(a, b), max(a, b), sentence) for a, b, sentence in spans]
    html = marked_note(text, marks=marks, selected=1)
    bare = OURS.sub("", html)
    assert "<" not in bare
    assert unescape(bare) == unescape(plain(text))


def test_overlapping_marks_number_their_ends_and_the_selected_one_is_lit():
    html = marked_note("abcdef", marks=[Mark(0, 4, 0), Mark(2, 6, 1)], selected=1)
    assert html == (
        '<mark class="or-mark">ab</mark><mark class="or-mark or-lit">cd<sup>1</sup></mark>'
        '<mark class="or-mark or-lit">ef<sup>2</sup></mark>'
    )


@pytest.mark.parametrize("text", AWKWARD)
def test_a_label_escapes_every_mark_that_markdown_knows(text):
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", label(text))
    assert not re.search(r"[!-/:-@\[-`{-~]", bare)
