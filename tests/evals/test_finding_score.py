import math

import pytest

from evals.finding_score import book_of, scores_of, subject
from evals.labels import Target
from vlm.registry import embedded_spec
from vlm.score import Opening, openings


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Nodule in the left mid zone, stable compared with the prior report.", "nodule"),
        ("Pleural effusion.", "effusion"),
        ("Nodule or mass suspected, place not determined.", "nodule"),  # a suspicion is for it, not against it
        ("No focal nodule or mass.", "normal"),
        ("The lungs are clear.", "normal"),
        ("The mass in the left mid zone described in the prior report is not seen.", "silent"),  # of then, not of now
        ("History of lung cancer.", "silent"),
        ("No prior report for comparison.", "silent"),
        ("Other abnormality, not described.", "other"),
        ("No abnormality.", "normal"),
    ],
)
def test_what_a_statement_is_about(text, says):
    assert subject(text) == says


def book(*texts):
    return book_of(Opening(text, f"<obj>{text}") for text in texts)


NORMAL, NODULE, EFFUSION = "No focal nodule or mass.", "Nodule in the left mid zone.", "Pleural effusion."


def test_beginnings_are_as_short_as_they_may_be():
    made = book(NODULE, "Nodule in the right mid zone.", NORMAL, "No prior report.", EFFUSION)
    assert {spelling: name for name, spelling in made.beginnings} == {
        "<obj>Nodule": "nodule",
        "<obj>No focal": "normal",  # told from "No prior" by its second word
        "<obj>No prior": "silent",
        "<obj>Pleural": "effusion",
    }
    assert made.continuations[-1] == "<obj>No focal nodule or mass.</obj>"


def test_probabilities_by_hand():
    made = book(NODULE, NORMAL, EFFUSION)
    logs = {"nodule": 0.2, "normal": 0.7, "effusion": 0.1}
    later = {"nodule": 0.0, "normal": 0.6, "effusion": 0.4}
    names = [name for name, _ in made.beginnings]
    whole = math.log(0.7)
    totals = [math.log(logs[n]) for n in names] + [
        whole + (math.log(later[n]) if later[n] else -math.inf) for n in names
    ]
    scores = scores_of(made, [*totals, whole])
    odds = {target: 1 / (1 + math.exp(-score)) for target, score in scores.items()}
    assert odds[Target.NODULE_OR_MASS] == pytest.approx(0.2)
    assert odds[Target.EFFUSION] == pytest.approx(0.1 + 0.9 * 0.4)
    assert odds[Target.ANY_FINDING] == pytest.approx(0.3 + 0.7 * 0.4)


def test_what_the_book_cannot_state_is_not_measured():
    made = book(NODULE, NORMAL)
    scores = scores_of(made, [-1.0, -0.5, -3.0, -2.0, -0.6])
    assert scores[Target.EFFUSION] is None
    assert scores[Target.NODULE_OR_MASS] is not None


def test_certainties_have_finite_scores():
    made = book(NODULE, NORMAL)
    for sure in ([0.0, -math.inf], [-math.inf, 0.0]):
        scores = scores_of(made, [*sure, *sure, 0.0])
        assert all(math.isfinite(score) for score in scores.values() if score is not None)


def test_the_embedded_models_own_book():
    made = book_of(openings(embedded_spec()))
    assert made.normal.text == NORMAL
    assert made.states(Target.NODULE_OR_MASS)
    assert made.states(Target.ANY_FINDING)
    assert len(made.beginnings) < 20  # cheap: the image is encoded once and this many starts are scored
