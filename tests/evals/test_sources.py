import numpy as np
import pytest
from PIL import Image

from evals.insertion import CONTRASTS, NoPlaceError
from evals.manifest import ManifestError
from evals.simulated import simulated_trials
from evals.sources import boxed_trials, inserted_trials, normal_trials, normals


@pytest.fixture(scope="module")
def folder(tmp_path_factory, thorax):
    """Four normal images of two patients, one training image, one boxed image; 256 px, so that it is quick."""
    where = tmp_path_factory.mktemp("cases")
    picture = Image.fromarray((thorax(256) >> 8).astype(np.uint8))
    box = '"[{""label"": ""Mass"", ""x_min"": 0.2, ""y_min"": 0.2, ""x_max"": 0.3, ""y_max"": 0.3}]"'
    rows = [
        "a1.png,dev,alice,PA,60,F,No Finding,,",
        "a2.png,dev,alice,PA,60,F,No Finding,,",
        "b1.png,dev,bob,AP,50,M,No Finding,,",
        "a3.png,dev,alice,PA,60,F,No Finding,,",
        "t.png,train,tom,PA,40,M,No Finding,,",
        f"x.png,dev,xena,PA,70,F,Mass,,{box}",
    ]
    for row in rows:
        picture.save(where / row.split(",")[0])
    head = "file,split,patient,view,age,sex,labels_text_mined,labels_adjudicated,boxes\n"
    (where / "manifest.csv").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    (where / "notes.csv").write_text("file,note_id,date,kind,text\nb1.png,n1,2020-01-01,report,Clear.\n")
    return where


def test_training_images_are_never_used_and_every_patient_comes_first(folder):
    assert [row.path.name for row in normals(folder)] == ["a1.png", "b1.png", "a2.png", "a3.png"]


def test_inserted_trials(folder):
    trials = list(inserted_trials(folder, n=6, seed=4, subtle=2))
    assert [trial.lesions[0].tier for trial in trials] == ["moderate", "conspicuous"] * 3 + ["subtle"] * 2
    assert {trial.patient for trial in trials[:2]} == {"alice", "bob"}
    assert {trial.patient for trial in trials} == {"alice", "bob"}
    for trial in trials:
        for lesion in trial.lesions:
            low, high = CONTRASTS[lesion.tier]
            assert low <= lesion.contrast <= high


def test_the_truth_is_not_in_the_case(folder):
    for trial in inserted_trials(folder, n=2, seed=4):
        told = repr(trial.case)
        assert trial.patient not in told
        assert ".png" not in told
        assert not any(str(round(lesion.box.x_min, 3)) in told for lesion in trial.lesions)


def test_what_the_folder_knows_of_the_patient_goes_along(folder):
    by_patient = {trial.patient: trial.case for trial in normal_trials(folder, n=2)}
    assert (by_patient["bob"].age_years, by_patient["bob"].sex) == (50, "M")
    assert by_patient["bob"].notes[0].text == "Clear."
    assert by_patient["bob"].image.view_position == "AP"
    assert by_patient["alice"].notes == ()


def test_same_seed_same_trials(folder):
    first, again = (list(inserted_trials(folder, n=2, seed=9, subtle=0)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.case == other.case
        assert np.array_equal(one.pixels, other.pixels)
    (other_seed, *_) = inserted_trials(folder, n=1, seed=10, subtle=0)
    assert other_seed.lesions != first[0].lesions


def test_a_quarter_more_are_subtle(folder):
    tiers = [trial.lesions[0].tier for trial in inserted_trials(folder, n=4, seed=0)]
    assert tiers.count("subtle") == 1
    assert len(tiers) == 5


def test_boxed_trials(folder):
    (trial,) = boxed_trials(folder)
    assert (trial.patient, trial.lesions[0].tier) == ("xena", "Mass")
    assert trial.lesions[0].box.center == (0.25, 0.25)


def test_no_normals_is_said(tmp_path):
    (tmp_path / "manifest.csv").write_text("file,patient\na.png,p\n")
    with pytest.raises(ManifestError, match="No Finding"):
        normals(tmp_path)


def test_a_folder_without_lungs_is_said(tmp_path):
    Image.fromarray(np.full((64, 64), 200, dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_text("file,patient,labels_text_mined\na.png,p,No Finding\n")
    with pytest.raises(NoPlaceError, match="frontal chest radiographs"):
        list(inserted_trials(tmp_path, n=1, seed=0))


def test_a_folder_without_headroom_is_said(tmp_path, thorax):
    """Lungs are found, but at 0.92 of the range no contrast fits under white: said, not tried for ever."""
    bright = np.clip((thorax(128) >> 8).astype(int) + 160, 0, 255).astype(np.uint8)
    Image.fromarray(bright).save(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_text("file,patient,labels_text_mined\na.png,p,No Finding\n")
    with pytest.raises(NoPlaceError, match="under white"):
        list(inserted_trials(tmp_path, n=2, seed=0))


def test_simulated_trials_carry_notes_and_truth_apart():
    trials = list(simulated_trials(n=3, seed=2))
    assert [trial.case.image.simulated for trial in trials] == [True] * 3
    assert all("Phantom Simulated" not in note.text for trial in trials for note in trial.case.notes)
    assert {lesion.tier for trial in trials for lesion in trial.lesions} <= {"moderate", "conspicuous"}
    assert len({trial.patient for trial in trials}) == 3
