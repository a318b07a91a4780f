from pathlib import Path

import pytest

from evals.labels import Target, is_there, labelled_findings
from evals.manifest import ManifestRow
from grounding.findings import Finding


def row(labels, adjudicated=""):
    given = tuple(label for label in labels.split("|") if label)
    return ManifestRow(Path("x.png"), "p", "dev", "PA", None, None, given, adjudicated, (), "s")


NO_PAIR = "Fracture=NO; Nodule or mass=NO"
PAIR = "Fracture=NO; Nodule or mass=YES"


@pytest.mark.parametrize(
    ("labels", "adjudicated", "effusion", "pair", "any_finding"),
    [
        ("No Finding", "", False, False, False),
        ("Effusion|Mass", "", True, True, True),
        ("Hernia", "", False, False, True),  # what is not labelled counts as absent
        ("Nodule", NO_PAIR, False, False, True),  # adjudicated goes before mined
        ("No Finding", PAIR, False, True, None),  # contradicts itself: neither a finding nor none
        ("", PAIR, None, True, True),  # nothing mined: only what was adjudicated is known
        ("", "", None, None, None),
        ("", NO_PAIR, None, False, None),  # two of many findings are absent: not "none"
        ("Something else", "", False, False, True),  # a label outside of the vocabulary is a finding all the same
    ],
)
def test_what_labels_say(labels, adjudicated, effusion, pair, any_finding):
    told = row(labels, adjudicated)
    assert is_there(told, Target.EFFUSION) is effusion
    assert is_there(told, Target.NODULE_OR_MASS) is pair
    assert is_there(told, Target.ANY_FINDING) is any_finding


def test_the_findings_of_labels():
    assert labelled_findings(row("Pleural_Thickening|Edema|Banana")) == {Finding.PLEURAL_THICKENING, Finding.EDEMA}
    assert labelled_findings(row("No Finding")) == frozenset()
    assert labelled_findings(row("")) is None
