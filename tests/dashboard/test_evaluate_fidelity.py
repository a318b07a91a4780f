"""`overread eval fidelity` by the real model: two cases, one method, one step of the curves, to keep it short."""

from __future__ import annotations

import json

import pytest

from dashboard.cli import main
from vlm.looking import Looking, Method, Target


def test_fidelity_judges_the_embedded_model_s_maps(capsys, monkeypatch, tmp_path):
    looking = Looking(Method.GRADIENT_MAP, Target.STATEMENT)
    monkeypatch.setattr("evals.fidelity.LOOKINGS", (looking,))
    monkeypatch.setattr("evals.fidelity_curves.SHARES", (1 / 8,))
    monkeypatch.setattr("evals.fidelity.CHECKED", 2)
    out = tmp_path / "fidelity.json"
    assert main(["eval", "fidelity", "--simulated", "--n", "2", "--seed", "1", "--json", "--out", str(out)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(out.read_text())
    assert (told["ground"], told["n_cases"], told["written_method"]) == ("simulated", 2, looking.name)
    assert told["shown_method"] is None  # two cases decide nothing
    assert told["n_sentences"] >= 1, "no sentence of two simulated cases shows a box"
    method = told["methods"][looking.name]
    assert method["deletion_nats"]["n"] == told["n_sentences"]
    assert set(method["correlation_when_randomised"]) == {"language", "whole"}
    assert set(told["controls"]) == {"random", "centre", "own_box"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--cases", "/nowhere/at/all"], 4, "manifest.csv"),
        ([], 2, "--cases"),  # neither a folder nor the phantoms
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(capsys, arguments, code, words):
    try:
        ended = main(["eval", "fidelity", *arguments])
    except SystemExit as left:
        ended = left.code
    assert ended == code
    assert words in capsys.readouterr().err
