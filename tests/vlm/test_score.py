"""Teacher forcing, held against two other ways to the same numbers: one whole forward pass, and generation itself."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from cases.study import InputName, InputState, MissingReason
from vlm.backend import Scored, ScoringBackend
from vlm.backends.teacher_forcing import forced
from vlm.backends.transformers_local import TransformersLocal
from vlm.errors import BackendError
from vlm.question import fitting_prompt, question_of
from vlm.registry import embedded_spec
from vlm.score import openings, score_case

IMAGE = np.random.default_rng(0).integers(0, 256, (320, 320), dtype=np.uint8)
STATEMENTS = ("<obj>No focal nodule or mass.</obj>", "<obj>Nodule", "<obj>Mass in the right upper zone.<box>", "<obj>")


@pytest.fixture(scope="module")
def backend():
    return TransformersLocal(embedded_spec())


def whole_pass(backend, images, prompt, text):
    """One forward pass over image, prompt and words together: no memory is shared with anything."""
    import torch

    tokenizer = backend._loaded.processor.tokenizer
    inputs = backend._inputs(images, prompt)
    words = torch.tensor([tokenizer(text, add_special_tokens=False).input_ids])
    start = inputs["input_ids"].shape[1]
    ids = torch.cat([inputs["input_ids"], words], dim=1)
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if images:
        given["pixel_values"] = inputs["pixel_values"]
    with torch.inference_mode():
        logs = torch.log_softmax(backend.model(**given).logits[0].float(), dim=-1)
    return [float(logs[start - 1 + k, token]) for k, token in enumerate(words[0])]


@pytest.mark.parametrize("images", [(IMAGE,), (), (IMAGE, IMAGE[:, ::-1].copy())])  # one, none, a current and a prior
def test_scores_are_those_of_a_whole_pass(backend, images):
    image, prior = (*images, None, None)[:2]
    prompt = "age 61 sex F"
    scored = backend.log_probabilities(image=image, prior=prior, prompt=prompt, continuations=STATEMENTS)
    for text, one in zip(STATEMENTS, scored, strict=True):
        assert one.log_probabilities == pytest.approx(whole_pass(backend, images, prompt, text), abs=1e-4)


def test_scores_of_an_answer_are_those_it_was_generated_with(backend):
    answer = backend.answer(image=IMAGE, prompt="indication: cough")
    (scored,) = backend.log_probabilities(image=IMAGE, prompt="indication: cough", continuations=[answer.text])
    assert scored.log_probabilities == pytest.approx(answer.log_probabilities, abs=1e-4)


def test_company_does_not_change_a_score(backend):
    many = [one.spelling for one in openings(backend.spec)][:70]  # more than go side by side
    together = backend.log_probabilities(image=IMAGE, prompt="", continuations=[*many, STATEMENTS[0]])
    (alone,) = backend.log_probabilities(image=IMAGE, prompt="", continuations=[STATEMENTS[0]])
    assert len(together) == 71
    assert together[-1].log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-4)


def test_the_image_is_encoded_once(backend):
    seen = []
    hook = backend.model.model.vision_tower.register_forward_hook(lambda *_: seen.append(1))
    try:
        backend.log_probabilities(image=IMAGE, prompt="", continuations=[STATEMENTS[0]] * 70)
    finally:
        hook.remove()
    assert len(seen) == 1


def test_what_cannot_be_scored(backend):
    with pytest.raises(ValueError, match="at least one token"):
        backend.log_probabilities(image=IMAGE, prompt="", continuations=["<obj>", ""])
    with pytest.raises(BackendError, match="shorten the notes"):
        backend.log_probabilities(image=IMAGE, prompt="nodule " * 2000, continuations=["<obj>"])
    assert backend.log_probabilities(image=IMAGE, prompt="", continuations=[]) == ()


def test_other_architectures_share_their_memory_too():
    """A small Gemma 3 (sliding attention) of random weights: the same numbers as its own whole pass."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=6,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        max_position_embeddings=128,
    )
    model = Gemma3ForCausalLM(config).eval()
    prompt = torch.randint(1, 64, (1, 11))
    inputs = {"input_ids": prompt, "attention_mask": torch.ones_like(prompt)}
    words = [[3, 9, 27, 4, 5, 6, 7, 8], [5], [11, 2]]
    scores = forced(model, inputs, words, pad_id=0)
    for ids, found in zip(words, scores, strict=True):
        whole = torch.cat([prompt, torch.tensor([ids])], dim=1)
        with torch.inference_mode():
            logs = torch.log_softmax(model(input_ids=whole).logits[0].float(), dim=-1)
        assert found == pytest.approx([float(logs[10 + k, token]) for k, token in enumerate(ids)], abs=1e-4)


class Listening:
    """A scoring backend that remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.spec = embedded_spec()

    def answer(self, *, image, prompt, prior=None):
        raise AssertionError

    def log_probabilities(self, *, image, prompt, continuations, prior=None):
        self.asked.append((image, prompt, tuple(continuations)))
        return tuple(Scored((-1.0,)) for _ in continuations)


def without(case, name):
    missing = InputState(name, present=False, missing_reason=MissingReason.NOT_SENT)
    return dataclasses.replace(case, inputs=tuple(missing if s.name is name else s for s in case.inputs))


def test_a_case_is_asked_about_as_its_draft_would_be(make_case, pixels):
    backend, case = Listening(), make_case()
    assert isinstance(backend, ScoringBackend)
    assert score_case(case, pixels=pixels, backend=backend, continuations=STATEMENTS)[0].total == -1.0
    image, prompt, continuations = backend.asked[0]
    question = question_of(case, pixels=pixels, side=320, prompt=fitting_prompt(case, backend))
    assert np.array_equal(image, question.image)
    assert (prompt, continuations) == (question.prompt.text, STATEMENTS)


def test_a_removed_input_is_removed(make_case, pixels):
    backend, case = Listening(), make_case()
    score_case(without(case, InputName.CURRENT_IMAGE), pixels=pixels, backend=backend, continuations=["<obj>"])
    score_case(without(case, InputName.PRIOR_NOTES), pixels=pixels, backend=backend, continuations=["<obj>"])
    (no_image, prompt, _), (image, no_notes, _) = backend.asked
    assert no_image is None
    assert "upper lobe" in prompt
    assert image is not None
    assert "upper lobe" not in no_notes


def test_a_model_without_a_closed_book_has_no_openings():
    spec = dataclasses.replace(embedded_spec(), family="maira2")
    assert openings(spec) == ()
    assert all(math.isfinite(len(one.spelling)) and one.closed.endswith("</obj>") for one in openings(embedded_spec()))
