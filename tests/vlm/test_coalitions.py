"""Evidence by removal: who the players are, what each coalition is asked, and what the scores add up to."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, date, datetime

import numpy as np
import pytest

from cases.pixels import Pixels
from cases.study import InputName, InputState, MissingReason, PriorNote
from grounding.attribution import EvidenceInput, coalitions
from grounding.report import GroundedReport, GroundedSentence
from vlm.backend import AnswerScoringBackend, ScoredAnswer
from vlm.backends.transformers_local import TransformersLocal
from vlm.coalitions import attributions, table, values_of, without
from vlm.draft import draft_case
from vlm.question import fitting_prompt, question_of
from vlm.redrafts import Redrafts, redrafts
from vlm.registry import embedded_spec
from vlm.score import score_case
from vlm.spoken import spoken
from vlm.ways import Manner

IMAGE, PRIOR, REPORT, NOTES, VALUES = EvidenceInput
THEN = date(2020, 12, 15)
OLD = PriorNote("n1", THEN, "report", "Nodule in the right upper lobe.")
VISIT = PriorNote("n2", THEN, "note", "History of breast cancer.")
ANSWER = "<obj>Nodule in the left lung.<box><x20><y30><x39><y49></box></obj><obj>History of breast cancer.</obj>"
REMARK = "No prior report for comparison."
LESION, CANCER = len("Nodule in the left lung."), len("History of breast cancer.")


def missing(case, *names):
    kept = tuple(state for state in case.inputs if state.name not in names)
    gone = tuple(InputState(name, present=False, missing_reason=MissingReason.NOT_SENT) for name in names)
    return dataclasses.replace(case, inputs=(*kept, *gone))


def with_prior(case):
    kept = tuple(state for state in case.inputs if state.name is not InputName.PRIOR_IMAGE)
    image = dataclasses.replace(case.image, acquired=THEN)
    return dataclasses.replace(case, prior_image=image, inputs=(*kept, InputState(InputName.PRIOR_IMAGE, present=True)))


class Leaning:
    """One token a character; a sentence's characters cost 1 nat each where what it leans on is not given.

    Lesions lean on the image, cancers on the word "cancer" in the prompt. With `remarking`, a cancer costs as much
    where no report is given, unless the remark on that stands before it, and only then is the remark free.
    """

    def __init__(self, spec, *, remarking=False, impossible=False):
        self.spec, self.remarking, self.worst = spec, remarking, -math.inf if impossible else -1.0
        self.asked = []

    def answer(self, *, image, prompt, prior=None):
        raise AssertionError

    def log_probabilities(self, *, image, prompt, continuations, prior=None):
        raise AssertionError

    def answer_log_probabilities(self, asked):
        self.asked += asked
        return tuple(map(self._scored, asked))

    def _scored(self, one):
        costs = [0.0] * len(one.answer)
        remarks = self.remarking and "report" not in one.prompt
        displaced = remarks and REMARK not in one.answer
        leaning = (
            ("Nodule in the left lung.", one.image is None),
            ("History of breast cancer.", "cancer" not in one.prompt or displaced),
            (REMARK, not remarks),
        )
        for words, lost in leaning:
            start = one.answer.find(words)
            if lost and start >= 0:
                costs[start : start + len(words)] = [self.worst] * len(words)
        return ScoredAnswer(tuple((index, index + 1) for index in range(len(costs))), tuple(costs))


@pytest.fixture
def drafted(scripted, pixels):
    """The product's draft of a model that says this."""

    def draft(case, text=ANSWER):
        backend = scripted.Scripted(lambda: scripted.answer(text))
        return draft_case(
            case, pixels=pixels, backend=backend, now=lambda: datetime(2024, 1, 1, tzinfo=UTC), new_id=lambda: "d"
        )

    return draft


@pytest.fixture
def full(make_case):
    """A case with everything but a prior image."""
    return make_case(notes=(OLD, VISIT))


