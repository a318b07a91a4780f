"""Evaluation notes are worded apart from every note that a model is trained on or that the demo shows."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from evals import attribution_wording, note_wording
from evals.note_wording import (
    CLEAR,
    DRAINED,
    DRY,
    EFFUSIONS,
    EFFUSIONS_UNSIDED,
    GONE,
    MENTIONS,
    PLEURAL,
    REST,
    Remark,
    note_of,
    note_of_gone,
    note_of_no_effusion,
    note_with,
    remark_on,
    sentence_of_effusion,
)
from grounding.box import Box
from grounding.context import read_note
from grounding.findings import Finding
from grounding.report import Polarity
from grounding.told import told

ROOT = Path(note_wording.__file__).parents[1]
OURS = (*MENTIONS, *CLEAR, *GONE, *EFFUSIONS, *EFFUSIONS_UNSIDED, *DRY, *DRAINED, *REST)
OURS += (
    *attribution_wording.HISTORY,
    *attribution_wording.WEIGHTLESS_NOTES,
    *attribution_wording.WEIGHTLESS_INDICATIONS,
)
SHORT = 3  # words: "No tubes." alone would be no template


def skeleton(sentence):
    """A sentence without its slots, its case and its punctuation."""
    bare = re.sub(r"\{[^}]*\}", " ", sentence).lower()
    return " ".join(re.findall(r"[a-z]+", bare))


def sentences(text):
    return [skeleton(part) for part in re.split(r"(?<=[.;:])\s+|\n", text)]


def written_in(*folders):
    """Every string that the modules of these folders hold, docstrings and all."""
    for folder in folders:
        for path in sorted((ROOT / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_no_template_is_shared_with_training_or_the_demo():
    theirs = {one for text in written_in("vlm/embedded", "cases/phantom") for one in (*sentences(text), skeleton(text))}
    assert len(theirs) > 100
    ours = {one for text in OURS for one in (*sentences(text), skeleton(text)) if len(one.split()) >= SHORT}
    assert len(ours) >= len(OURS)
    assert not ours & theirs


def test_the_comparison_would_notice():
    theirs = {one for text in written_in("vlm/embedded") for one in sentences(text)}
    assert skeleton("There is a {size}{kind} in the {place}.") in theirs
    assert skeleton("No focal lung lesion is identified.") in theirs


@pytest.mark.parametrize("kind_mm", [12.0, 45.0])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("zone", ["upper", "mid", "lower"])
def test_a_note_says_what_it_was_told(side, zone, kind_mm):
    for seed in range(20):
        text = note_of([Remark(side, zone, kind_mm)], np.random.default_rng(seed))
        said = [
            m for one in read_note(text) for m in one.reading.mentions if m.finding in (Finding.NODULE, Finding.MASS)
        ]
        assert {m.laterality.value for m in said} == {side}
        assert all(m.polarity is Polarity.PRESENT for m in said)
        assert {m.locations for m in said} == {(f"{zone} zone",)}
        assert f"{round(kind_mm)} mm" in text
        assert ("mass" if kind_mm > 30 else "nodule") in text


def test_a_note_on_clear_lungs_mentions_no_lesion():
    for seed in range(20):
        for text in (note_of((), np.random.default_rng(seed)), note_of_gone(np.random.default_rng(seed))):
            assert not re.search(r"\d+ mm|left|right", text)


@pytest.mark.parametrize("side", ["left", "right", None])
def test_a_note_of_an_effusion_says_it_on_its_side_and_denies_it_nowhere(side):
    for seed in range(30):
        random = np.random.default_rng(seed)
        text = note_with([sentence_of_effusion(side, random)], random)
        (said,) = {(one.polarity, one.place.side.value) for one in told({"n": text}) if one.finding is Finding.EFFUSION}
        assert said == (Polarity.PRESENT, side or "not_stated")
        assert PLEURAL not in text


def test_a_note_without_an_effusion_leaves_none_standing():
    texts = {note_of_no_effusion(np.random.default_rng(seed)) for seed in range(40)}
    assert len(texts) > 6
    for text in texts:
        said = [one for one in told({"n": text}) if one.finding is Finding.EFFUSION]
        assert {one.polarity for one in said} == {Polarity.ABSENT}


@pytest.mark.parametrize(
    ("x", "y", "side", "zone"),
    [
        (0.3, 0.2, "right", "upper"),  # image left is the patient's right
        (0.7, 0.4, "left", "mid"),
        (0.7, 0.6, "left", "lower"),
    ],
)
def test_remarks_speak_of_the_patients_side(x, y, side, zone):
    remark = remark_on(Box(x - 0.02, y - 0.02, x + 0.02, y + 0.02), size_mm=20)
    assert (remark.side, remark.zone) == (side, zone)
    assert remark.other_side.side != side
