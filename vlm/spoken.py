"""Where a draft's sentences stand in what the model answered: sentence k -> characters of `raw_text`.

A sentence is its words: boxes, list marks and JSON keys around it belong to none. With this a token of the answer can
be told to belong to a sentence, whatever the codec. Pure; it asks no model and guesses nothing: where the words of a
sentence cannot be found in their order, there is no answer (None) rather than a shifted one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cases.draft import Draft

_SECOND_PASS = "\n\n[where is sentence "  # noqa: S105 - what `vlm.grounding_pass` writes before its answers


@dataclass(frozen=True, slots=True)
class Spoken:
    """A draft's answer and where its sentences stand in it.

    Attributes:
        answer: what the model wrote as its draft, the beginning of `raw_text` (a second pass for places is left out).
        words: of each sentence, [start, end) in `answer`, in the order of the report; they do not overlap.
    """

    answer: str
    words: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        """Refuse spans that are empty, overlap or reach past the answer."""
        edges = [0, *(edge for span in self.words for edge in span), len(self.answer)]
        if edges != sorted(edges) or any(start == end for start, end in self.words):
            msg = f"sentences stand one after the other in an answer of {len(self.answer)} characters: {self.words}"
            raise ValueError(msg)

    def tokens_of(self, sentence: int, spans: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """The indices of the tokens that hold a character of that sentence's words.

        Args:
            sentence: its index in the report.
            spans: [start, end) of each token in `answer`.
        """
        first, last = self.words[sentence]
        return tuple(index for index, (start, end) in enumerate(spans) if max(start, first) < min(end, last))


def spoken(draft: Draft) -> Spoken | None:
    """Where the draft's sentences stand; None for a draft without a report, or whose words are not found in order."""
    if draft.report is None:
        return None
    return spoken_words(draft.raw_text, tuple(sentence.text for sentence in draft.report.sentences))


def spoken_words(raw_text: str, sentences: Sequence[str]) -> Spoken | None:
    """Where these sentences stand in an answer; None when one is not found before the next.

    They are looked for from the end, since reasoning that came first may hold the same words.

    >>> spoken_words("<obj>No effusion.</obj><obj>Nodule.<box><c001></box></obj>", ("No effusion.", "Nodule.")).words
    ((5, 17), (28, 35))
    """
    answer = raw_text.partition(_SECOND_PASS)[0]
    found: list[tuple[int, int]] = []
    end = len(answer)
    for text in reversed(sentences):
        span = _last(text, answer[:end])
        if span is None:
            return None
        found.append(span)
        end = span[0]
    return Spoken(answer, tuple(reversed(found)))


def _last(text: str, answer: str) -> tuple[int, int] | None:
    """The last place where the words stand as they are, or as JSON would write them; white space may differ."""
    for spelling in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        pattern = r"\s+".join(map(re.escape, spelling.split()))
        places = list(re.finditer(pattern, answer))
        if places:
            return _within_object(places, answer)
    return None


def _within_object(places: Sequence[re.Match[str]], answer: str) -> tuple[int, int]:
    """The last place that fills an object (`<obj>words`), else the last: a shorter statement may end a longer one."""
    whole = [one for one in places if answer[: one.start()].rstrip().endswith("<obj>")]
    return (whole or list(places))[-1].span()
