from collections import Counter

import numpy as np
import pytest
from PIL import Image

from evals.report_trials import TURNS, inserted_reports, labelled_reports
from grounding.findings import Finding
from grounding.report import Laterality, Polarity, Progression


@pytest.fixture(scope="module")
def folder(tmp_path_factory, thorax):
    """Normal and labelled images, one of them with a reader's box, one normal one with a note of its own."""
    where = tmp_path_factory.mktemp("cases")
    picture = Image.fromarray((thorax(256) >> 8).astype(np.uint8))
    box = '"[{""label"": ""Mass"", ""x_min"": 0.2, ""y_min"": 0.2, ""x_max"": 0.3, ""y_max"": 0.3}]"'
    rows = [f"n{n}.png,dev,p{n},PA,60,F,No Finding,," for n in range(4)]
    rows += [f"m.png,dev,q1,PA,60,F,Mass|Effusion,,{box}", "e.png,dev,q2,AP,60,F,Effusion,,", "u.png,dev,q3,PA,60,F,,,"]
    rows += ["t.png,train,q4,PA,60,F,Mass,,"]
    for row in rows:
        picture.save(where / row.split(",")[0])
    head = "file,split,patient,view,age,sex,labels_text_mined,labels_adjudicated,boxes\n"
    (where / "manifest.csv").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    notes = "".join(f"n{n}.png,own,2021-01-01,note,Own note.\n" for n in range(4))
    (where / "notes.csv").write_text("file,note_id,date,kind,text\n" + notes)
    return where


@pytest.fixture(scope="module")
def inserted(folder):
    return list(inserted_reports(folder, n=40, seed=2))


def test_every_turn_comes_and_its_truth_is_its_own(inserted):
    assert len(inserted) >= len(TURNS)
    kinds = Counter()
    for one, (shown, change) in zip(inserted, TURNS * 5, strict=False):
        (said,) = one.truth.expected
        assert bool(one.trial.lesions) is shown
        assert (said.polarity is Polarity.PRESENT) is shown
        assert bool([n for n in one.trial.case.notes if n.note_id == "evaluation-note"]) is (change is not None)
        kinds[said.progression] += 1
        if shown:
            (lesion,) = one.trial.lesions
            assert said.boxes == (lesion.box,)
            assert (said.laterality is Laterality.RIGHT) == (lesion.box.center[0] < 0.5)
    assert set(kinds) == {
        Progression.NOT_STATED,
        Progression.STABLE,
        Progression.WORSE,
        Progression.IMPROVED,
        Progression.NEW,
        Progression.RESOLVED,
    }


def test_the_folders_own_notes_go_along(inserted):
    assert all(one.trial.case.notes[-1].text == "Own note." for one in inserted)


def test_the_note_of_a_grown_lesion_has_its_smaller_size(inserted):
    from grounding.measurement import sizes_mm

    for one in inserted:
        (said,) = one.truth.expected
        if said.progression in (Progression.WORSE, Progression.IMPROVED):
            (then,) = sizes_mm(one.trial.case.notes[0].text)
            now = one.trial.lesions[0].diameter_mm
            assert (then < now) is (said.progression is Progression.WORSE)


def test_labels_know_the_finding_and_nothing_more(folder):
    made = {one.trial.patient: one.truth for one in labelled_reports(folder, n=100, seed=0)}
    assert set(made) == {"p0", "p1", "p2", "p3", "q1", "q2"}  # neither training images nor unlabelled ones
    mass = {claim.finding: claim for claim in made["q1"].expected}
    assert set(mass) == {Finding.MASS, Finding.EFFUSION}
    assert (mass[Finding.MASS].laterality, mass[Finding.MASS].progression) == (None, None)
    assert len(mass[Finding.MASS].boxes) == 1
    assert mass[Finding.EFFUSION].boxes == ()
    assert [(c.finding, c.polarity) for c in made["q2"].expected] == [
        (Finding.EFFUSION, Polarity.PRESENT),
        (Finding.NODULE, Polarity.ABSENT),
    ]
    absent = {c.finding for c in made["q2"].evidence if c.polarity is Polarity.ABSENT}
    assert Finding.PNEUMOTHORAX in absent
    assert Finding.EFFUSION not in absent
    assert len(list(labelled_reports(folder, n=2, seed=0))) == 2


def test_the_truth_is_not_in_the_case(inserted):
    for one in inserted:
        told = repr(one.trial.case)
        assert one.trial.patient not in told
        assert not any(str(round(lesion.box.x_min, 3)) in told for lesion in one.trial.lesions)
