"""`overread eval findings | report | priors` on a small folder, through the command line and the embedded model."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dashboard.cli import main

FIGURE = {"value", "ci95", "n"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures with the grey levels of a chest: three without a finding, one with; every patient unseen."""
    where = tmp_path_factory.mktemp("cases")
    side = 128
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    body = np.where(np.abs(x - 0.5) < 0.42, 0.7, 0.02)
    for centre in (0.31, 0.69):
        body[((x - centre) / 0.11) ** 2 + ((y - 0.43) / 0.25) ** 2 <= 1] = 0.3
    rows = ["n1.png,a,PA,No Finding", "n2.png,b,PA,No Finding", "n3.png,c,AP,No Finding", "m.png,d,PA,Mass"]
    for row in rows:
        Image.fromarray((body * 255).astype(np.uint8)).save(where / row.split(",")[0])
    (where / "manifest.csv").write_text("\n".join(["file,patient,view,labels_text_mined", *rows]) + "\n")
    return where


def asked(capsys, *arguments):
    assert main(["eval", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_findings(folder, capsys):
    told = asked(capsys, "findings", "--cases", folder)
    assert told["n_images"] == 4
    assert set(told["auc"]) == {"effusion", "nodule_or_mass", "any_finding"}
    for area in told["auc"].values():
        assert all(set(area[name]) == FIGURE for name in ("overall", "within_strata", "nuisance"))
    assert told["auc"]["nodule_or_mass"]["overall"]["value"] == 0.5  # the pictures are all alike
    assert told["auc"]["effusion"]["nuisance"]["value"] is None  # nobody has one
    assert told["model"]["model_id"] == "overread-embedded"


def test_report_and_its_radfact_file(folder, capsys, tmp_path):
    out = tmp_path / "radfact.json"
    told = asked(capsys, "report", "--cases", folder, "--insert", "none", "--n", 2, "--radfact", out)
    assert told["n_images"] == 2
    assert "surrogate" in told["method"]
    assert set(told["overall"]) == {"precision", "recall", "f1"}
    assert set(told["by_progression"]) == {"new", "worse", "stable", "improved", "resolved"}
    assert [set(one) for one in json.loads(out.read_text())] == [{"prediction", "target", "example_id"}] * 2


def test_priors(folder, capsys):
    told = asked(capsys, "priors", "--cases", folder, "--n", 1)
    assert {"n_images", "n_found", "seed", "model", "progression_right", "follows_image", "faults"} <= set(told)
    assert set(told["by_change"]) == {"same", "larger", "smaller", "new", "gone"}
    assert set(told["by_lie"]) == {"there", "gone", "other_side"}
    assert told["faults"]["n_drafts"] in (0, 1, 9)  # no scene, one that was not found, one that was


@pytest.mark.parametrize("measure", ["findings", "report", "priors"])
def test_a_folder_that_is_none(measure, tmp_path, capsys):
    assert main(["eval", measure, "--cases", str(tmp_path)]) == 4
    assert "manifest.csv" in capsys.readouterr().err
