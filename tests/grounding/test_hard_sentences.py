"""More hard sentences, written down by hand before the engine was asked; a share of 95 % must be right.

The tables of `test_context` must hold row by row. This one counts: a row that the engine gets wrong stays in it, is
named in `KNOWN_WRONG`. The word lists were mended after the rows were first asked (73 of 105 were right then), so the
share says how well known ground is held, not how new sentences fare: 37 of 45 of a second round were right unmended.
"""

from __future__ import annotations

import pytest

from grounding.context import Reading, read

TARGET = 0.95
LEAST = 150  # and as many again stand in `test_context`

# (sentence, what it says): "finding:polarity", then flags as far as a row is about them. +h historical, +f family,
# ">change", "@side", "#mm". A finding that is not named must not be found.
ROWS = [
    # cannot exclude, not excluded
    ("A small left apical pneumothorax cannot be excluded on this supine film.", "pneumothorax:u@left"),
    ("Underlying consolidation is not excluded.", "consolidation:u"),
    ("Superimposed pneumonia is difficult to exclude.", "pneumonia:u"),
    ("Cannot entirely exclude a nodule at the left apex.", "nodule:u@left"),
    ("An occult fracture has not been excluded.", "fracture:u"),
    ("Early edema could not be ruled out.", "edema:u"),
    ("This does not exclude pneumonia.", "pneumonia:u"),
    ("A mass is excluded.", "mass:a"),
    ("Pneumothorax was ruled out.", "pneumothorax:a"),
    ("CT to exclude a mass.", "mass:u"),
    ("Please rule out effusion.", "effusion:u"),
    ("A central mass could not be excluded, but no effusion is seen.", "mass:u effusion:a"),
    # no change in, and other words that only look like a denial
    ("No change in the left pleural effusion.", "effusion:p@left>stable"),
    ("No interval change in cardiomegaly.", "cardiomegaly:p>stable"),
    ("There has been no change in the size of the right nodule.", "nodule:p@right>stable"),
    ("The right pneumothorax has not changed.", "pneumothorax:p@right>stable"),
    ("Without interval change in the left basal atelectasis.", "atelectasis:p@left>stable"),
    ("Not significantly changed right effusion.", "effusion:p@right>stable"),
    ("No improvement in the left consolidation.", "consolidation:p@left>stable"),
    ("No progression of the fibrosis.", "fibrosis:p>stable"),
    ("The mass is not smaller.", "mass:p"),
    ("No doubt a mass.", "mass:p"),
    ("Not only a nodule but also an effusion.", "nodule:p effusion:p"),
    # previously seen
    ("The previously seen right effusion is no longer present.", "effusion:a@right>resolved"),
    ("Previously noted nodule is not identified today.", "nodule:a>resolved"),
    ("The previously described left mass is unchanged.", "mass:p@left>stable"),
    ("Previously seen consolidation has nearly resolved.", "consolidation:p>improved"),
    ("The effusion seen on the prior study has cleared.", "effusion:a>resolved"),
    ("Interval film: the earlier nodule can no longer be made out.", "nodule:a>resolved"),
    ("The film was read as clear, the former nodule having disappeared.", "nodule:a>resolved"),
    ("The pneumothorax has gone.", "pneumothorax:a>resolved"),
    ("The nodule is not visible any longer.", "nodule:a>resolved"),
    ("Nodule again demonstrated in the right apex.", "nodule:p@right"),
    ("Pneumothorax, not previously present.", "pneumothorax:p>new"),
    ("The right effusion persists.", "effusion:p@right>stable"),
    ("Recurrence of the left effusion.", "effusion:p@left"),
    ("The effusion has re-accumulated.", "effusion:p"),
    ("The nodule has doubled in size.", "nodule:p>worse"),
    ("Interval development of a left effusion.", "effusion:p@left>new"),
    ("The left effusion has developed since the last study.", "effusion:p@left>new"),
    ("Decrease in size of the right mass.", "mass:p@right>improved"),
    ("The mass has progressed.", "mass:p>worse"),
    # free of, clear of, and their kin
    ("Both pleural spaces are free of fluid.", ""),
    ("Lung fields are free of nodules.", "nodule:a"),
    ("The left lung is clear of consolidation.", "consolidation:a@left"),
    ("Free of any pneumothorax.", "pneumothorax:a"),
    ("The apices are free from masses.", "mass:a"),
    ("Devoid of effusion.", "effusion:a"),
    ("There is free air under the diaphragm.", "pneumoperitoneum:p"),
    ("Free pleural effusion on the right.", "effusion:p@right"),
    ("The right costophrenic angle is free.", ""),
    ("Nothing focal in either lung.", "no_finding:p"),
    ("Lung parenchyma normal throughout.", "no_finding:p"),
    ("The lungs are not clear.", "no_finding:a"),
    # dates and measurements
    ("12 mm nodule in the right upper zone, unchanged since 12.03.2019.", "nodule:p@right>stable#12"),
    ("Nodule measuring 1.2 x 0.9 cm on 2020-03-17.", "nodule:p#12,9"),
    ("Nodule of 8 mm in 2018, now 11 mm.", "nodule:p#8,11"),
    ("8-mm left nodule, 3 days after surgery.", "nodule:p@left#8"),
    ("Effusion up to 3 cm deep on the left.", "effusion:p@left#30"),
    ("Known lung nodule (left upper zone, approx. 12 mm on the earlier radiograph).", "nodule:p@left#12"),
    ("CXR of 4 May 2021: no effusion.", "effusion:a"),
    ("Old report: nodule of 14 mm at the left upper zone.", "nodule:p@left#14"),
    ("Old films: right effusion.", "effusion:p@right"),
    # family
    ("Father died of lung cancer.", "malignancy:p+f"),
    ("No family history of lung cancer.", "malignancy:a+f"),
    ("Sister with tuberculosis; patient has a left nodule.", "tuberculosis:p+f nodule:p@left"),
    ("Maternal grandmother had emphysema.", "emphysema:p+f"),
    ("FHx of lung cancer.", "malignancy:p+f"),
    ("Mother accompanied the patient, who has a right effusion.", "effusion:p@right"),
    # historical
    ("History of cancer.", "malignancy:p+h"),
    ("HISTORY OF CANCER.", "malignancy:p+h"),
    ("Cancer history.", "malignancy:p+h"),
    ("H/o breast ca.", "malignancy:p+h"),
    ("Hx: lung cancer.", "malignancy:p+h"),
    ("PMH: lung cancer.", "malignancy:p+h"),
    ("Lung cancer in 2009.", "malignancy:p+h"),
    ("Treated for tuberculosis 20 years ago.", "tuberculosis:p+h"),
    ("Had pneumonia as a child.", "pneumonia:p+h"),
    ("Previous cancer.", "malignancy:p+h"),
    ("Former smoker.", "smoking:p"),
    ("No history of cancer.", "malignancy:a"),
    ("History of cancer, now with a left effusion.", "malignancy:p+h effusion:p@left"),
    ("Old granuloma in the right apex.", "granuloma:p+h@right"),
    ("Post lobectomy on the left.", "surgery:p@left"),
    # sides and lists
    ("Effusions on both sides, right more than left.", "effusion:p@bilateral"),
    ("Left-sided effusion and right-sided pneumothorax.", "effusion:p@left pneumothorax:p@right"),
    ("Nodule on the right and not on the left.", "nodule:p@right"),
    ("Neither nodule nor mass, but a left effusion.", "nodule:a mass:a effusion:p@left"),
    ("No effusion on the right; small one on the left.", "effusion:a@right"),
    ("Heart not enlarged, no effusion.", "cardiomegaly:a effusion:a"),
    ("Nodule vs. vessel end on.", "nodule:u"),
    ("Likely small right effusion.", "effusion:u@right"),
    ("Probably no effusion.", "effusion:u"),
    ("Doubtful nodule at the right base.", "nodule:u@right"),
    ("Query nodule behind the heart.", "nodule:u"),
    ("Apparent nodule is a nipple shadow.", "nodule:p"),
    ("Unlikely to represent a mass.", "mass:u"),
    ("Blunting of the left costophrenic angle without effusion.", "effusion:p@left effusion:a"),
    ("Trace pleural fluid.", "effusion:p"),
    ("Pleural effusion: none.", "effusion:a"),
    ("Effusion - no.", "effusion:a"),
    ("Pneumothorax: absent.", "pneumothorax:a"),
    ("Pneumothorax? No.", "pneumothorax:a"),
    # a second round, written after the first was mended; 37 of 45 were right when first asked
    ("There is no convincing evidence of a left effusion.", "effusion:a@left"),
    ("A right-sided pneumothorax could not be completely excluded.", "pneumothorax:u@right"),
    ("I cannot rule out a nodule behind the heart.", "nodule:u"),
    ("Exclusion of a mass requires CT.", "mass:u"),
    ("Stable appearance of the left upper lobe mass.", "mass:p@left>stable"),
    ("Left basal effusion, not significantly changed from 3 May.", "effusion:p@left>stable"),
    ("There is no longer evidence of consolidation.", "consolidation:a>resolved"),
    ("The effusion described last time has been drained.", "effusion:a>resolved"),
    ("The known nodule in the right apex is unchanged at 9 mm.", "nodule:p@right>stable#9"),
    ("Fluid has been drained from the left; no residual effusion.", "effusion:a@left"),
    ("The pleura is free of plaques.", ""),
    ("Lungs free of infiltrates.", "infiltration:a"),
    (
        "No pneumonia, pneumothorax or effusion; old healed rib fractures.",
        "pneumonia:a pneumothorax:a effusion:a fracture:p+h",
    ),
    ("His brother had tuberculosis.", "tuberculosis:p+f"),
    ("There is a family history of emphysema.", "emphysema:p+f"),
    ("Remote history of pneumonia.", "pneumonia:p+h"),
    ("Known history of cancer.", "malignancy:p+h"),
    ("Past medical history: cancer.", "malignancy:p+h"),
    ("Patient with a history of cancer, follow-up.", "malignancy:p+h"),
    ("No known history of malignancy.", "malignancy:a"),
    ("Increase of the right effusion.", "effusion:p@right>worse"),
    ("Effusion on the left is now larger.", "effusion:p@left>worse"),
    ("Marked decrease in the left effusion.", "effusion:p@left>improved"),
    ("The nodule is slightly smaller, 10 mm versus 14 mm.", "nodule:p>improved#10,14"),
    ("Newly seen right mid zone nodule.", "nodule:p@right>new"),
    ("Interval resolution of pneumothorax.", "pneumothorax:a>resolved"),
    ("Small left pleural effusion has not changed.", "effusion:p@left>stable"),
    ("Fluid in the right pleural space.", ""),
    ("No evidence of pulmonary edema or effusion on either side.", "edema:a effusion:a@bilateral"),
    ("Suspected right lower lobe pneumonia, no effusion.", "pneumonia:u@right effusion:a"),
    ("Query left hilar mass.", "mass:u@left"),
    ("Opacity in the left lower zone, possibly consolidation.", "opacity:p@left consolidation:u"),
    ("Nodular opacity projecting over the right 5th rib, probably a granuloma.", "nodule:p@right granuloma:u"),
    ("Neither lung shows a nodule.", "nodule:a"),
    ("No new effusion, the known nodule persists.", "effusion:a nodule:p"),
    ("Mass in the right lung, present since 2017.", "mass:p@right"),
    ("Pneumothorax resolved after drainage.", "pneumothorax:a>resolved"),
    ("Nothing to suggest a pneumothorax.", "pneumothorax:a"),
    ("The left lung shows no nodule, the right lung a small effusion.", "nodule:a@left effusion:p@right"),
    ("Absent effusion.", "effusion:a"),
    ("Effusion was present in 2020 and is not seen now.", "effusion:a"),
    ("Unchanged, no nodule.", "nodule:a"),
    ("No recurrence of the effusion.", "effusion:a"),
    ("Minimal blunting of the right costophrenic angle, unchanged.", "effusion:p@right>stable"),
    ("Left pneumothorax, now resolved.", "pneumothorax:a@left>resolved"),
    ("Not excluded: a small left nodule.", "nodule:u@left"),
    ("There is no mass, nodule, or effusion, and the heart is enlarged.", "mass:a nodule:a effusion:a cardiomegaly:p"),
    ("Grandfather with lung cancer, patient well.", "malignancy:p+f"),
    ("History of left effusion, none today.", "effusion:p+h@left"),
]
KNOWN_WRONG = frozenset(
    {
        "The lungs are not clear.",  # no finding is named, and none is read
        "Lung cancer in 2009.",  # a year alone: "nodule of 8 mm in 2018, now 11 mm" is no history
        "No effusion on the right; small one on the left.",  # "one" stands for a finding
        "Heart not enlarged, no effusion.",  # nothing is read of the heart
        "Effusion - no.",  # a dash is no word
        "Effusion was present in 2020 and is not seen now.",  # two verbs for one finding
    }
)


