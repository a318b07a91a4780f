"""Where the model looked, by a backend whose eyes are known: in the original frame, or said not to be known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity
from cases.study import InputName, InputState, MissingReason
from grounding.box import Box
from grounding.codecs.cells import CellsCodec
from grounding.placement import letterbox
from grounding.report import GroundedReport, GroundedSentence, Polarity
from vlm.backend import Inside, LookingBackend, ScoredAnswer
from vlm.looking import SHOWN, Looking, Method, Target, heatmaps, looked, sight_of
from vlm.model_spec import ModelSpec
from vlm.occlusion import occlusion

SPEC = ModelSpec("eyes", Path("/nowhere"), "f" * 64, "overread-cells@1", "overread-1", 320)
RAW = "<obj>Nodule in the left mid zone.<box><c046><x1><y6><w03><h03></box></obj><obj>No pleural effusion.</obj>"
IDENTITY = ModelIdentity("eyes", "f" * 64, "none", "float32", "0" * 64, "overread-cells@1")
LIT = (slice(120, 160), slice(200, 240))  # of the model's input: the one square that this backend cares for


class Eyes:
    """A backend that finds its words the likelier the brighter one square of its input is; its grid says so."""

    def __init__(self, spec=SPEC, *, grid=True):
        self.spec, self.grid, self.asked, self.inside = spec, grid, [], []

    def answer(self, *, image, prompt, prior=None):
        raise NotImplementedError

    def log_probabilities(self, *, image, prompt, continuations, prior=None):
        raise NotImplementedError

    def answer_log_probabilities(self, asked):
        self.asked += asked
        return tuple(
            ScoredAnswer(((0, 40), (40, len(one.answer))), (float(one.image[LIT].mean()), -1.0)) for one in asked
        )

    def looked(self, asked, *, stretches, inside):
        self.asked.append(asked)
        self.inside.append((inside, tuple(stretches)))
        if not self.grid:
            return None
        lit = np.zeros((8, 8))
        lit[3, 5] = 1.0  # of 40 px cells
        return tuple(lit * (number + 1) for number, _ in enumerate(stretches))

    def randomised(self, *, part, seed):
        return self


@pytest.fixture
def draft():
    phrases = CellsCodec().decode(RAW, placement=letterbox(80, 100, side=320))
    said = (
        GroundedSentence(phrases[0].text, finding="nodule", boxes=phrases[0].boxes),
        GroundedSentence(phrases[1].text, finding="effusion", polarity=Polarity.ABSENT),
    )
    now = datetime(2024, 1, 1, tzinfo=UTC)
    return Draft("d", "c1", now, DraftStatus.OK, IDENTITY, RAW, report=GroundedReport(said))


def test_the_square_that_counts_is_found_in_the_original_of_another_shape(make_case, pixels, draft):
    """100 rows and 80 columns in 320 x 320: scale 3.2, 32 px of padding left and right; square at (220, 140)."""
    backend = Eyes()
    assert isinstance(backend, LookingBackend)
    found = heatmaps(make_case(), pixels=pixels, draft=draft, backend=backend)
    assert found[0].method == "gradient_map_of_statement"
    assert (found[0].rows, found[0].columns) == (32, 26)
    assert found[0].peak == pytest.approx(((220 - 32) / 3.2 / 80, 140 / 3.2 / 100), abs=1 / 26)
    assert found[1] is None  # it shows no box, and what a map is worth was measured on those that do


@pytest.mark.parametrize("method", list(Method))
def test_every_method_comes_back_to_the_original(make_case, pixels, draft, method):
    pixels = pixels.copy()
    pixels[37:51, 52:66] = 60000  # what shows in the square: without it removing the square would change nothing
    sight = sight_of(make_case(), pixels=pixels, draft=draft, backend=Eyes())
    maps = looked(sight, Looking(method, Target.WORDS), backend=Eyes())
    assert maps[0].peak == pytest.approx((0.734, 0.4375), abs=0.05)


@pytest.mark.parametrize(
    ("target", "stretches"),
    [
        (Target.WORDS, (RAW.index("Nodule"), RAW.index("<box>"))),
        (Target.STATEMENT, (RAW.index("Nodule"), RAW.index("</obj>"))),  # its box too
    ],
)
def test_what_is_explained_is_the_sentence_alone(make_case, pixels, draft, target, stretches):
    sight = sight_of(make_case(), pixels=pixels, draft=draft, backend=Eyes())
    plain = (RAW.index("No pleural"), RAW.rindex("</obj>"))
    assert sight.stretches(target) == (stretches, plain)
    assert sight.asked.answer == RAW


def test_a_codec_without_objects_has_its_words_explained(make_case, pixels, draft):
    """JSON may write the box first: what stands behind the words belongs to the next finding."""
    raw = '[{"box_2d": [1, 2, 3, 4], "label": "Nodule in the left mid zone."}, {"label": "No pleural effusion."}]'
    sight = sight_of(make_case(), pixels=pixels, draft=replace(draft, raw_text=raw), backend=Eyes())
    assert sight.stretches(Target.STATEMENT) == sight.stretches(Target.WORDS)


def test_it_asks_as_the_draft_was_asked(make_case, pixels, draft):
    """Same prompt as drafting, same pixels, the sentences' own characters."""
    backend = Eyes()
    heatmaps(make_case(), pixels=pixels, draft=draft, backend=backend)
    (asked,), ((inside, stretches),) = backend.asked, backend.inside
    assert "persistent cough" in asked.prompt
    assert asked.image.shape == (320, 320)
    assert (inside, [RAW[a:b] for a, b in stretches][1]) == (Inside.GRADIENT_MAP, "No pleural effusion.")


