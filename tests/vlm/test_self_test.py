"""The coordinate self-test, on backends that see perfectly and spell rightly, or are read wrongly."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cases.draft import FailureKind
from grounding.placement import Placement
from vlm.backend import Answer
from vlm.draft import draft_case
from vlm.errors import BackendError, ModelLoadError, NotOfferedError
from vlm.model_spec import ModelSpec
from vlm.registry import embedded_spec
from vlm.self_test import FAULTS, SelfTest, Shot, judged, take_self_test
from vlm.self_test_record import identity_hash, keep_self_test, kept_self_test, offered
from vlm.self_test_scene import Target, all_targets, drawn

TAKEN = datetime(2026, 1, 2, tzinfo=UTC)
SPEC = ModelSpec("seeing", Path("/nowhere"), "f" * 64, "maira2@1", "overread-1", 200)
FEW = all_targets()[::3]


def centroid(image):
    """Where the brightest spot of an image lies: its own eyes, which know nothing of targets."""
    bright = image >= np.percentile(image, 99.7)
    rows, columns = np.nonzero(bright)
    return float(np.median(columns) + 0.5), float(np.median(rows) + 0.5)


class Seeing:
    """Finds the opacity in the model's input, and spells its place as MAIRA-2 does, or in another way."""

    def __init__(self, spell=lambda x, y: (x, y), *, family="overread"):
        self.spell = spell
        self.spec = dataclasses.replace(SPEC, family=family)

    def answer(self, *, image, prompt, prior=None):
        del prompt, prior
        column, row = centroid(image)
        x, y = self.spell(column / image.shape[1], row / image.shape[0])
        steps = [min(99, max(0, round(100 * value - 0.5))) for value in (x - 0.03, y - 0.03, x + 0.03, y + 0.03)]
        box = "<x{}><y{}><x{}><y{}>".format(*steps)
        return Answer(f"<obj>Nodule in the left lung.<box>{box}</box></obj>", (), (), truncated=False, seconds=())


def asked(backend):
    return lambda case, pixels: draft_case(case, pixels=pixels, backend=backend, now=lambda: TAKEN, new_id=lambda: "d")


def verdict_on(backend):
    return take_self_test(asked(backend), taken=TAKEN, targets=FEW)


@pytest.fixture(autouse=True)
def bright_only(monkeypatch):
    """A plain dark field instead of a thorax, so that the brightest spot is the target and nothing else."""
    monkeypatch.setattr("vlm.self_test_scene._thorax", lambda _, side: np.full((side, side), 0.1, np.float32))


def test_the_target_is_where_the_test_says_it_is():
    for target in all_targets():
        column, row = centroid(drawn(target))
        assert (column / target.columns, row / target.rows) == pytest.approx((target.x, target.y), abs=0.002)
        assert target.columns != target.rows


def test_a_model_that_sees_and_spells_rightly_passes():
    found = verdict_on(Seeing())
    assert found.passed
    assert (found.targets, found.answered, found.within, found.fault) == (8, 8, 8, "")
    assert found.median_error < 0.01  # a bin is a hundredth


@pytest.mark.parametrize(
    ("spell", "fault"),
    [
        (lambda x, y: (y, x), "x and y are swapped"),  # Gemma's order read as Qwen's
        (lambda x, y: (1 - x, y), "left and right are mirrored"),  # boxes that speak patient
        (lambda x, y: (x, 1 - y), "top and bottom are mirrored"),  # rows counted from below
        (lambda x, y: (x / 2, y / 2), None),  # pixels of an image twice the size: no known fault, but far off
    ],
)
def test_a_wrong_spelling_fails_and_is_named(spell, fault):
    found = verdict_on(Seeing(spell))
    assert not found.passed
    assert fault in (None, found.fault)


def as_laid_in_whole(placement):
    """The placement that would hold, had the picture been stretched to the input: no margin or crop is undone."""
    return Placement(
        placement.columns,
        placement.rows,
        placement.input_columns,
        placement.input_rows,
        placement.input_columns / placement.columns,
        placement.input_rows / placement.rows,
        0.0,
        0.0,
    )


def forget_the_placement(monkeypatch):
    """A codec that reads a box as if the model had seen the whole picture and nothing else."""
    from grounding.codecs.registry import codec_named

    class Forgetful:
        def __init__(self, name):
            self.name, self.codec = name, codec_named(name)

        def decode(self, text, *, placement):
            return self.codec.decode(text, placement=as_laid_in_whole(placement))

    monkeypatch.setattr("vlm.answer_check.codec_named", Forgetful)


def test_a_margin_that_is_not_undone_fails(monkeypatch):
    forget_the_placement(monkeypatch)
    found = verdict_on(Seeing())
    assert not found.passed
    assert found.fault == "the margin is not undone"


def test_a_crop_that_is_undone_passes():
    assert verdict_on(Seeing(family="maira2")).passed


def test_a_crop_that_is_not_undone_fails(monkeypatch):
    forget_the_placement(monkeypatch)
    found = verdict_on(Seeing(family="maira2"))
    assert not found.passed
    assert found.fault == "the crop is not undone"