# what is there -> who plays
PLAYERS = [
    (lambda case: case, (IMAGE, REPORT, NOTES, VALUES)),
    (lambda case: missing(case, InputName.CURRENT_IMAGE), (REPORT, NOTES, VALUES)),
    (lambda case: missing(case, InputName.PRIOR_NOTES), (IMAGE, NOTES, VALUES)),  # the indication is left
    (lambda case: missing(case, InputName.PRIOR_NOTES, InputName.INDICATION), (IMAGE, VALUES)),
    (lambda case: missing(case, InputName.INDICATION), (IMAGE, REPORT, NOTES, VALUES)),  # the clinical note is left
    (lambda case: missing(case, InputName.STRUCTURED_VALUES), (IMAGE, REPORT, NOTES)),
    (lambda case: dataclasses.replace(case, observations=()), (IMAGE, REPORT, NOTES)),  # stated as there, yet empty
    (lambda case: dataclasses.replace(case, notes=(VISIT,), indication=None), (IMAGE, NOTES, VALUES)),
    (lambda case: missing(case, *InputName), ()),
]


@pytest.mark.parametrize(("change", "players"), PLAYERS)
def test_who_plays(full, pixels, scripted, change, players):
    assert table(change(full), pixels=pixels, backend=Leaning(scripted.SPEC)).players == players


def test_an_input_that_the_model_never_reads_does_not_play(full, pixels, scripted):
    """MAIRA-2 drops the report where no prior image is given; its indication it reads. A prior image brings both."""
    maira2 = Leaning(dataclasses.replace(scripted.SPEC, family="maira2", prompt="maira2-1"))
    players = table(full, pixels=pixels, backend=maira2).players
    assert REPORT not in players
    assert {IMAGE, NOTES} <= set(players)
    unread = table(with_prior(full), pixels=Pixels(pixels, pixels), backend=maira2).players
    assert PRIOR not in unread  # this family is not shown it here


def test_a_note_later_than_the_study_does_not_play(make_case, pixels, scripted):
    late = dataclasses.replace(OLD, written=date(2030, 1, 1))
    case = make_case(notes=(late,), indication=None)
    assert table(case, pixels=pixels, backend=Leaning(scripted.SPEC)).players == (IMAGE, VALUES)


def test_everything_given_is_the_drafts_own_question(full, pixels, scripted):
    backend = Leaning(scripted.SPEC)
    about = table(full, pixels=pixels, backend=backend)
    one = about.asked(frozenset(about.players), "x")
    question = question_of(full, pixels=pixels, side=100, prompt=fitting_prompt(full, backend))
    assert (one.prompt, one.prior) == (question.prompt.text, None)
    assert np.array_equal(one.image, question.image)


def test_what_a_coalition_lacks_is_not_in_its_prompt(full, pixels, scripted):
    about = table(full, pixels=pixels, backend=Leaning(scripted.SPEC))
    words = {REPORT: "upper lobe", NOTES: "breast cancer", VALUES: "smoking"}
    for coalition in coalitions(about.players):
        one = about.asked(coalition, "x")
        assert (one.image is not None) == (IMAGE in coalition)
        assert {name for name, word in words.items() if word in one.prompt} == coalition - {IMAGE}
        assert ("persistent cough" in one.prompt) == (NOTES in coalition)  # the indication goes with the notes
        assert one.prompt.startswith("age 61 sex F")  # no input: always there


def test_a_removed_note_makes_no_room_for_another(make_case, pixels, scripted):
    long = dataclasses.replace(OLD, text="Nodule in the right upper lobe. " * 26)
    case = make_case(notes=(long, dataclasses.replace(VISIT, written=date(2019, 1, 1))), indication=None)
    about = table(case, pixels=pixels, backend=Leaning(scripted.SPEC))
    assert about.players == (IMAGE, REPORT, VALUES)  # the older note did not fit
    assert not any("cancer" in about.asked(one, "x").prompt for one in coalitions(about.players))


def test_attribution_by_hand(full, pixels, scripted, drafted):
    """The lesion leans on the image alone, the history on the clinical notes alone; each letter is worth a nat."""
    lesion, cancer = attributions(full, pixels=pixels, draft=drafted(full), backend=Leaning(scripted.SPEC))
    assert lesion.inputs == (IMAGE, REPORT, NOTES, VALUES)
    assert lesion.shapley == pytest.approx((LESION, 0, 0, 0), abs=1e-6)
    assert cancer.shapley == pytest.approx((0, 0, CANCER, 0), abs=1e-6)
    assert (lesion.top, cancer.top) == (IMAGE, NOTES)
    assert (cancer.full, cancer.empty) == pytest.approx((0.0, -CANCER))
    assert cancer.coalitions == 16


