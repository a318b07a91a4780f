"""`overread eval longitudinal | missing` through the command line; the embedded model drafts one phantom."""

import json

import pytest

from dashboard.cli import main
from evals.longitudinal import NOT_USED
from vlm.families import family_named
from vlm.registry import embedded_spec


def test_longitudinal_asks_the_embedded_model_and_keeps_the_document(tmp_path, capsys):
    kept = tmp_path / "kept.json"
    words = f"eval longitudinal --simulated --n 1 --seed 3 --json --out {kept}"
    assert main(words.split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert json.loads(kept.read_text()) == told
    assert (told["n_images"], told["ground"]) == (1, "simulated")
    ways = 1 if told["prior_image"] == NOT_USED else 3
    assert told["faults"]["n_drafts"] == 1 + told["n_found"] * 5 * ways
    reads = not family_named(embedded_spec().family).unused
    assert (told["prior_image"] != NOT_USED) == reads


def test_without_cases_nothing_is_measured_and_nothing_is_zero(capsys):
    assert main(["eval", "missing", "--simulated", "--n", "0", "--evidence", "none", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n_images"], told["n_drafts"], len(told["by_subset"])) == (0, 0, 32)
    assert told["all"]["failed"] == {"value": None, "ci95": None, "n": 0}
    assert told["all"]["changes_unflagged"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["longitudinal", "--cases", "/nowhere/at/all"], 4, "manifest.csv"),
        (["missing", "--cases", "/nowhere/at/all"], 4, "manifest.csv"),
        (["missing", "--simulated", "--n", "0", "--out", "/nowhere/at/all/x.json"], 2, "in a folder that exists"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(capsys, arguments, code, words):
    assert main(["eval", *arguments]) == code
    assert words in capsys.readouterr().err
