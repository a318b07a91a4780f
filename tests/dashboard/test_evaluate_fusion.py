"""`overread eval fusion | fusion-lab` through the command line; the embedded model is asked about two phantoms."""

import json

import pytest

from dashboard.cli import main


def test_fusion_asks_the_embedded_model(capsys):
    assert main(["eval", "fusion", "--simulated", "--n", "2", "--seed", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ground"], told["n_cases"], told["n_with_lesion"]) == ("simulated", 2, 1)
    assert told["faults"]["n_drafts"] == 20  # ten sets of inputs and notes a case
    for scenario in told["scenarios"].values():
        assert scenario["arms"]["joint"]["auc"]["n"] == 2
        assert set(scenario["differences"]["joint_minus_image_only"]["auc"]) == {"value", "ci95", "n"}


def test_the_lab_on_the_command_line(capsys):
    assert main(["eval", "fusion-lab", "--n", "200", "--repeats", "0", "--seed", "1"]) == 0
    said = capsys.readouterr().out
    assert "early_minus_image" in said and "simulated: True" in said


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fusion-lab", "--n", "20"], 2, "at least 200 patients"),
        (["fusion", "--cases", "/nowhere/at/all"], 4, "manifest.csv"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(capsys, arguments, code, words):
    assert main(["eval", *arguments]) == code
    assert words in capsys.readouterr().err