def test_each_coalition_scores_the_draft_once(full, pixels, scripted, drafted):
    backend = Leaning(scripted.SPEC)
    about, said = table(full, pixels=pixels, backend=backend), spoken(drafted(full))
    values_of(about, said, backend=backend, manner=Manner.IN_DRAFT)
    assert [one.answer for one in backend.asked] == [ANSWER] * 16


def test_a_remark_that_comes_first_takes_nothing_from_a_sentence(full, pixels, scripted, drafted):
    """Without a report this model first remarks on that. In the draft the history then seems to lean on the report."""
    backend = Leaning(scripted.SPEC, remarking=True)
    about, said = table(full, pixels=pixels, backend=backend), spoken(drafted(full))
    plain = values_of(about, said, backend=backend, manner=Manner.IN_DRAFT)[1]
    remarked = values_of(about, said, backend=backend, manner=Manner.REMARKED)[1]
    no_report = frozenset({IMAGE, NOTES, VALUES})
    assert plain[no_report] == -CANCER
    assert remarked[no_report] == pytest.approx(0.0, abs=1e-9)
    assert remarked[no_report | {REPORT}] == plain[no_report | {REPORT}] == 0.0  # with a report there is no such way
    (_, cancer) = attributions(full, pixels=pixels, draft=drafted(full), backend=backend)
    assert cancer.shapley == pytest.approx((0, 0, CANCER, 0), abs=math.log(2))  # two ways to say what is unlikely


class Unable:
    """It answers, and scores nothing."""

    def __init__(self, spec):
        self.spec = spec

    def answer(self, *, image, prompt, prior=None):
        raise AssertionError


def test_what_cannot_be_measured_is_none(full, pixels, scripted, drafted):
    draft, scoring = drafted(full), Leaning(scripted.SPEC)
    assert isinstance(scoring, AnswerScoringBackend)
    assert attributions(full, pixels=pixels, draft=draft, backend=Unable(scripted.SPEC)) == (None, None)
    elsewhere = dataclasses.replace(draft, raw_text="<obj>Something else.</obj>")
    assert attributions(full, pixels=pixels, draft=elsewhere, backend=scoring) == (None, None)
    impossible = Leaning(scripted.SPEC, impossible=True)
    assert attributions(full, pixels=pixels, draft=draft, backend=impossible) == (None, None)
    assert attributions(full, pixels=pixels, draft=drafted(full, "no object"), backend=scoring) == ()


def test_without_removes_and_says_so(full):
    fewer, _ = without(missing(full, InputName.INDICATION), None, {REPORT, NOTES, VALUES, IMAGE})
    assert (fewer.notes, fewer.indication, fewer.observations) == ((), None, ())
    states = {state.name: state.missing_reason for state in fewer.inputs}
    assert states == {
        InputName.CURRENT_IMAGE: MissingReason.EXCLUDED,
        InputName.PRIOR_IMAGE: MissingReason.NOT_SENT,  # was missing already
        InputName.PRIOR_NOTES: MissingReason.EXCLUDED,
        InputName.INDICATION: MissingReason.NOT_SENT,
        InputName.STRUCTURED_VALUES: MissingReason.EXCLUDED,
    }


def test_without_one_kind_of_note_the_other_stays(full):
    assert without(full, None, {REPORT})[0].notes == (VISIT,)
    fewer, _ = without(full, None, {NOTES})
    assert (fewer.notes, fewer.indication) == ((OLD,), None)
    assert InputState(InputName.PRIOR_NOTES, present=True) in fewer.inputs


def test_without_the_prior_image_its_pixels_go_too(full, pixels):
    fewer, left = without(with_prior(full), Pixels(pixels, pixels), {PRIOR})
    assert fewer.prior_image is None
    assert left == Pixels(pixels, None)
    assert without(full, pixels, {VALUES})[1] is pixels


def test_a_case_that_states_nothing_gets_the_statement(full):
    fewer, _ = without(dataclasses.replace(full, inputs=()), None, {VALUES})
    assert fewer.inputs == (
        InputState(InputName.STRUCTURED_VALUES, present=False, missing_reason=MissingReason.EXCLUDED),
    )


def test_redrafts_ask_the_same_model_for_less(full, pixels, scripted):
    backend = scripted.Scripted(lambda: scripted.answer("<obj>No effusion.</obj>"))
    again = redrafts(full, pixels=pixels, backend=backend)
    assert [one.sentences[0].text for one in (again.without_notes, again.without_image)] == ["No effusion."] * 2
    (image, prompt), (no_image, words) = backend.asked
    assert image is not None
    assert prompt == "age 61 sex F"  # no word from outside is left, nor one that a value could hide
    assert no_image is None
    assert "breast cancer" in words
    assert any(said.startswith("Prior notes: missing (excluded)") for said in again.without_notes.limitations)


