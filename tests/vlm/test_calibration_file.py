"""A calibration comes back as it was kept, and never for weights that it was not fitted on."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.paths import StorePaths
from grounding.confidence import SIMULATED_ONLY, Calibrator, ConformalRule, Knot
from vlm.calibration_file import (
    Calibration,
    CalibrationError,
    MeasuredEce,
    Source,
    calibration_for,
    load,
    save,
    weights_file,
)
from vlm.model_spec import ModelSpec, Quantization
from vlm.raw_scores import Method

KEPT = Calibration(
    model_id="m",
    revision="a" * 64,
    quantization="none",
    method=Method.YES_NO,
    curves=(
        ("lesion absent", Calibrator((Knot(-1.5, -1.0), Knot(4.0, 2.0)))),
        ("lesion present", Calibrator((Knot(0.25, 0.5),))),
    ),
    rule=ConformalRule(0.1, 0.8, 60),
    source=Source.SIMULATED,
    sentences=300,
    patients=200,
    seed=4,
    ece=MeasuredEce(0.04, (0.02, 0.09), 150, 3),
    made=datetime(2026, 11, 24, 12, tzinfo=UTC),
)


def spec(folder: Path, **changes) -> ModelSpec:
    return dataclasses.replace(ModelSpec("m", folder, "a" * 64, "overread-cells@1", "overread-1", 320), **changes)


def test_a_file_gives_back_what_was_kept(tmp_path):
    save(KEPT, tmp_path / "calibration.json")
    assert load(tmp_path / "calibration.json", spec(tmp_path)) == KEPT
    assert [file.name for file in tmp_path.iterdir()] == ["calibration.json"]  # no half-written file stays


@pytest.mark.parametrize(
    "changes",
    [
        {"weights_sha256": "b" * 64},  # trained again
        {"quantization": Quantization.NF4},  # other numbers come out of it
    ],
)
def test_other_weights_are_refused_in_words(tmp_path, changes):
    save(KEPT, tmp_path / "calibration.json")
    with pytest.raises(CalibrationError, match=r"fit it again \(overread eval calibration --write"):
        calibration_for(spec(tmp_path, **changes))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "guess"),
        ("curves", {}),  # nothing is calibrated
        ("curves", {"lesion present": []}),
        ("curves", {"lesion present": [[0.0, 1.0], [1.0, 0.0]]}),  # falls
        ("curves", {"lesion present": [[0.0, 99.0]]}),  # surer than any fit
        ("conformal", {"alpha": 0.0, "threshold": 0.5, "patients": 1}),
        ("conformal", {"alpha": 0.1, "threshold": 1.5, "patients": 1}),
        ("fitted_on", "all patients of the world"),
        ("format", 2),
        ("made", "2026-11-24T12:00:00"),  # no time zone
        ("extra", 1),
        ("sentences", -1),
    ],
)
def test_what_no_calibration_can_hold(tmp_path, name, value):
    file = tmp_path / "calibration.json"
    save(KEPT, file)
    file.write_text(json.dumps(json.loads(file.read_text()) | {name: value}))
    with pytest.raises(CalibrationError, match="is not a calibration"):
        load(file, spec(tmp_path))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"NaN"])
def test_what_is_no_file_of_ours(tmp_path, content):
    (tmp_path / "calibration.json").write_bytes(content)
    with pytest.raises(CalibrationError, match="have it written again"):
        load(tmp_path / "calibration.json", spec(tmp_path))


def test_the_sites_own_wins_and_is_never_stood_in_for(tmp_path):
    model, store = spec(tmp_path / "weights"), tmp_path / "overread.duckdb"
    (tmp_path / "weights").mkdir()
    assert calibration_for(model, store) is None
    save(KEPT, weights_file(model))
    assert calibration_for(model, store) == KEPT
    own = dataclasses.replace(KEPT, source=Source.SITE)
    save(own, StorePaths(store).calibration)
    assert calibration_for(model, store) == own
    assert calibration_for(model) == KEPT
    save(dataclasses.replace(own, revision="c" * 64), StorePaths(store).calibration)
    with pytest.raises(CalibrationError):
        calibration_for(model, store)


def test_a_served_model_has_the_sites_file_only(tmp_path):
    served = ModelSpec("m", None, "", "maira2@1", "p", 518, endpoint="http://127.0.0.1/v1", served_name="s")
    assert weights_file(served) is None
    assert calibration_for(served, tmp_path / "overread.duckdb") is None


def test_two_served_models_that_declare_nothing_are_two(tmp_path):
    served = ModelSpec("m", None, "", "maira2@1", "p", 518, endpoint="http://127.0.0.1/v1", served_name="s")
    kept = dataclasses.replace(KEPT, revision=served.content)
    kept.refuse_other(served)
    with pytest.raises(CalibrationError, match="is of the model m, not of other"):
        kept.refuse_other(dataclasses.replace(served, model_id="other"))


def test_words_and_ids():
    site = dataclasses.replace(KEPT, source=Source.SITE)
    assert KEPT.words == SIMULATED_ONLY
    assert "300 sentences that readers of this site reviewed" in site.words
    assert site.calibrator_id.startswith("site-yes_no-")
    assert KEPT.calibrator_id.startswith("yes_no-")
    assert KEPT.calibrator_id == dataclasses.replace(KEPT, sentences=1).calibrator_id
    assert KEPT.calibrator_id != dataclasses.replace(KEPT, rule=ConformalRule(0.1, 0.7, 60)).calibrator_id
    assert KEPT.curve("lesion uncertain") is None
