"""The embedded model's language: statement book, grammar, training stories; all without its weights."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from grounding.codecs.cells import CellsCodec
from grounding.derive import derive_sentence
from grounding.placement import letterbox
from grounding.report import Laterality, Polarity, Progression
from vlm.embedded.grammar import MOST_BOXES, CellGrammar
from vlm.embedded.lesions import EDGE_LEVEL, Lesion, draw_lesion
from vlm.embedded.lessons import change_tokens
from vlm.embedded.places import place_of
from vlm.embedded.scenes import Truth
from vlm.embedded.statements import DESCRIBED, NORMAL, Shows, statement_book
from vlm.embedded.story import tell
from vlm.embedded.tokens import compose
from vlm.registry import EMBEDDED_FOLDER

SQUARE = letterbox(320, 320, side=320)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(EMBEDDED_FOLDER, local_files_only=True)


@pytest.fixture(scope="module")
def grammar(tokenizer: PreTrainedTokenizerFast) -> CellGrammar:
    return CellGrammar(tokenizer)


def lesions(rng: np.random.Generator) -> tuple[Lesion, ...]:
    """Up to three lesions, never two in one cell."""
    spots = rng.permutation(9)[: int(rng.integers(0, 4))]
    return tuple(
        Lesion("nodule", x, y, x + 12, y + 12, 14.0, 0.1)
        for x, y in ((60 + 70 * (s % 3), 60 + 70 * (s // 3)) for s in spots)
    )


def truth(rng: np.random.Generator) -> Truth:
    """Lesions with a past, sometimes beside a prior image, other findings, or a lesion that nobody can place."""
    found = lesions(rng)
    if rng.random() < 0.1:
        return Truth(described=DESCRIBED, placed=False, with_prior=bool(rng.random() < 0.5))
    before = tuple((None, 14.0, 40.0, 5.0)[int(rng.integers(4))] for _ in found)
    gone = (Lesion("mass", 250, 250, 262, 262, 33.0, 0.1),) if rng.random() < 0.3 else ()
    return Truth(found, before, gone, (), with_prior=bool(rng.random() < 0.5))


def stories(count: int) -> Iterator[str]:
    rng = np.random.default_rng(77)
    for _ in range(count):
        yield tell(truth(rng), rng).answer


def test_every_taught_answer_is_in_the_grammar(tokenizer: PreTrainedTokenizerFast, grammar: CellGrammar) -> None:
    for answer in stories(60):
        ids = [*tokenizer(answer, add_special_tokens=False).input_ids, tokenizer.eos_token_id]
        for end, number in enumerate(ids):
            assert number in grammar.allowed(ids[:end]), answer


@pytest.mark.parametrize("seed", range(12))
def test_any_walk_through_the_grammar_parses(
    tokenizer: PreTrainedTokenizerFast, grammar: CellGrammar, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ids: list[int] = []
    while not ids or ids[-1] != tokenizer.eos_token_id:
        ids.append(int(rng.choice(grammar.allowed(ids))))
        assert len(ids) <= 360
    phrases = CellsCodec().decode(tokenizer.decode(ids), placement=SQUARE)
    shows = {one.text: one.shows for one in statement_book()}
    assert all(bool(phrase.boxes) == (shows[phrase.text] is Shows.LESION) for phrase in phrases)
    assert sum(len(phrase.boxes) for phrase in phrases) <= MOST_BOXES
    spots = [divmod(int(cell), 10) for cell in re.findall(r"<c(\d+)>", tokenizer.decode(ids))]
    assert all(max(abs(a - c), abs(b - d)) > 1 for (a, b), (c, d) in itertools.combinations(spots, 2))
    plain = [phrase.text for phrase in phrases if not phrase.boxes]
    assert len(set(plain)) == len(plain)
    assert not (NORMAL in plain and any(phrase.boxes for phrase in phrases))


def test_every_statement_is_read_as_it_is_meant() -> None:
    for one in statement_book():
        (phrase,) = CellsCodec().decode(f"<obj>{one.text}</obj>", placement=SQUARE)
        sentence = derive_sentence(phrase, notes={})
        if one.shows is Shows.LESION:
            assert sentence.polarity is Polarity.PRESENT, one.text
            assert sentence.laterality.value in one.text, one.text
            assert sentence.finding in {"nodule", "mass"}, one.text
        if one.text == NORMAL or one.text.endswith((" is not seen.", " is no longer seen.")):
            assert sentence.polarity is Polarity.ABSENT, one.text
        if one.text.endswith((" is not seen.", " is no longer seen.")):
            assert sentence.progression is Progression.RESOLVED, one.text
        if one.shows is Shows.UNPLACED:
            assert (sentence.finding, sentence.polarity) == ("nodule", Polarity.UNCERTAIN)


@pytest.mark.parametrize(
    ("words", "progression"),
    [
        ("new since the prior report", Progression.NEW),
        ("larger than in the prior report", Progression.WORSE),
        ("smaller than in the prior report", Progression.IMPROVED),
        ("stable compared with the prior report", Progression.STABLE),
        ("new since the prior image", Progression.NEW),
        ("larger than on the prior image", Progression.WORSE),
        ("smaller than on the prior image", Progression.IMPROVED),
        ("stable compared with the prior image", Progression.STABLE),
    ],
)
def test_comparisons_are_read_as_progression(words: str, progression: Progression) -> None:
    (phrase,) = CellsCodec().decode(f"<obj>Mass in the right mid zone, {words}.</obj>", placement=SQUARE)
    assert derive_sentence(phrase, notes={}).progression is progression


def test_sides_are_the_patients() -> None:
    on_image_left = Lesion("nodule", 60, 60, 80, 80, 20.0, 0.1)
    assert place_of(on_image_left).side == Laterality.RIGHT.value


def test_without_an_image_no_lesion_is_told() -> None:
    rng = np.random.default_rng(3)
    blind = [example for example in (tell(truth(rng), rng) for _ in range(200)) if not example.with_image]
    assert blind
    assert all("<box>" not in example.answer for example in blind)


@pytest.mark.parametrize(
    ("before_mm", "words"),
    [
        (None, "Nodule in the right mid zone, new since the prior image."),
        (14.0, "Nodule in the right mid zone, stable compared with the prior image."),
        (8.0, "Nodule in the right mid zone, larger than on the prior image."),  # 14 / 8 is over 1.45
        (24.0, "Nodule in the right mid zone, smaller than on the prior image."),  # 14 / 24 is under 0.69
    ],
)
def test_where_there_is_a_prior_image_change_is_judged_by_it_whatever_the_report_says(before_mm, words) -> None:
    rng = np.random.default_rng(1)
    one = Truth((Lesion("nodule", 94, 134, 106, 146, 14.0, 0.1),), (before_mm,), with_prior=True)
    told = [example for example in (tell(one, rng) for _ in range(60)) if example.with_image and example.with_prior]
    assert told
    for example in told:
        assert example.answer.startswith(f"<obj>{words}<box>")
        assert "prior image: " in example.prompt


def test_a_lesion_of_the_prior_image_only_is_told_once() -> None:
    rng = np.random.default_rng(2)
    one = Truth(gone=(Lesion("mass", 250, 250, 262, 262, 33.0, 0.1),), with_prior=True)
    told = [example for example in (tell(one, rng) for _ in range(60)) if example.with_image and example.with_prior]
    words = "<obj>The mass in the left lower zone on the prior image is no longer seen.</obj>"
    assert told
    assert all(example.answer.count("left lower zone") == example.answer.count(words) == 1 for example in told)


def test_without_a_prior_image_none_is_spoken_of() -> None:
    rng = np.random.default_rng(4)
    alone = [example for example in (tell(truth(rng), rng) for _ in range(200)) if not example.with_prior]
    assert alone
    assert not any("prior image" in example.prompt + example.answer for example in alone)


def test_the_image_comes_first_and_the_draft_last() -> None:
    assert compose("indication: cough", images=1) == "<s><image>indication: cough<draft>"
    assert compose("", images=0) == "<s><draft>"


@pytest.mark.parametrize("diameter_mm", [10.0, 25.0, 40.0])
def test_a_training_lesion_is_where_and_what_it_says(diameter_mm: float) -> None:
    image = np.full((320, 320), 0.3, np.float32)
    before = image.copy()
    lesion = draw_lesion(image, np.random.default_rng(5), center_px=(120, 200), diameter_mm=diameter_mm, contrast=0.1)
    assert lesion is not None
    added = image - before
    rows, columns = np.nonzero(added > EDGE_LEVEL * added.max())
    assert (columns.min(), rows.min()) == (lesion.x_min, lesion.y_min)
    assert (columns.max() + 1, rows.max() + 1) == (lesion.x_max, lesion.y_max)
    long_side_mm = max(lesion.x_max - lesion.x_min, lesion.y_max - lesion.y_min) / 320 * 375
    assert long_side_mm == pytest.approx(diameter_mm, abs=0.15 * diameter_mm + 2.4)  # two pixels of 1.2 mm
    assert added.max() == pytest.approx(0.1 * (1.15 - 0.3), rel=1e-3)


def test_the_words_of_change_are_found_in_the_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    words = [tokenizer.decode([number]).strip() for number in change_tokens(tokenizer)]
    assert all(full.startswith(word) for full, word in zip(("new", "larger", "smaller", "stable"), words, strict=True))
    assert len(set(words)) == 4
