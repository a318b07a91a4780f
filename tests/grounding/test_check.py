"""Each rule: one report that breaks it, and its neighbour that does not."""

from __future__ import annotations

import pytest

from grounding.box import Box
from grounding.check import Rule, violations
from grounding.codecs.phrase import Phrase
from grounding.derive import derive_sentence
from grounding.report import Citation, GroundedReport, GroundedSentence, Laterality, Polarity, Progression

NOTE = "A 12 mm nodule in the left lower zone."
NOTES = {"n1": NOTE}
RIGHT, LEFT = Box(0.1, 0.3, 0.2, 0.4), Box(0.8, 0.3, 0.9, 0.4)  # the patient's


def broken(
    sentence: GroundedSentence,
    *,
    notes: dict[str, str] | None = None,
    limitations: tuple[str, ...] = (),
    has_prior: bool = True,
) -> list[Rule]:
    report = GroundedReport((sentence,), limitations=limitations)
    found = violations(report, notes=NOTES if notes is None else notes, has_prior=has_prior)
    return [violation.rule for violation in found]


def derived(text: str, *boxes: Box) -> GroundedSentence:
    return derive_sentence(Phrase(text, boxes), notes=NOTES)


CASES = [
    (derived("Nodule in the left lower zone."), [Rule.BOX_MISSING]),
    (derived("Nodule in the left lower zone.", LEFT), []),
    (derived("Nodule in the left lower zone, not localized."), []),  # says why
    (derived("Interstitial markings are diffusely prominent."), []),
    (derived("Possible nodule in the left lower zone."), []),  # in doubt, may have none
    (derived("No nodule."), []),
    (derived("History of lung cancer."), []),  # cannot be shown
    (derived("Nodule in the left lower zone.", RIGHT), [Rule.BOX_ON_WRONG_SIDE]),
    (derived("Nodule in the left lower zone.", LEFT, RIGHT), [Rule.BOX_ON_WRONG_SIDE]),  # one of two
    (derived("Bilateral effusions.", LEFT, RIGHT), []),
    (derived("Bilateral effusions.", LEFT), [Rule.BOX_ON_WRONG_SIDE]),  # one side only
    (derived("Nodule.", RIGHT), []),  # no side is stated
    (derived("Left effusion.", Box(0.4, 0.3, 0.7, 0.9)), []),  # near the midline nobody knows
    (derived("Nodule of 12 mm.", LEFT), []),  # stands in the note
    (derived("Nodule of 1.2 cm.", LEFT), []),  # the same length
    (derived("Nodule of 13 mm.", LEFT), [Rule.MEASUREMENT_WITHOUT_SOURCE]),
    (derived("No prior available for comparison."), [Rule.PRIOR_DENIED]),
    (GroundedSentence("No nodule.", finding="nodule", boxes=(LEFT,)), [Rule.BOX_ON_ABSENT, Rule.FIELD_AGAINST_WORDS]),
    (GroundedSentence("Left nodule.", finding="nodule", laterality=Laterality.RIGHT), [Rule.FIELD_AGAINST_WORDS]),
    (GroundedSentence("Nodule on the left.", finding="effusion"), [Rule.FIELD_AGAINST_WORDS]),
    (GroundedSentence("Nodule.", finding="nodule", laterality=Laterality.RIGHT), []),  # the words are silent
    (GroundedSentence("Nodule.", finding="nodule", polarity=Polarity.ABSENT), [Rule.FIELD_AGAINST_WORDS]),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "rules"), CASES)
def test_rules(sentence: GroundedSentence, rules: list[Rule]):
    assert broken(sentence) == rules


def test_a_limitation_that_names_the_finding_says_why():
    sentence = derived("Nodule in the left lower zone.")
    assert broken(sentence, limitations=("The nodule lies in the margin that the model never saw.",)) == []
    assert broken(sentence, limitations=("No indication was sent.",)) == [Rule.BOX_MISSING]


@pytest.mark.parametrize(
    ("citation", "rules"),
    [
        (Citation("n1", 2, 14, "12 mm nodule"), []),
        (Citation("n1", 2, 14, "12 MM nodule"), [Rule.CITATION_NOT_VERBATIM]),  # not as the note has it
        (Citation("n1", 3, 15, "12 mm nodule"), [Rule.CITATION_NOT_VERBATIM]),  # elsewhere
        (Citation("n1", 30, 42, "12 mm nodule"), [Rule.CITATION_NOT_VERBATIM]),  # past the end
        (Citation("n2", 2, 14, "12 mm nodule"), [Rule.CITATION_NOT_VERBATIM]),  # no such note
    ],
)
def test_citations_are_verbatim(citation: Citation, rules: list[Rule]):
    assert broken(GroundedSentence("Stable.", citations=(citation,))) == rules