def said(reading: Reading, expected: str) -> str:
    """What the engine read, in the row's spelling, flags only where the row is about them."""
    parts = []
    for wanted, mention in zip(expected.split() + [""] * len(reading.mentions), reading.mentions, strict=False):
        part = f"{mention.finding.value}:{mention.polarity.value[0]}"
        part += "+h" * mention.historical + "+f" * mention.family
        if "@" in wanted or mention.laterality.value in {"left", "right"}:
            part += f"@{mention.laterality.value}"
        if ">" in wanted:
            part += f">{mention.progression.value}"
        if "#" in wanted:
            part += "#" + ",".join(f"{size:g}" for size in reading.sizes_mm)
        parts.append(part)
    return " ".join(parts)


def right(sentence: str, expected: str) -> bool:
    return said(read(sentence), expected) == expected


@pytest.mark.parametrize(("sentence", "expected"), [row for row in ROWS if row[0] not in KNOWN_WRONG])
def test_each_row_that_is_not_known_to_be_wrong(sentence: str, expected: str):
    assert said(read(sentence), expected) == expected


def test_at_least_95_of_100_are_right():
    count = sum(right(*row) for row in ROWS)
    assert count / len(ROWS) >= TARGET, f"{count} of {len(ROWS)}"


def test_there_are_enough_hard_sentences():
    assert len({sentence for sentence, _ in ROWS}) >= LEAST


@pytest.mark.parametrize("sentence", sorted(KNOWN_WRONG))
def test_what_is_known_to_be_wrong_is_still_wrong(sentence: str):
    assert not right(sentence, dict(ROWS)[sentence]), "it is right now: take it out of KNOWN_WRONG"