def without_image(case):
    gone = InputState(InputName.CURRENT_IMAGE, present=False, missing_reason=MissingReason.EXCLUDED)
    return replace(case, inputs=(gone, *case.inputs[1:]))


@pytest.mark.parametrize(
    ("change", "backend", "given"),
    [
        (without_image, Eyes(), True),  # the image was not among the inputs
        (lambda case: case, Eyes(), False),  # its pixels are not there
        (lambda case: case, Eyes(grid=False), True),  # the model has no such part
        (
            lambda case: case,
            Eyes(replace(SPEC, family="maira2", codec="maira2@1", prompt="maira2-1")),
            True,
        ),  # unmeasured
    ],
    ids=["no image", "no pixels", "no such part", "another family"],
)
def test_what_is_not_known_is_none(make_case, pixels, draft, change, backend, given):
    found = heatmaps(change(make_case()), pixels=pixels if given else None, draft=draft, backend=backend)
    assert found == (None, None)


def test_a_backend_without_insides_is_not_asked(make_case, pixels, draft, scripted):
    backend = scripted.Scripted(scripted.answer, spec=SPEC)
    assert heatmaps(make_case(), pixels=pixels, draft=draft, backend=backend) == (None, None)
    assert not backend.asked


def test_words_that_are_not_found_are_explained_by_nothing(make_case, pixels, draft):
    assert heatmaps(make_case(), pixels=pixels, draft=replace(draft, raw_text="<obj>Else.</obj>"), backend=Eyes()) == (
        None,
        None,
    )


def test_a_failed_draft_has_no_sentences(make_case, pixels, draft):
    failure = Failure(FailureKind.PARSE, "in words")
    failed = replace(draft, status=DraftStatus.FAILED, report=None, failure=failure)
    assert heatmaps(make_case(), pixels=pixels, draft=failed, backend=Eyes()) == ()


def test_only_a_family_that_exists_is_shown():
    from vlm.families import FAMILIES

    assert set(SHOWN) <= set(FAMILIES)


def test_occlusion_counts_the_nats_that_each_square_is_worth(make_case, pixels, draft):
    """The square is bright amid black: blurred, it loses its brightness; every other square loses nothing."""
    backend = Eyes()
    sight = sight_of(make_case(), pixels=pixels, draft=draft, backend=backend)
    image = np.zeros((320, 320), np.uint8)
    image[LIT] = 200
    first, second = occlusion(replace(sight.asked, image=image), stretches=((0, 40), (40, 50)), backend=backend)
    assert first.shape == (8, 8)
    row, column = divmod(int(first.argmax()), 8)
    assert (row, column) == (3, 5)
    assert 0 < first[3, 5] < 200
    assert np.count_nonzero(first) == 1
    assert not second.any()  # the other stretch's token is as likely as ever
    assert len(backend.asked) == 65
    with pytest.raises(ValueError, match="none is given"):
        occlusion(replace(sight.asked, image=None), stretches=((0, 40),), backend=backend)


def test_the_box_of_the_draft_is_where_the_eyes_are(draft):
    """The fixture is true to the codec: cell 46 of ten a row, in the frame of the original."""
    (box,) = draft.report.sentences[0].boxes
    assert Box(0.6, 0.4, 0.9, 0.5).contains(*box.center)
