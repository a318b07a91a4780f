"""A sentence and its facts as words: the AI's and the reader's are told apart by a label, a colour and a border."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.markup import chip, plain
from grounding.report import GroundedSentence, Laterality, Progression, Section

LIT = '<span class="or-lit-card"></span>'  # in a card, makes the card light up (dashboard/theme.py)
AUTHORS = {"ai": "AI draft", "human": "Reader"}


def facts(sentence: GroundedSentence) -> tuple[tuple[str, str], ...]:
    """The facts worth a chip, as (field, words), in reading order; what is not stated is left out.

    A sentence without a finding ("no prior for comparison") says of nothing that it is present, and one of history
    says so first: "malignancy, present" alone would read as a finding of today.

    >>> facts(GroundedSentence("Nodule.", finding="nodule", laterality=Laterality.LEFT))
    (('finding', 'nodule'), ('polarity', 'present'), ('laterality', 'left'))
    >>> facts(GroundedSentence("No prior for comparison.", progression=Progression.NOT_COMPARABLE))
    (('progression', 'not comparable'),)
    >>> facts(GroundedSentence("History of cancer.", finding="malignancy", section=Section.HISTORY))
    (('section', 'history'), ('finding', 'malignancy'))
    """
    history = sentence.section is Section.HISTORY
    told = (
        ("section", "history" if history else None),
        ("finding", sentence.finding),
        ("polarity", sentence.polarity.value if sentence.finding and not history else None),
        ("laterality", None if sentence.laterality is Laterality.NOT_STATED else sentence.laterality.value),
        ("location", sentence.location),
        ("progression", None if sentence.progression is Progression.NOT_STATED else sentence.progression.value),
    )
    return tuple((name, value.replace("_", " ")) for name, value in told if value)


def facts_line(sentence: GroundedSentence, *, author: str, lit: bool) -> str:
    """Author, facts and evidence as a line of chips; derived facts have a dashed rim and are called derived."""
    told = facts(sentence)
    stated = "".join(chip(words) for name, words in told if name not in sentence.derived)
    derived = "".join(chip(words, "derived") for name, words in told if name in sentence.derived)
    heading = '<span class="or-note">derived: </span>' if derived else ""
    marker = LIT if lit else ""
    box = "" if sentence.boxes else chip("no box", "warn" if sentence.groundable else "plain")
    return f"{marker}{chip(AUTHORS[author], author)}{stated}{box}{heading}{derived}"


def select_button(index: int, *, lit: bool) -> None:
    """Draw the number of a sentence as a button that lights up its box, its quotes and its card."""
    st.button(
        str(index + 1),
        key=f"select_{index}",
        type="primary" if lit else "secondary",
        on_click=state.select,
        args=(index,),
        help="Show this sentence's box and quotes",
    )


def said(sentence: GroundedSentence, *, author: str, struck: bool) -> None:
    """Draw the words of a sentence, in its author's hand."""
    kind = f"or-say or-from-{'ai' if author == 'ai' else 'human'}{' or-struck' if struck else ''}"
    quotes = "".join(
        f'<div class="or-note">quotes {plain(one.note_id)}: “{plain(one.quote)}”</div>' for one in sentence.citations
    )
    byline = "" if author == "ai" else chip(AUTHORS[author], author)
    st.html(f'<div class="{kind}">{byline}{plain(sentence.text)}</div>{quotes if author == "ai" else ""}')
