"""The referee drafts by the product's own path: a scripted answer comes back as a found lesion."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import evals
from evals.drafter import product_drafter
from evals.localization import run
from evals.scenes import WORDINGS
from evals.trial import Lesion
from grounding.box import Box
from grounding.codecs.cells import place_tokens
from vlm.backend import Answer
from vlm.model_spec import ModelSpec

SIDE = 320
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


class OneNodule:
    """Always writes the same nodule, centred on (96, 96) of its 320 px input."""

    spec = ModelSpec("told", Path("nowhere"), "0" * 64, "overread-cells@1", "overread-1", SIDE)

    def answer(self, *, image, prompt, prior=None):
        assert image.shape == (SIDE, SIDE)
        place = place_tokens(80, 80, 112, 112, side=SIDE)
        tokens = ("<obj>", "Nodule in the right lung.", "<box>", *place, "</box>", "</obj>")
        return Answer("".join(tokens), tokens, (-0.1,) * len(tokens), truncated=False, seconds=(("generate", 0.1),))


def test_from_pixels_to_figures(make):
    # A square image lies in the input without a margin, so (96, 96) of 320 is (0.3, 0.3).
    lesion = Lesion(Box(0.25, 0.25, 0.35, 0.35), "moderate")
    draft = product_drafter(OneNodule(), now=lambda: NOON, new_id=lambda: "d1")
    result = run([make.trial(lesion)], draft=draft, seed=0).as_dict()
    assert result["as_drafted"]["sensitivity"]["value"] == 1.0
    assert result["as_drafted"]["false_boxes_per_image"]["value"] == 0.0
    assert result["as_drafted"]["deviation_px_1024"]["mean"]["value"] < 15  # eighths of a tenth of the side
    assert result["sensitivity_at"]["0.25"]["value"] == 1.0  # the boxes came with the model's own scores
    assert result["model"]["model_id"] == "told"


@pytest.mark.parametrize("room", ["vlm", "cases/phantom"])
def test_evaluation_notes_share_no_wording_with_other_notes(room):
    """No four words in a row of an evaluation note stand in the code that writes training or simulated notes."""
    files = (Path(evals.__file__).parents[1] / room).rglob("*.py")
    others = " ".join(" ".join(file.read_text(encoding="utf-8").lower().split()) for file in files)
    for wording in WORDINGS:
        for piece in wording.lower().replace("{side}", "|").replace("{zone}", "|").replace("{size}", "|").split("|"):
            words = piece.split()
            for start in range(len(words) - 3):
                assert " ".join(words[start : start + 4]) not in others