def test_a_model_that_answers_nothing_useful_fails_and_is_counted():
    class Broken(Seeing):
        def answer(self, *, image, prompt, prior=None):
            raise BackendError(FailureKind.NON_FINITE, "not finite")

    found = verdict_on(Broken())
    assert not found.passed
    assert (found.answered, found.median_error, found.failures) == (0, None, (("non_finite", 8),))
    assert "not measured" in found.in_words


def test_a_model_that_boxes_everything_does_not_pass():
    """Only the first three boxes count: the nearest of a hundred is always near."""

    class Everything(Seeing):
        def answer(self, *, image, prompt, prior=None):
            del image, prompt, prior
            boxes = "".join(
                f"<box><x{x}><y{y}><x{x + 4}><y{y + 4}></box>" for x in range(20, 80, 5) for y in range(20, 80, 5)
            )
            return Answer(f"<obj>Nodules.{boxes}</obj>", (), (), truncated=False, seconds=())

    found = verdict_on(Everything())
    assert found.answered == found.targets
    assert not found.passed


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_told_from_every_other_and_from_none(fault):
    shots = [Shot(target, (FAULTS[fault](target),)) for target in all_targets()]
    found = judged(shots, taken=TAKEN)
    assert found.fault == fault
    assert not found.passed


def test_a_little_noise_is_not_a_fault():
    rng = np.random.default_rng(0)
    shots = [Shot(t, ((t.x + rng.normal(0, 0.01), t.y + rng.normal(0, 0.01)),)) for t in all_targets()]
    assert judged(shots, taken=TAKEN).passed


@pytest.mark.parametrize(
    ("within", "median_error", "fault", "passed"),
    [
        (24, 0.03, "", True),  # at the bound
        (20, 0.01, "", True),  # 83 %
        (19, 0.01, "", False),  # 79 %
        (24, 0.031, "", False),
        (24, 0.01, "x and y are swapped", False),
        (0, None, "", False),
    ],
)
def test_the_rule(within, median_error, fault, passed):
    assert SelfTest("r", TAKEN, 24, 24, within, median_error, fault).passed is passed


PASSED = SelfTest("coordinates@1", TAKEN, 24, 24, 24, 0.008)
FAILED = dataclasses.replace(PASSED, within=3, fault="x and y are swapped", failures=(("parse", 2),))


def test_a_kept_self_test_is_read_back(tmp_path):
    file = tmp_path / "deep" / "s.selftests.json"
    other = dataclasses.replace(SPEC, weights_sha256="e" * 64)
    keep_self_test(file, SPEC, result=FAILED)
    keep_self_test(file, other, result=PASSED)
    assert (kept_self_test(file, SPEC), kept_self_test(file, other)) == (FAILED, PASSED)
    keep_self_test(file, SPEC, result=PASSED)
    assert kept_self_test(file, SPEC) == PASSED
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_gate(tmp_path):
    file = tmp_path / "s.selftests.json"
    with pytest.raises(NotOfferedError, match=r"before its coordinate self-test: overread doctor --model seeing"):
        offered(SPEC, file)
    keep_self_test(file, SPEC, result=FAILED)
    with pytest.raises(NotOfferedError, match="x and y are swapped"):
        offered(SPEC, file)
    keep_self_test(file, SPEC, result=PASSED)
    assert offered(SPEC, file).self_test == PASSED.in_words
    requantized = dataclasses.replace(SPEC, dtype="bfloat16")
    with pytest.raises(NotOfferedError):
        offered(requantized, file)


def test_the_embedded_model_needs_no_test_and_heeds_a_failed_one(tmp_path):
    file, spec = tmp_path / "s.selftests.json", embedded_spec()
    assert offered(spec, file) == spec
    keep_self_test(file, spec, result=FAILED)
    with pytest.raises(NotOfferedError):
        offered(spec, file)


def test_a_draft_carries_its_models_self_test(make_case, pixels):
    spec = dataclasses.replace(SPEC, self_test=PASSED.in_words)
    told = Seeing()
    told.spec = spec
    draft = draft_case(make_case(), pixels=pixels, backend=told, now=lambda: TAKEN, new_id=lambda: "d")
    assert draft.model.self_test == PASSED.in_words
    assert identity_hash(spec) == identity_hash(SPEC)


@pytest.mark.parametrize("content", ["", "[]", '{"a": {"passed": true}}', '{"a": 1}'])
def test_a_damaged_file_is_refused(tmp_path, content):
    file = tmp_path / "s.selftests.json"
    file.write_text(content)
    with pytest.raises(ModelLoadError, match="take the tests again"):
        offered(SPEC, file)


@pytest.mark.campaign
def test_the_embedded_model_passes_on_simulated_thoraces(monkeypatch):
    from vlm.backends.transformers_local import TransformersLocal

    monkeypatch.undo()
    found = take_self_test(asked(TransformersLocal(embedded_spec())), taken=TAKEN)
    assert found.passed, found.in_words


def test_targets_lie_off_the_diagonals():
    """On a diagonal a swap of axes, or a half turn, would not show."""
    for target in all_targets():
        assert isinstance(target, Target)
        assert abs(target.x - target.y) > 0.05
        assert abs(target.x + target.y - 1) > 0.05
