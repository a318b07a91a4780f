"""`overread calibrate` and `overread eval coverage`, on a pilot whose readers deleted what the model was unsure of."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cases.draft import Draft, DraftStatus
from cases.evidence import DraftEvidence, SentenceEvidence
from cases.paths import StorePaths
from cases.review import Arm, Decision, Reason, Review, SentenceReview
from cases.store import Store
from dashboard.cli import main
from dashboard.commands import calibrate, evaluate_calibration
from evals.trial import image_of, trial_case
from grounding.confidence import Calibrator, Confidence, ConfidenceSet, ConformalRule, Knot
from grounding.report import GroundedReport, GroundedSentence, Laterality
from vlm.calibration_file import Calibration, CalibrationError, MeasuredEce, Source, calibration_for
from vlm.outcome import identity
from vlm.raw_scores import Method
from vlm.registry import embedded_spec

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENTENCES = tuple(
    GroundedSentence(f"Nodule in the {side.value} upper zone.", finding="nodule", laterality=side)
    for side in (Laterality.LEFT, Laterality.RIGHT)
)
KEPT = Calibration(
    model_id="m",
    revision="",
    quantization="none",
    method=Method.SEQUENCE,
    curves=(("lesion present", Calibrator((Knot(0.0, 0.5),))),),
    rule=ConformalRule(0.1, 0.8, 60),
    source=Source.SIMULATED,
    sentences=300,
    patients=200,
    seed=0,
    ece=MeasuredEce(None, None, 0, 0),
    made=NOON,
)
METHOD = calibrate._method(embedded_spec()).value


def kept_pilot(path, patients, *, seed=0):
    """Two sentences a patient: each is right with the probability that its score says."""
    random = np.random.default_rng(seed)
    image = image_of(np.zeros((4, 4), dtype=np.uint16), view="PA", simulated=True)
    with Store.open(path, now=lambda: NOON) as store:
        for number in range(patients):
            name = f"c{number}"
            scores = random.normal(0.5, 1.5, 2)
            right = random.random(2) < 1 / (1 + np.exp(-2 * scores))
            store.register(replace(trial_case(name, image), received=NOON, site="north"), agent="t", role="system")
            report = GroundedReport(SENTENCES)
            draft = Draft(f"d{number}", name, NOON, DraftStatus.OK, identity(embedded_spec()), "raw", report=report)
            store.record_draft(draft, agent="t", evidence=measured(draft, scores))
            store.sign(signed(draft, right), agent_role="reader")
    return path


def measured(draft, scores):
    sentences = tuple(
        SentenceEvidence(n, confidence=Confidence(float(s), METHOD, 0.9, "yes_no-0", ConfidenceSet.ACCEPT))
        for n, s in enumerate(scores)
    )
    return DraftEvidence(f"e-{draft.draft_id}", draft.draft_id, draft.case_id, NOON, sentences, "0" * 64)


def signed(draft, right):
    decided = tuple(
        SentenceReview(n, Decision.KEPT, s, s)
        if right[n]
        else SentenceReview(n, Decision.DELETED, s, None, Reason.FALSE_POSITIVE)
        for n, s in enumerate(SENTENCES)
    )
    at = NOON + timedelta(minutes=5)
    return Review(f"r-{draft.draft_id}", draft.case_id, draft.draft_id, "r1", Arm.AI_FIRST, NOON, at, 60.0, decided)


@pytest.fixture(scope="module")
def pilot(tmp_path_factory):
    return kept_pilot(tmp_path_factory.mktemp("pilot") / "overread.duckdb", 52)


def test_a_site_calibrates_on_its_own_reviews(pilot, capsys):
    assert main(["calibrate", "--store", str(pilot), "--alpha", "0.2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    kept = calibration_for(embedded_spec(), pilot)
    assert told["written"] == StorePaths(pilot).calibration.name
    assert (kept.source, kept.sentences, kept.patients) == (Source.SITE, 104, 52)
    assert kept.calibrator_id == told["calibrator_id"]
    assert kept.calibrator_id.startswith("site-")
    assert told["note"].startswith("calibrated on 104 sentences that readers of this site reviewed")
    curve = kept.curve("lesion present")
    assert curve.probability(-2.0) < 0.3 < 0.7 < curve.probability(2.5)
    assert told["truth"].endswith("agreement with a reader, not truth")


def test_coverage_that_falls_short_raises_the_alarm(pilot, capsys):
    """Everything was accepted, and about a third of the sentences deleted: far more than one draft in ten is missed."""
    assert main(["eval", "coverage", "--store", str(pilot), "--json"]) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    week, whole = told["cells"]
    assert (week["site"], week["week"], whole["week"]) == ("north", "2026-W48", "all")
    assert (told["n_reviews"], told["n_sentences"], told["alarms"]) == (52, 104, 2)
    assert week["missed_drafts"]["n"] == 52
    assert "ALARM: coverage fell short at north, week 2026-W48" in err
    assert main(["eval", "coverage", "--store", str(pilot), "--alpha", "0.9"]) == 0
    assert "no alarm" in capsys.readouterr().out


def test_too_few_reviews_are_refused_with_their_number(tmp_path, capsys):
    few = kept_pilot(tmp_path / "overread.duckdb", 3)
    assert main(["calibrate", "--store", str(few)]) == 1
    said = capsys.readouterr().err
    assert "6 reviewed sentences of this model" in said
    assert "of 3 patients are too few" in said
    assert "it takes 100, 10 and 50" in said
    assert not StorePaths(few).calibration.exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("calibrate --store nowhere.duckdb", 4, "there is no store"),
        ("calibrate --store {pilot} --model nowhere", 4, "no model is named"),
        (
            "calibrate --store {pilot} --quantization nf4",
            1,
            "0 reviewed sentences of this model",
        ),  # none by these weights
        ("eval coverage --store nowhere.duckdb", 4, "there is no store"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(pilot, capsys, words, code, said):
    assert main(words.format(pilot=pilot).split()) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["calibrate --alpha 0", "calibrate --alpha 1", "eval calibration --simulated --alpha 2"]
)
def test_no_error_level(words, capsys):
    with pytest.raises(SystemExit):
        main(words.split())
    assert "an error level lies between 0 and 1" in capsys.readouterr().err


def test_two_cases_calibrate_nothing_and_write_nothing(tmp_path, capsys, monkeypatch):
    """The real model on two simulated cases."""
    monkeypatch.setattr("vlm.calibration_file.save", lambda *_: pytest.fail("written"))
    words = (
        f"eval calibration --simulated --n 2 --seed 3 --without-samples --write --json --out {tmp_path / 'kept.json'}"
    )
    assert main(words.split()) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told == json.loads((tmp_path / "kept.json").read_text())
    assert (told["n_images"], told["sharpened_without_cause"], told["methods"]["samples"]) == (
        2,
        None,
        {"scored": False},
    )
    assert told["n_fit"] + told["n_judge"] > 0
    assert told["not_calibrated"]["n"] == told["n_judge"]
    assert "nothing was calibrated" in err


def test_the_file_by_the_weights_is_for_these_weights(tmp_path, monkeypatch):
    spec = replace(embedded_spec(), folder=tmp_path)
    monkeypatch.setattr("vlm.registry.embedded_spec", lambda *_: spec)
    shipped = replace(KEPT, model_id=spec.model_id, revision=spec.content)
    written = evaluate_calibration._write(shipped)
    assert written == {
        "file": "calibration.json",
        "calibrator_id": shipped.calibrator_id,
        "revision": spec.weights_sha256,
    }
    assert calibration_for(spec) == shipped
    with pytest.raises(CalibrationError):
        calibration_for(replace(spec, weights_sha256="0" * 64))
