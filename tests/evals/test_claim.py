"""The gallery of flips and paraphrases: what word-overlap metrics get wrong must be right here."""

import pytest

from evals.claim import Claim, bearing_out, claims_in, claims_of, sentence_of
from grounding.findings import Finding
from grounding.report import GroundedReport, GroundedSentence, Laterality, Polarity, Progression


def claims(text):
    return claims_of(GroundedReport((GroundedSentence(text),)))


def entailed(claim, evidence):
    said = claims(claim)
    assert said, f"no claim in {claim!r}"
    return all(bearing_out(one, claims(evidence)) for one in said)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("No pleural effusion.", "Pleural effusion."),  # BERTScore gives this flip 0.893
        ("No pneumothorax.", "Small apical pneumothorax."),
        ("Nodule in the left upper lobe.", "Nodule in the right upper lobe."),
        ("The lungs are clear.", "Mass in the left lower lobe."),
        ("Pleural effusion is present.", "There is no evidence of pleural effusion."),
        ("Cardiomegaly.", "No cardiomegaly."),
        ("Right pneumothorax.", "Right pleural effusion."),
    ],
)
def test_flips_are_no_match_in_either_direction(one, other):
    assert not entailed(one, other)
    assert not entailed(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The cardiac silhouette is mildly enlarged.", "Cardiomegaly."),  # BLEU and RadGraph give this paraphrase 0
        ("No pleural effusion.", "There is no evidence of pleural effusion."),
        ("Nodule in the left upper zone.", "A 12 mm nodular opacity is seen at the left apex."),
        ("Mass in the right lower zone.", "Right lower lobe nodule."),  # one group: a mass was a nodule once
        ("Bilateral pleural effusions.", "Pleural effusions on both sides."),
    ],
)
def test_paraphrases_match_in_both_directions(one, other):
    assert entailed(one, other)
    assert entailed(other, one)


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("Pleural effusion.", "Right pleural effusion."),
        ("Right pleural effusion.", "Bilateral pleural effusions."),
        ("No right pleural effusion.", "No pleural effusion."),
        ("No pneumothorax.", "Normal chest radiograph."),
    ],
)
def test_entailment_has_a_direction(weaker, stronger):
    assert entailed(weaker, stronger)
    assert not entailed(stronger, weaker)


def test_a_hedge_is_neither_borne_out_nor_bears_out():
    assert not entailed("Possible pleural effusion.", "Pleural effusion.")
    assert not entailed("Pleural effusion.", "Possible pleural effusion.")


def test_two_sides_make_both():
    evidence = (*claims("Right pleural effusion."), *claims("Left pleural effusion."))
    (both,) = claims("Bilateral pleural effusions.")
    assert len(bearing_out(both, evidence)) == 2
    assert not bearing_out(both, evidence[:1])


def test_an_absence_beside_a_presence_on_the_other_side():
    evidence = (
        Claim(Finding.NODULE, Polarity.PRESENT, Laterality.RIGHT),
        Claim(Finding.NODULE, Polarity.ABSENT, Laterality.LEFT),
    )
    (gone,) = claims("The nodule in the left mid zone described in the prior report is not seen.")
    (none,) = claims("No lung nodule.")
    assert bearing_out(gone, evidence)
    assert not bearing_out(none, evidence)


def test_a_side_that_the_truth_does_not_know_is_not_held_against_a_claim():
    (left,) = claims("Left pleural effusion.")
    assert bearing_out(left, (Claim(Finding.EFFUSION, Polarity.PRESENT, None, None),))


def test_history_is_no_claim_about_the_image():
    assert claims("History of lung cancer.") == ()
    assert claims("No prior report for comparison.") == ()


def test_a_sentence_of_two_findings_makes_two_claims():
    said = claims("No pleural effusion or pneumothorax.")
    assert {(claim.finding, claim.polarity) for claim in said} == {
        (Finding.EFFUSION, Polarity.ABSENT),
        (Finding.PNEUMOTHORAX, Polarity.ABSENT),
    }
    assert len(claims("No focal nodule or mass.")) == 1  # one group


@pytest.mark.parametrize("side", [Laterality.LEFT, Laterality.RIGHT, Laterality.NOT_STATED])
@pytest.mark.parametrize("finding", [Finding.NODULE, Finding.MASS, Finding.EFFUSION])
@pytest.mark.parametrize(
    ("polarity", "change"),
    [
        (Polarity.PRESENT, Progression.NOT_STATED),
        (Polarity.PRESENT, Progression.NEW),
        (Polarity.PRESENT, Progression.WORSE),
        (Polarity.PRESENT, Progression.IMPROVED),
        (Polarity.PRESENT, Progression.STABLE),
        (Polarity.ABSENT, Progression.NOT_STATED),
        (Polarity.ABSENT, Progression.RESOLVED),
    ],
)
def test_a_true_claim_in_words_is_read_as_it_was_meant(finding, side, polarity, change):
    claim = Claim(finding, polarity, side, change)
    (again,) = claims_in(sentence_of(claim))
    assert (again.finding, again.polarity, again.laterality, again.progression) == (finding, polarity, side, change)