@pytest.mark.parametrize(
    "text",
    [
        "Nodule in the left lower zone, new since the prior report.",
        "Nodule in the left lower zone, stable.",
        "Nodule again seen in the left lower zone.",
        "The nodule described in the prior report is no longer seen.",
        "No new nodule.",
    ],
)
def test_a_comparison_needs_a_prior(text: str):
    sentence = derive_sentence(Phrase(text, () if "no" in text.lower().split() else (LEFT,)), notes={})
    assert broken(sentence, notes={}, has_prior=False) == [Rule.COMPARISON_WITHOUT_PRIOR]
    assert broken(sentence, notes={}) == []


def test_a_change_that_only_the_field_states_needs_a_prior_too():
    sentence = GroundedSentence("Nodule.", finding="nodule", progression=Progression.WORSE)
    assert broken(sentence, has_prior=False) == [Rule.COMPARISON_WITHOUT_PRIOR]


def test_without_a_prior_it_may_say_so():
    assert broken(derived("No prior available for comparison."), has_prior=False) == []


@pytest.mark.parametrize(
    ("text", "notes", "rules"),
    [
        ("No prior report for comparison.", {}, []),  # an earlier image alone: there is no report
        ("No prior report for comparison.", {"n1": "Clear."}, [Rule.PRIOR_DENIED]),
        ("No prior available for comparison.", {}, [Rule.PRIOR_DENIED]),  # there is the image
    ],
)
def test_no_prior_report_is_true_beside_an_earlier_image_alone(text, notes, rules):
    assert broken(derived(text), notes=notes, has_prior=True) == rules


def test_messages_name_the_way_out_and_quote_nothing():
    report = GroundedReport((derived("Nodule of Mrs Smith in the left lower zone, 99 mm.", RIGHT),))
    found = violations(report, notes={"n1": "Mr Jones."}, has_prior=False)
    assert {violation.rule for violation in found} == {Rule.BOX_ON_WRONG_SIDE, Rule.MEASUREMENT_WITHOUT_SOURCE}
    for violation in found:
        assert ": " in violation.message
        assert "Smith" not in violation.message
        assert "Jones" not in violation.message


def test_violations_stand_in_the_order_of_the_sentences():
    report = GroundedReport((derived("Nodule on the left."), derived("No mass."), derived("Mass on the right.")))
    found = violations(report, notes={}, has_prior=True)
    assert [(violation.sentence, violation.rule) for violation in found] == [
        (0, Rule.BOX_MISSING),
        (2, Rule.BOX_MISSING),
    ]


@pytest.mark.parametrize(
    ("text", "notes", "rules"),
    [
        ("No effusion on the lateral view.", NOTES, [Rule.VIEW_NOT_ATTACHED]),
        ("No effusion on the lateral.", NOTES, [Rule.VIEW_NOT_ATTACHED]),
        ("No nodule on PA and lateral radiographs.", NOTES, [Rule.VIEW_NOT_ATTACHED]),
        ("No nodule on CT.", NOTES, [Rule.VIEW_NOT_ATTACHED]),
        ("No effusion on ultrasound.", NOTES, [Rule.VIEW_NOT_ATTACHED]),
        ("No nodule on CT.", {"n1": "CT of May: no nodule."}, []),  # the note has it
        ("No nodule; CT is advised to exclude one.", NOTES, []),  # yet to be made
        ("No lateral view was obtained, no effusion.", NOTES, []),  # says that there is none
        ("No opacity in the lateral left base.", NOTES, []),  # a place
        ("No nodule; act on it.", NOTES, []),  # no CT
    ],
)
def test_views_that_are_not_attached(text: str, notes: dict[str, str], rules: list[Rule]):
    assert broken(derive_sentence(Phrase(text), notes=notes), notes=notes) == rules


@pytest.mark.parametrize(("has_image", "rules"), [(False, [Rule.VIEW_NOT_ATTACHED]), (True, []), (None, [])])
def test_a_prior_image_that_is_not_attached(has_image: bool | None, rules: list[Rule]):
    report = GroundedReport((derived("The nodule on the prior image is no longer seen."),))
    found = violations(report, notes=NOTES, has_prior=True, has_prior_image=has_image)
    assert [violation.rule for violation in found] == rules


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Nodule in the left lower zone, not localized, stable compared with the prior report.", []),  # cites n1
        ("The nodule in the left lower zone described in the prior report is not seen.", []),
        ("The mass in the right upper zone described in the prior report is not seen.", [Rule.LEANS_WITHOUT_CITATION]),
        ("No effusion, unchanged since the prior report.", [Rule.LEANS_WITHOUT_CITATION]),
        ("No prior report for comparison.", [Rule.PRIOR_DENIED]),
        ("Mass in the right upper zone, not localized, new since the prior report.", []),  # nothing there to cite
        ("No effusion.", []),
    ],
)
def test_what_leans_on_a_note_cites_it(text: str, rules: list[Rule]):
    assert broken(derived(text)) == rules
