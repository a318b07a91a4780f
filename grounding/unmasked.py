"""Text as it would be read without its disguises, each letter with its place in the original.

A view is the text with one disguise taken off: styled letters made plain (NFKC), unseen ones dropped, look-alikes of
another script put back within mixed words, digits read as letters, spaced letters drawn together, the whole turned
round, or rotated by 13. Which words are suspicious is not asked here (`grounding.injection`).

The look-alikes are the letters of Unicode's confusables (UTS 39) that pass for ASCII ones in common fonts; Greek
letters that stand alone in medicine (alpha, beta, gamma, mu, delta) are not among them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LOOKALIKE: Final = dict(
    zip(
        "асеорхуіѕԁһјԛԝӏгпАВЕКМНОРСТХУІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧοιυνρκ",
        "aceopxyisdhjqwlrnABEKMHOPCTXYISJABEZHIKMNOPTYXoiuvpk",
        strict=True,
    )
)
_MIXED: Final = re.compile(r"[^\W\d_]{2,}")
_LEET: Final = str.maketrans("0134578@$!", "oieastbasi")
_LEET_WORD: Final = re.compile(r"(?<![\w@$!])(?=[\w@$!]*[a-z])(?=[\w@$!]*[0134578@$!])[\w@$!]{2,24}(?![\w@$])")
_SPACED: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_][\s.\-_*|\u00b7]{1,4}){4,}[^\W\d_](?![^\W_])")
_ROT13: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
LONGEST_RUN: Final = 8  # blanks, or one sign, in a row: more mean nothing more, and would make a pattern's search long


@dataclass(frozen=True, slots=True)
class View:
    """A text with one disguise taken off.

    Attributes:
        name: of the disguise; "plain" for none but case and letter forms.
        text: lower case.
        places: of each letter of `text`, its index in the original.
    """

    name: str
    text: str
    places: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` stands in the original: (start, end)."""
        found = self.places[start:end]
        return min(found), max(found) + 1


def plain(text: str) -> View:
    """The text in plain lower-case letters: NFKC, no unseen letters, no look-alikes in mixed words, no long rules.

    >>> plain("Ｎo fіnding" + 90 * "-").text
    'no finding--------'
    """
    letters: list[str] = []
    places: list[int] = []
    restored = _restored(text)
    for index, letter in enumerate(restored):
        for part in unicodedata.normalize("NFKC", letter).lower():
            seen = unicodedata.category(part) not in ("Cf", "Mn") and not unicodedata.category(letter).startswith("Cf")
            if seen and (part.isalnum() or not _goes_on(part, letters[-LONGEST_RUN:])):
                letters.append(part)
                places.append(index)
    return View("plain", "".join(letters), tuple(places))


def _goes_on(sign: str, before: list[str]) -> bool:
    """Whether it only lengthens a run that is long already; a line's end among blanks counts once."""
    if len(before) < LONGEST_RUN:
        return False
    if sign.isspace():
        return all(one.isspace() for one in before) and (sign != "\n" or "\n" in before)
    return all(one == sign for one in before)


def mixed_words(text: str) -> tuple[tuple[int, int], ...]:
    """Words of Latin letters with look-alikes of another script among them: (start, end) each.

    >>> mixed_words("nоdule, β-blocker, μmol")
    ((0, 6),)
    """
    return tuple(match.span() for match in _MIXED.finditer(text) if _is_mixed(match[0]))


def disguises(view: View) -> tuple[View, ...]:
    """The views under which a disguised text would be read, without those that change nothing."""
    made = (_unleeted(view), _drawn_together(view), _rotated(view), backwards(view))
    return tuple(one for one in made if one.text and one.text != view.text)


def backwards(view: View) -> View:
    """The text from its end to its beginning."""
    return View("backwards", view.text[::-1], view.places[::-1])


def _restored(text: str) -> str:
    """The text with look-alikes put back in mixed words; as long as it was."""
    return _MIXED.sub(
        lambda word: "".join(LOOKALIKE.get(c, c) for c in word[0]) if _is_mixed(word[0]) else word[0], text
    )


def _is_mixed(word: str) -> bool:
    return any(letter in LOOKALIKE for letter in word) and any(letter.isascii() for letter in word)


def _unleeted(view: View) -> View:
    """Digits and signs read as letters, in words that have both."""
    return View("digits", _LEET_WORD.sub(lambda word: word[0].translate(_LEET), view.text), view.places)


def _rotated(view: View) -> View:
    return View("rot13", view.text.translate(_ROT13), view.places)


def _drawn_together(view: View) -> View:
    """Runs of letters that stand apart, drawn together; wider gaps part words. Nothing of the rest is in it."""
    letters: list[str] = []
    places: list[int] = []
    for run in _SPACED.finditer(view.text):
        for letter, place in _run(run, view.places):
            letters.append(letter)
            places.append(place)
    return View("spaced", "".join(letters), tuple(places))


def _run(run: re.Match[str], places: tuple[int, ...]) -> Iterable[tuple[str, int]]:
    gaps = [len(gap) for gap in re.findall(r"[\W_]+", run[0])]
    narrow = min(gaps)
    yield "\n", places[run.start()]
    for part in re.finditer(r"([^\W_])([\W_]*)", run[0]):
        place = places[run.start() + part.start()]
        yield part[1], place
        if len(part[2]) > narrow:
            yield " ", place
