"""Raw scores: by hand with a backend of written-down probabilities, and against what a draft was made with."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest

from cases.draft import Draft, DraftStatus, Failure, FailureKind
from cases.study import InputName, InputState, MissingReason
from grounding.box import Box
from grounding.confidence import WIDENING
from grounding.report import GroundedReport, GroundedSentence, Laterality, Polarity
from grounding.stance import Stance
from vlm.agreement import shifted
from vlm.backend import Scored
from vlm.backends.transformers_local import TransformersLocal
from vlm.draft import draft_case
from vlm.outcome import identity
from vlm.raw_scores import Method, box_logs, context_missing, placed_sentences, raw_scores
from vlm.registry import embedded_spec
from vlm.statement_probe import beginnings, log_odds, shortest

SPEC = embedded_spec()
RAW = (
    "<obj>Nodule in the right upper zone.<box><c001></box></obj><obj>Former smoker.</obj>"
    "<obj>Mass in the left lower zone.<box><c002></box></obj>"
)
RIGHT = Stance("lesion", Polarity.PRESENT, Laterality.RIGHT)
LESIONS = (
    GroundedSentence("Nodule in the right upper zone.", finding="nodule", boxes=(Box(0.1, 0.1, 0.2, 0.2),)),
    GroundedSentence("Former smoker.", finding="smoking"),
    GroundedSentence(
        "Mass in the left lower zone.", finding="mass", boxes=(Box(0.6, 0.6, 0.7, 0.7), Box(0.8, 0.6, 0.9, 0.7))
    ),
)


def drafted(case, *sentences, raw=RAW, scores=()):
    report = GroundedReport(sentences or LESIONS)
    return Draft("d", case.case_id, case.received, DraftStatus.OK, identity(SPEC), raw, report, box_scores=scores)


class ByWord:
    """Every word and every mark is a token of a written-down log-probability, -1 where none is written down."""

    spec = SPEC

    def __init__(self, **known):
        self.known = known

    def answer(self, *, image, prompt, prior=None):
        raise AssertionError

    def log_probabilities(self, *, image, prompt, continuations, prior=None):
        spelt = [re.findall(r"<[^>]+>|[^\s<]+", text) for text in continuations]
        return tuple(Scored(tuple(self.known.get(token, -1.0) for token in tokens)) for tokens in spelt)


class Heard:
    """The embedded model, whose answer is kept."""

    def __init__(self):
        self.inner = TransformersLocal(SPEC)
        self.spec = self.inner.spec
        self.answers = []

    def answer(self, **asked):
        self.answers.append(self.inner.answer(**asked))
        return self.answers[-1]

    def log_probabilities(self, **asked):
        return self.inner.log_probabilities(**asked)


def test_words_alone_are_counted(make_case, pixels):
    case, backend = make_case(), ByWord(Nodule=-0.5, Mass=-4.0, **{"<obj>": -9.0})
    scores = raw_scores(case, pixels=pixels, draft=drafted(case), backend=backend, methods=[Method.SEQUENCE])
    assert scores[Method.SEQUENCE] == (pytest.approx((-0.5 - 5) / 6), None, pytest.approx((-4 - 5) / 6))


def test_the_stand_against_all_others_by_hand(make_case, pixels):
    """Two ways of eleven say "right"; at the third place a statement is only made with probability exp(-9)."""
    case, backend = make_case(), ByWord(**{"<obj>": -9.0})
    draft = drafted(case)
    scores = raw_scores(case, pixels=pixels, draft=draft, backend=backend, methods=[Method.YES_NO])[Method.YES_NO]
    ways = {one.text: len(one.text.split()) for one in beginnings(SPEC)}
    same = sum(math.exp(-9 - words) for text, words in ways.items() if text.endswith("in the right"))
    others = sum(math.exp(-9 - words) for text, words in ways.items() if not text.endswith("in the right"))
    assert len(ways) >= 11
    less = WIDENING * context_missing(case, SPEC)  # see `grounding.confidence.widened`
    assert scores[0] == pytest.approx(math.log(same / (others + 1 - math.exp(-9))) - less, abs=1e-6)
    assert scores[1] is None
    assert scores[2] == pytest.approx(
        scores[0], abs=1e-6
    )  # the same number of words on the left, and what stands before


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, 0),
        ({"notes": ()}, 1),
        ({"notes": (), "indication": None, "observations": ()}, 3),
        # stated as missing, though it is there
        ({"inputs": (InputState(InputName.PRIOR_NOTES, present=False, missing_reason=MissingReason.EXCLUDED),)}, 1),
        # the image is no context: without it there is no score at all
        ({"inputs": (InputState(InputName.CURRENT_IMAGE, present=False, missing_reason=MissingReason.EXCLUDED),)}, 0),
    ],
)
def test_what_of_the_context_is_missing(make_case, changes, missing):
    spec = dataclasses.replace(embedded_spec(), family="gemma3")  # which reads all but a prior image
    assert context_missing(make_case(**changes), spec) == missing


@pytest.mark.parametrize(
    ("opened", "odds"),
    [
        (0.0, 2 / 9),  # a statement is certain
        (math.log(0.5), (1 / 11) / (10 / 11)),  # half of the probability is on ending the answer
    ],
)
def test_leaving_it_unsaid_counts_among_the_others(opened, odds):
    spec = dataclasses.replace(SPEC, prompt="overread-1")
    ways = beginnings(spec)
    assert len(ways) == 11
    totals = [opened - math.log(11)] * 11
    assert log_odds(RIGHT, totals, spec=spec, opened=opened) == pytest.approx(math.log(odds), abs=1e-9)


def test_a_stand_that_the_model_cannot_take_has_no_odds():
    totals = [-1.0] * len(beginnings(SPEC))
    absent = Stance("cardiomegaly", Polarity.ABSENT, Laterality.NOT_STATED)
    assert log_odds(absent, totals, spec=SPEC, opened=0.0) is None


def test_beginnings_that_tell_stands_apart():
    book = ["Nodule in the left lung.", "Nodule in the right lung.", "Nodule.", "No nodule.", "No current image."]
    assert [one.text for one in shortest(book)] == [
        "Nodule in the left",
        "Nodule in the right",
        "Nodule.",
        "No nodule.",
        "No current",
    ]


def test_the_least_probable_box_counts():
    report = GroundedReport(LESIONS)
    assert box_logs(report, (0.5, 0.25, 0.125)) == (math.log(0.5), None, math.log(0.125))
    assert box_logs(report, ()) == (None, None, None)  # a backend without token probabilities


def test_the_box_is_added_where_there_is_one(make_case, pixels):
    case = make_case()
    sentences = (*LESIONS, GroundedSentence("No focal nodule or mass.", finding="nodule", polarity=Polarity.ABSENT))
    draft = drafted(case, *sentences, raw=RAW + "<obj>No focal nodule or mass.</obj>", scores=(0.5, 0.25, 0.125))
    scores = raw_scores(case, pixels=pixels, draft=draft, backend=ByWord(), methods=list(Method)[:4])
    plain, whole = scores[Method.YES_NO], scores[Method.YES_NO_BOX]
    assert whole[0] == pytest.approx(plain[0] + math.log(0.5))
    assert (whole[1], whole[3]) == (None, plain[3])


def test_sentences_are_found_in_order_and_not_twice(make_case):
    twice = GroundedSentence("Mass in the left lower zone.", finding="mass")
    raw = "<obj>Mass in the left lower zone.</obj><obj>Mass in the left lower zone.</obj>"
    first, second = placed_sentences(drafted(make_case(), twice, twice, raw=raw))
    assert (first.before, first.opened) == ("", "<obj>")
    assert second.before == "<obj>Mass in the left lower zone.</obj>"
    assert second.whole == raw.removesuffix("</obj>")
    assert placed_sentences(drafted(make_case(), twice, raw='[{"label": "mass"}]')) == ()


def test_words_that_were_only_thought_of_are_not_the_sentence(make_case):
    """Reasoning that comes first may hold the sentence's words; what counts is where the answer says it."""
    mass = GroundedSentence("Mass in the left lower zone.", finding="mass")
    thought = "<think>Is it a Mass in the left lower zone.</think>"
    (one,) = placed_sentences(drafted(make_case(), mass, raw=f"{thought}<obj>Mass in the left lower zone.</obj>"))
    assert one.before == thought


