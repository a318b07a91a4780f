"""The fixed words of a prompt template: what is asked, the form of the answer, and the question for a place.

A template's lines for the case (`vlm.prompt`) come first. A line `--- ask` opens the words that stand behind them in
every prompt, a line `--- place` the second question of a model that gives its boxes afterwards. These words are never
cut to fit, and nothing in them is a fragment: brackets and braces are those of the answer's form. Only the marks
`{{columns}}` and `{{rows}}` (size of the model's input, pixels) and `{{sentence}}` are filled.
"""

from __future__ import annotations

import re

from grounding.placement import Placement

ASK, PLACE = "ask", "place"
_MARK = re.compile(r"^--- (ask|place)$\n?", re.MULTILINE)


def case_lines(text: str) -> list[str]:
    r"""The lines of a template that are filled from a case.

    >>> case_lines("[age {age}]\n--- ask\nReport.")
    ['[age {age}]']
    """
    return _MARK.split(text, maxsplit=1)[0].splitlines()


def asked(words: str, *, text: str, placement: Placement) -> str:
    """A whole prompt: the case's words, then what the template asks; the words alone where it asks nothing.

    Args:
        words: rendered from the case, "" when it has none.
        text: of the template.
        placement: of the image in the model's input.
    """
    ask = _part(text, ASK)
    return "\n\n".join(part for part in (words, _sized(ask, placement)) if part) if ask else words


def place_question(sentence: str, *, text: str, placement: Placement) -> str:
    """The second question: where is what this sentence says?

    Args:
        sentence: on one line, its angle brackets opened (`vlm.prompt.tidy`).
        text: of the template.
        placement: of the image in the model's input.

    Raises:
        LookupError: the template has no such question.
    """
    question = _part(text, PLACE)
    if "{{sentence}}" not in question:
        msg = "the template has no '--- place' with {{sentence}}: its family gives boxes with its sentences"
        raise LookupError(msg)
    return _sized(question, placement).replace("{{sentence}}", sentence)


def _part(text: str, name: str) -> str:
    pieces = _MARK.split(text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True)).get(name, "").strip()


def _sized(words: str, placement: Placement) -> str:
    return words.replace("{{columns}}", str(placement.input_columns)).replace("{{rows}}", str(placement.input_rows))