def test_there_is_no_redraft_without_what_was_not_there(make_case, pixels, scripted):
    backend = scripted.Scripted(lambda: scripted.answer("<obj>No effusion.</obj>"))
    bare = make_case(notes=(), indication=None, observations=())
    assert redrafts(bare, pixels=pixels, backend=backend).without_notes is None
    assert redrafts(missing(bare, InputName.CURRENT_IMAGE), pixels=pixels, backend=backend).without_image is None
    assert len(backend.asked) == 1


def test_a_draft_made_from_images_alone_is_what_they_say(full, pixels, scripted):
    """There is then nothing to draft again; where nobody knows what it was made from, nobody knows what they say."""
    backend = scripted.Scripted(lambda: scripted.answer("<obj>No effusion.</obj>"))
    bare = dataclasses.replace(full, notes=(), indication=None, observations=())
    draft = GroundedReport((GroundedSentence("Nodule."),))
    assert redrafts(bare, pixels=pixels, backend=backend).from_images(draft) is draft
    assert redrafts(full, pixels=pixels, backend=backend).from_images(draft).sentences[0].text == "No effusion."
    assert Redrafts(None, None).from_images(draft) is None


def test_a_redraft_that_fails_is_none(full, pixels, scripted):
    backend = scripted.Scripted(lambda: scripted.answer("no object"))
    again = redrafts(full, pixels=pixels, backend=backend)
    assert (again.without_notes, again.without_image) == (None, None)


@pytest.fixture(scope="module")
def embedded():
    return TransformersLocal(embedded_spec())


def test_the_embedded_model_scores_coalitions_as_it_scores_cases(embedded, full, scripted):
    """Every coalition's whole answer in one call, against one call a case: another way through the same model."""
    noise = np.random.default_rng(3).integers(0, 65535, (100, 80), dtype=np.uint16)
    about = table(full, pixels=noise, backend=embedded)
    answer = "<obj>Nodule in the left mid zone.</obj><obj>History of breast cancer.</obj>"
    sets = coalitions(about.players)
    towers = []
    hook = embedded.model.model.vision_tower.register_forward_hook(lambda *_: towers.append(1))
    try:
        scored = embedded.answer_log_probabilities([about.asked(one, answer) for one in sets])
    finally:
        hook.remove()
    assert len(towers) == 1
    for one, found in zip(sets, scored, strict=True):
        fewer, _ = without(full, None, frozenset(about.players) - one)
        (alone,) = score_case(fewer, pixels=noise, backend=embedded, continuations=[answer])
        assert found.log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-4)
    spelt = [answer[start:end] for start, end in scored[0].spans]
    assert "".join(spelt) == answer
    assert spelt[:2] == ["<obj>", "Nodule"]


def test_two_images_are_encoded_once_each(embedded):
    """Both, either, neither: four sets of images, two images; each set's scores are those it has alone."""
    random = np.random.default_rng(4)
    current, prior = (random.integers(0, 256, (320, 320), dtype=np.uint8) for _ in range(2))
    from vlm.backend import Asked

    asked = [Asked("<obj>Nodule", "age 61", *shown) for shown in ((current, prior), (current,), (prior,), (None,))]
    towers = []
    hook = embedded.model.model.vision_tower.register_forward_hook(lambda *_: towers.append(1))
    try:
        together = embedded.answer_log_probabilities(asked)
    finally:
        hook.remove()
    assert len(towers) == 2
    for one, found in zip(asked, together, strict=True):
        (alone,) = embedded.log_probabilities(
            image=one.image, prior=one.prior, prompt="age 61", continuations=["<obj>Nodule"]
        )
        assert found.log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-4)


def test_answers_after_many_prompts_that_cannot_be_scored(embedded):
    from vlm.backend import Asked
    from vlm.errors import BackendError

    assert embedded.answer_log_probabilities([]) == ()
    with pytest.raises(ValueError, match="at least one token"):
        embedded.answer_log_probabilities([Asked("<obj>", "", None), Asked("", "", None)])
    with pytest.raises(BackendError, match="shorten the notes"):
        embedded.answer_log_probabilities([Asked("<obj>", "nodule " * 2000, None)])
