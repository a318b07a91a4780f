"""Answers scored after many prompts on every family's real architecture with random weights, against whole passes."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from vlm.backend import Asked
from vlm.backends.transformers_local import TransformersLocal
from vlm.families import family_named
from vlm.preprocess import fitted, laid_in
from vlm.registry import spec_named

ENCODED_ONCE = ("gemma3", "maira2")  # one block of pixels an image; Qwen's patches are packed


@pytest.fixture(scope="module", params=("gemma3", "maira2", "qwen2_5_vl", "qwen3_vl"))
def backend(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        tiny = importlib.import_module("tiny_models")
        folder = tmp_path_factory.mktemp(request.param)
        tiny.build(request.param, folder)
        file = tiny.listed(folder / "models.json", tiny.entry(request.param, folder))
        yield TransformersLocal(spec_named(f"tiny-{request.param}", file))


def picture(backend, seed):
    pixels = np.random.default_rng(seed).integers(0, 65536, (70, 90)).astype(np.uint16)
    return laid_in(pixels, fitted(90, 70, fit=family_named(backend.spec.family).fit, side=backend.spec.input_side_px))


def whole_pass(backend, one):
    """One forward pass over image, prompt and answer together: nothing is shared, remembered or put in its place."""
    import torch

    inputs = dict(backend._inputs((one.image, one.prior), one.prompt))
    words = torch.tensor([backend._loaded.processor.tokenizer(one.answer, add_special_tokens=False).input_ids])
    start = inputs["input_ids"].shape[1]
    for name, value in inputs.items():
        if name == "input_ids":
            inputs[name] = torch.cat([value, words], dim=1)
        elif value.shape[:2] == (1, start):  # by token: attended to, and text
            more = torch.full_like(words, 1 if name == "attention_mask" else 0).to(value.dtype)
            inputs[name] = torch.cat([value, more], dim=1)
    with torch.inference_mode():
        logs = torch.log_softmax(backend.model(**inputs).logits[0].float(), dim=-1)
    return [float(logs[start - 1 + place, token]) for place, token in enumerate(words[0])]


def test_scores_are_those_of_whole_passes(backend):
    image = picture(backend, 1)
    prompts = ("indication: cough", "indication: cough\nprior report: a nodule", "values: CRP 9")
    asked = [Asked("No nodule. A mass.", prompt, shown) for shown in (image, None) for prompt in prompts]
    asked.append(Asked("Clear.", prompts[0], image))  # another answer after a prompt that was asked already
    for one, found in zip(asked, backend.answer_log_probabilities(asked), strict=True):
        assert found.log_probabilities == pytest.approx(whole_pass(backend, one), abs=1e-4)
        assert found.spans[-1][1] == len(one.answer)


def test_an_image_is_encoded_once_where_the_architecture_allows_it(backend):
    tower = getattr(backend.model.model, "vision_tower", None) or backend.model.model.visual
    image, seen = picture(backend, 2), []
    asked = [Asked("A mass.", prompt, image) for prompt in ("cough", "a cough", "fever")]
    hook = tower.register_forward_hook(lambda *_: seen.append(1))
    try:
        backend.answer_log_probabilities(asked)
    finally:
        hook.remove()
    assert len(seen) == 1 if backend.spec.family in ENCODED_ONCE else len(seen) <= len(asked)
