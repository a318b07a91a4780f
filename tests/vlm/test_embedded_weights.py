"""The committed weights: what they are, and that they load and answer as the model card says."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import AutoModelForImageTextToText, AutoProcessor

from grounding.codecs.cells import CellsCodec
from grounding.placement import letterbox
from vlm.backends.transformers_local import TransformersLocal
from vlm.embedded.architecture import IMAGE_TOKENS, SIDE_PX
from vlm.embedded.tokens import compose
from vlm.registry import EMBEDDED_FOLDER, embedded_spec

MOST_BYTES = 60_000_000


@pytest.fixture(scope="module")
def backend() -> TransformersLocal:
    return TransformersLocal(embedded_spec())


def test_the_weights_are_small_and_the_only_ones() -> None:
    names = {path.name for path in EMBEDDED_FOLDER.iterdir()}
    assert (EMBEDDED_FOLDER / "model.safetensors").stat().st_size < MOST_BYTES
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl", ".py"))]


def test_it_is_a_standard_architecture_without_remote_code() -> None:
    model = AutoModelForImageTextToText.from_pretrained(EMBEDDED_FOLDER, local_files_only=True)
    assert type(model).__module__ == "transformers.models.fast_vlm.modeling_fast_vlm"
    assert sum(parameter.numel() for parameter in model.parameters()) == 5_282_648
    assert not hasattr(model.config, "auto_map")


def test_the_processor_gives_one_token_per_cell() -> None:
    processor = AutoProcessor.from_pretrained(EMBEDDED_FOLDER, local_files_only=True)
    picture = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    features = processor(images=[picture], text=[compose("age 61", images=1)], return_tensors="pt")
    ids = features["input_ids"][0]
    assert int((ids == processor.tokenizer.convert_tokens_to_ids("<image>")).sum()) == IMAGE_TOKENS
    assert features["pixel_values"].shape == (1, 3, SIDE_PX, SIDE_PX)
    assert float(features["pixel_values"].max()) == pytest.approx(1.0)


@pytest.mark.parametrize("level", [0, 90, 255])
def test_pictures_that_are_none_still_get_an_answer_that_parses(backend: TransformersLocal, level: int) -> None:
    image = np.full((SIDE_PX, SIDE_PX), level, np.uint8)
    answer = backend.answer(image=image, prompt="")
    assert not answer.truncated
    assert CellsCodec().decode(answer.text, placement=letterbox(SIDE_PX, SIDE_PX, side=SIDE_PX))


def test_the_same_input_gives_the_same_answer(backend: TransformersLocal) -> None:
    image = np.random.default_rng(1).integers(0, 255, (SIDE_PX, SIDE_PX), dtype=np.uint8)
    first, second = (backend.answer(image=image, prompt="indication: cough") for _ in range(2))
    assert (first.text, first.log_probabilities) == (second.text, second.log_probabilities)


def test_without_an_image_it_says_so_and_draws_nothing(backend: TransformersLocal) -> None:
    answer = backend.answer(image=None, prompt="age 70 sex F\nindication: cough")
    assert "No current image was given." in answer.text
    assert "<box>" not in answer.text
