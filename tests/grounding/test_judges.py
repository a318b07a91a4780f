"""The hard sentences before two judges that share no rule with ours: nlplite's and negspacy's negation.

Each judge is known to be wrong on some of them; those rows are listed, so that a new disagreement is seen. The truth
is the hand-written table in `test_context`, not a majority.
"""

from __future__ import annotations

import warnings

import nlplite
import pytest
import spacy

from grounding.context import read
from grounding.report import Polarity

SENTENCES = [
    ("No focal nodule or mass.", "nodule"),
    ("No pneumothorax, effusion, or consolidation.", "consolidation"),
    ("No pneumothorax or pleural effusion is identified.", "pneumothorax"),
    ("No effusion but a nodule at the left base.", "nodule"),
    ("No effusion but a nodule at the left base.", "effusion"),
    ("There is no evidence of pneumothorax.", "pneumothorax"),
    ("The lungs are free of consolidation.", "consolidation"),
    ("Without evidence of effusion.", "effusion"),
    ("Left nodule without calcification.", "nodule"),
    ("Left nodule without calcification.", "calcification"),
    ("Negative for pneumothorax.", "pneumothorax"),
    ("Absence of effusion.", "effusion"),
    ("Nodule in the right upper lobe.", "nodule"),
    ("Right pleural effusion, stable.", "effusion"),
    ("Stable right effusion without new consolidation.", "consolidation"),
    ("Cannot exclude early pneumonia.", "pneumonia"),
    ("A small pneumothorax is not excluded.", "pneumothorax"),
    ("Possible nodule at the left base.", "nodule"),
    ("Suspected consolidation.", "consolidation"),
    ("Pneumothorax unlikely.", "pneumothorax"),
    ("No change in the right upper lobe nodule.", "nodule"),
    ("No increase in effusion.", "effusion"),
    ("Previously seen consolidation has resolved.", "consolidation"),
    ("The nodule is no longer seen.", "nodule"),
    ("No new nodule.", "nodule"),
]
LETTER = {Polarity.PRESENT: "Y", Polarity.ABSENT: "N", Polarity.UNCERTAIN: "U"}
NLPLITE_DIFFERS = {  # it takes "cannot exclude" for a plain statement, "unlikely" for a denial, and knows no change
    "Cannot exclude early pneumonia.": "Y",
    "Pneumothorax unlikely.": "N",
    "The nodule is no longer seen.": "Y",
}
NEGSPACY_DIFFERS = {  # it knows neither doubt nor change
    "Cannot exclude early pneumonia.": "negated",
    "Pneumothorax unlikely.": "negated",
    "Previously seen consolidation has resolved.": "affirmed",
    "The nodule is no longer seen.": "affirmed",
}


def ours(text: str, word: str) -> Polarity:
    return next(mention.polarity for mention in read(text).mentions if mention.finding.value == word)


@pytest.mark.parametrize(("text", "word"), SENTENCES)
def test_against_nlplite(text: str, word: str):
    ((verdict, *_),) = nlplite.get_assertion_status(text, [word])
    expected = NLPLITE_DIFFERS.get(text, LETTER[ours(text, word)])
    assert verdict.lower() == f"{word}:{expected}".lower()


@pytest.fixture(scope="module")
def negspacy_pipeline() -> spacy.language.Language:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import negspacy.negation  # noqa: F401  (registers the pipe)

        pipeline = spacy.blank("en")
        pipeline.add_pipe("sentencizer")
        words = sorted({word for _, word in SENTENCES})
        pipeline.add_pipe("entity_ruler").add_patterns([{"label": "FINDING", "pattern": word} for word in words])
        pipeline.add_pipe("negex")
    return pipeline


@pytest.mark.parametrize(("text", "word"), SENTENCES)
def test_against_negspacy(text: str, word: str, negspacy_pipeline: spacy.language.Language):
    (verdict,) = {entity._.negex for entity in negspacy_pipeline(text.lower()).ents if entity.text == word}
    expected = NEGSPACY_DIFFERS.get(text, "negated" if ours(text, word) is Polarity.ABSENT else "affirmed")
    assert verdict is (expected == "negated")