def test_an_impossible_sentence_has_no_score_rather_than_an_endless_one(make_case, pixels):
    backend = ByWord(Nodule=-math.inf)
    scores = raw_scores(
        make_case(), pixels=pixels, draft=drafted(make_case()), backend=backend, methods=[Method.SEQUENCE]
    )
    assert scores[Method.SEQUENCE] == (None, None, None)  # what follows it cannot be told either


def test_what_cannot_be_scored_is_not_measured(make_case, pixels):
    class Mute:
        spec = SPEC

        def answer(self, *, image, prompt, prior=None):
            raise AssertionError

    case = make_case()
    scores = raw_scores(case, pixels=pixels, draft=drafted(case), backend=Mute(), methods=list(Method)[:4])
    assert set(scores.values()) == {(None, None, None)}
    failure = Failure(FailureKind.PARSE, "in words")
    failed = Draft("d", "c1", case.received, DraftStatus.FAILED, identity(SPEC), "", failure=failure)
    assert raw_scores(case, pixels=pixels, draft=failed, backend=Mute(), methods=[Method.BOX]) == {Method.BOX: ()}


def test_scores_are_those_that_the_draft_was_made_with(make_case):
    from cases.phantom.image_set import case_seed
    from cases.phantom.simulated import simulated_case

    picture = np.rint(np.clip(simulated_case(seed=case_seed(7, 1)).pixels, 0, 1) * 65535).astype(np.uint16)
    case = make_case()
    case = dataclasses.replace(
        case, image=dataclasses.replace(case.image, rows=picture.shape[0], columns=picture.shape[1])
    )
    backend = Heard()
    draft = draft_case(case, pixels=picture, backend=backend, now=lambda: case.received, new_id=lambda: "d")
    scores = raw_scores(case, pixels=picture, draft=draft, backend=backend, methods=list(Method)[:2])
    (answer,) = backend.answers
    (first, *_) = placed_sentences(draft)
    inside = [log for token, log in zip(answer.tokens, answer.log_probabilities, strict=True)]
    start = answer.tokens.index("<obj>") + 1
    stop = next(at for at in range(start, len(answer.tokens)) if answer.tokens[at].strip() in ("<box>", "</obj>"))
    assert first.index == 0
    assert scores[Method.SEQUENCE][0] == pytest.approx(sum(inside[start:stop]) / (stop - start), abs=1e-4)
    assert all(score is None or -130 < score < 130 for score in scores[Method.YES_NO])


