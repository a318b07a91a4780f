import csv

import numpy as np
import pytest
from PIL import Image

from evals.findings import chosen_rows, run, training_rows
from evals.labels import Target
from evals.nuisance import ON_OTHERS, ON_TRAINING

HEAD = ("file", "split", "patient", "view", "labels_text_mined", "source")


def folder_of(where, rows, *, seed=0):
    """Noise pictures; those of source "big" are larger files, and sicker."""
    random = np.random.default_rng(seed)
    with (where / "manifest.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(HEAD)
        for name, split, patient, view, labels, source in rows:
            level = 60 if labels == "No Finding" else 90
            noise = random.normal(level, 30 if source == "big" else 3, (32, 32))
            Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).save(where / name)
            writer.writerow((name, split, patient, view, labels, source))
    return where


def rows_of(split, count):
    for index in range(count):
        sick = index % 4 != 0 if index % 2 else index % 4 == 2
        source = "big" if index % 2 else "small"
        labels = "Effusion" if sick else "No Finding"
        yield (f"{split}{index}.png", split, f"{split}-{index // 2}", "PA", labels, source)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("cases"), [*rows_of("train", 24), *rows_of("dev", 24)])


def told(case, pixels):
    """A model that sees how bright an image is, and has no statement of a nodule."""
    bright = float(pixels.mean())
    return {Target.EFFUSION: bright, Target.ANY_FINDING: bright, Target.NODULE_OR_MASS: None}


def test_it_measures_the_unseen_images_only(folder):
    rows = chosen_rows(folder, n=1000, seed=0)
    assert {row.split for row in rows} == {"dev"}
    assert len(rows) == 24
    few = chosen_rows(folder, n=5, seed=1)
    assert few == chosen_rows(folder, n=5, seed=1)
    assert len(few) == 5


def test_areas_and_their_baseline(folder):
    result = run(chosen_rows(folder, n=1000, seed=0), score=told, seed=0, training=training_rows(folder))
    shape = result.as_dict()["auc"]
    assert shape["effusion"]["overall"]["value"] == 1.0  # brightness is the finding here
    assert shape["effusion"]["within_strata"]["value"] is None or shape["effusion"]["within_strata"]["value"] == 1.0
    assert shape["effusion"]["nuisance"]["value"] > 0.9  # the grey histogram tells it too
    assert shape["effusion"]["nuisance_fitted_on"] == ON_TRAINING
    assert shape["nodule_or_mass"]["overall"] == {"value": None, "ci95": None, "n": 0}  # no statement of it
    assert shape["any_finding"]["n_positive"] == shape["effusion"]["n_positive"]
    assert shape["effusion"]["overall"]["n"] == 24


def test_without_a_training_split_the_baseline_learns_from_other_patients(folder):
    result = run(chosen_rows(folder, n=1000, seed=0), score=told, seed=0)
    area = dict(result.areas)[Target.EFFUSION]
    assert area.fitted_on == ON_OTHERS
    assert area.nuisance.value > 0.8


def test_an_image_the_model_fails_on_ranks_lowest_and_is_counted(folder):
    from cases.draft import FailureKind
    from vlm.errors import BackendError

    def failing(case, pixels):
        if pixels.mean() > 75 * 257:
            raise BackendError(FailureKind.NON_FINITE, "not finite")
        return told(case, pixels)

    result = run(chosen_rows(folder, n=1000, seed=0), score=failing, seed=0)
    area = dict(result.areas)[Target.EFFUSION]
    assert result.failed == area.positives > 0
    assert area.overall.value == 0.0


def test_the_notes_of_the_folder_go_along(tmp_path):
    where = folder_of(tmp_path, rows_of("dev", 4))
    (where / "notes.csv").write_text("file,note_id,date,kind,text\ndev1.png,n1,2020-01-01,report,Clear.\n")
    seen = []

    def listening(case, pixels):
        seen.extend(note.text for note in case.notes)
        return told(case, pixels)

    run(chosen_rows(where, n=10, seed=0), score=listening, seed=0)
    assert seen == ["Clear."]