class Repeating:
    """Drafts a lesion in the same place of its input, whatever it is shown; every second answer is cut off."""

    spec = SPEC

    def __init__(self, *texts):
        self.texts, self.asked = texts, 0

    def answer(self, *, image, prompt, prior=None):
        from vlm.backend import Answer

        self.asked += 1
        return Answer(self.texts[self.asked % len(self.texts)], (), (), truncated=False, seconds=())


@pytest.mark.parametrize(
    ("texts", "repeats"),
    [
        (("<obj>Nodule in the right lower zone.</obj>",), 4),  # another zone is the same stand
        (("<obj>Mass in the right upper zone.</obj>", "<obj>No focal nodule or mass.</obj>"), 2),
        (("<obj>Nodule in the left upper zone.</obj>",), 0),  # the other side
        (("no answer at all",), 0),  # a failed redraft repeats nothing
    ],
)
def test_agreement_of_shifted_drafts(make_case, pixels, texts, repeats):
    case, backend = make_case(), Repeating(*texts)
    said = GroundedSentence("Nodule in the right upper zone.", finding="nodule", laterality=Laterality.RIGHT)
    draft = drafted(case, said, GroundedSentence("Former smoker."))
    scores = raw_scores(case, pixels=pixels, draft=draft, backend=backend, methods=[Method.SAMPLES])
    assert backend.asked == 4
    assert scores[Method.SAMPLES] == (pytest.approx(math.log((repeats + 0.5) / (4.5 - repeats))), None)


def test_a_box_elsewhere_is_no_repeat(make_case, pixels):
    case = make_case()
    text = "<obj>Nodule in the right upper zone.<box><c011><x3><y3><w03><h03></box></obj>"
    draft = draft_case(case, pixels=pixels, backend=Repeating(text), now=lambda: case.received, new_id=lambda: "d")
    (score,) = raw_scores(case, pixels=pixels, draft=draft, backend=Repeating(text), methods=[Method.SAMPLES])[
        Method.SAMPLES
    ]
    assert score > 0  # the same cell of a shifted image is nearly the same place
    moved = dataclasses.replace(draft.report.sentences[0], boxes=(Box(0.8, 0.8, 0.9, 0.9),))
    other = dataclasses.replace(draft, report=GroundedReport((moved,)))
    scores = raw_scores(case, pixels=pixels, draft=other, backend=Repeating(text), methods=[Method.SAMPLES])
    assert scores[Method.SAMPLES] == (pytest.approx(math.log(0.5 / 4.5)),)


def test_without_an_image_there_is_nothing_to_shift(make_case, pixels):
    case = make_case()
    gone = InputState(InputName.CURRENT_IMAGE, present=False, missing_reason=MissingReason.EXCLUDED)
    case = dataclasses.replace(case, inputs=(gone, *case.inputs[1:]))
    backend = Repeating("")
    scores = raw_scores(case, pixels=pixels, draft=drafted(case), backend=backend, methods=[Method.SAMPLES])
    assert scores[Method.SAMPLES] == (None, None, None)
    assert backend.asked == 0


def test_a_shift_moves_down_and_right_and_repeats_edges():
    picture = np.arange(12, dtype=np.uint16).reshape(3, 4)
    assert shifted(picture, x=-0.25, y=1 / 3).tolist() == [[1, 2, 3, 3], [1, 2, 3, 3], [5, 6, 7, 7]]
    assert np.array_equal(shifted(picture, x=0.0, y=0.0), picture)
