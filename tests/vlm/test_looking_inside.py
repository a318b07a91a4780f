"""Gradients and attention of real architectures, beside the same computed another way."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from cases.draft import FailureKind
from vlm.backend import Asked, Inside, LookingBackend, ModelPart
from vlm.backends.looking import smoothed, token_grid
from vlm.backends.transformers_local import TransformersLocal
from vlm.errors import BackendError
from vlm.families import family_named
from vlm.model_spec import Quantization
from vlm.preprocess import fitted, laid_in
from vlm.registry import embedded_spec, spec_named

IMAGE = np.random.default_rng(0).integers(0, 256, (320, 320), dtype=np.uint8)
ANSWER = "<obj>Nodule in the left lung.<box><c047><x3><y5><w07><h08></box></obj><obj>Current smoker.</obj>"
WORDS, STATEMENT, SECOND = (5, 28), (5, ANSWER.index("</obj>")), (ANSWER.index("Current"), len(ANSWER) - 6)
ASKED = Asked(ANSWER, "age 61", IMAGE)


@pytest.fixture(scope="module")
def embedded():
    return TransformersLocal(embedded_spec())


def test_it_is_a_backend_that_looks(embedded):
    assert isinstance(embedded, LookingBackend)


def plain_pass(backend, features_at):
    """Token log-probabilities of the answer from a map of the tower, by the modules one after the other, no hooks."""
    import torch
    from PIL import Image

    from vlm.embedded.tokens import compose

    model, processor = backend.model.model, backend._loaded.processor
    images = [Image.fromarray(IMAGE).convert("RGB")]
    given = processor(text=[compose("age 61", images=1)], images=images, return_tensors="pt", add_special_tokens=False)
    answer = processor.tokenizer(ANSWER, add_special_tokens=False, return_offsets_mapping=True)
    ids = torch.cat([given["input_ids"], torch.tensor([answer.input_ids])], dim=1)
    stages, start = model.vision_tower.encoder.stages, features_at(given["pixel_values"].to(backend.model.dtype))
    deep = stages[3](stages[2](start))
    tokens = model.multi_modal_projector(deep.flatten(2).permute(0, 2, 1))
    words = model.get_input_embeddings()(ids)
    words = words.masked_scatter((ids == model.config.image_token_id)[:, :, None], tokens)
    hidden = model.language_model(inputs_embeds=words, attention_mask=torch.ones_like(ids), use_cache=False)
    logits = backend.model.lm_head(hidden.last_hidden_state)[0]
    count = len(answer.input_ids)
    scores = torch.log_softmax(logits[-count - 1 : -1].float(), dim=-1)
    chosen = scores.gather(1, torch.tensor(answer.input_ids)[:, None])[:, 0]
    return chosen, answer.offset_mapping


def test_the_map_is_gradient_times_activation_of_those_tokens_only(embedded):
    import torch

    kept = []

    def features(pixel_values):
        tower = embedded.model.model.vision_tower
        with torch.no_grad():
            start = tower.encoder.stages[1](tower.encoder.stages[0](tower.embedder(pixel_values)))
        kept.append(start.requires_grad_())
        return kept[0]

    chosen, offsets = plain_pass(embedded, features)
    for stretch, made in zip(
        (WORDS, STATEMENT),
        embedded.looked(ASKED, stretches=(WORDS, STATEMENT), inside=Inside.GRADIENT_MAP),
        strict=True,
    ):
        inside = [place for place, (a, b) in enumerate(offsets) if a < stretch[1] and b > stretch[0]]
        (slope,) = torch.autograd.grad(chosen[inside].sum(), kept[0], retain_graph=True)
        raw = (slope * kept[0]).sum(dim=1)[0].detach().double().numpy()
        assert made.shape == (40, 40)
        assert made == pytest.approx(smoothed(np.maximum(raw, 0)), rel=1e-3, abs=1e-6)


def test_the_gradient_at_the_tokens_tells_what_a_small_step_does(embedded):
    """First order: making the image's tokens larger by a thousandth changes the words by a thousandth of the sum."""
    (grid,) = embedded.looked(ASKED, stretches=(WORDS,), inside=Inside.GRADIENT_TOKENS)
    assert grid.shape == (10, 10)
    step, scored = 1e-3, []
    for scale in (1 + step, 1 - step):
        hook = embedded.model.model.multi_modal_projector.register_forward_hook(lambda *a, by=scale: a[2] * by)
        scored.append(embedded.answer_log_probabilities([ASKED])[0].over(*WORDS))
        hook.remove()
    assert (scored[0] - scored[1]) / (2 * step) == pytest.approx(grid.sum(), rel=0.05, abs=0.02)


def test_attention_is_read_from_the_positions_that_choose_the_words(embedded):
    """Weights of one token over all before it make 1: the image's part is less, since prompt and answer get theirs."""
    grids = embedded.looked(ASKED, stretches=(WORDS, SECOND), inside=Inside.ATTENTION)
    for grid in grids:
        assert grid.shape == (10, 10)
        assert (grid > 0).all()
        assert 0 < grid.sum() < 1
    assert not np.allclose(*grids)


def test_looking_leaves_the_model_as_it_was(embedded):
    before = embedded.answer_log_probabilities([ASKED])
    kind = embedded.model.model.language_model.config._attn_implementation
    for inside in Inside:
        embedded.looked(ASKED, stretches=(WORDS,), inside=inside)
    assert embedded.answer_log_probabilities([ASKED]) == before
    assert embedded.model.model.language_model.config._attn_implementation == kind


def test_the_prior_image_is_no_part_of_the_map(embedded):
    """Two images: the grid is the current one's, and changes when the current one does."""
    both = Asked(ANSWER, "age 61", IMAGE, IMAGE[::-1].copy())
    for inside in Inside:
        (grid,) = embedded.looked(both, stretches=(WORDS,), inside=inside)
        (alone,) = embedded.looked(ASKED, stretches=(WORDS,), inside=inside)
        assert grid.shape == alone.shape


@pytest.mark.parametrize("part", list(ModelPart))
def test_a_randomised_model_has_the_same_weights_in_disorder(embedded, part):
    made = embedded.randomised(part=part, seed=3)
    other = dict(made.model.named_parameters())
    changed = set()
    for name, weight in embedded.model.named_parameters():
        assert weight.flatten().sort().values.equal(other[name].flatten().sort().values)
        if not weight.equal(other[name]):
            changed.add("vision_tower" in name)
    assert changed == ({True, False} if part is ModelPart.WHOLE else {False})
    again = embedded.randomised(part=part, seed=3).looked(ASKED, stretches=(WORDS,), inside=Inside.GRADIENT_MAP)
    once = made.looked(ASKED, stretches=(WORDS,), inside=Inside.GRADIENT_MAP)
    assert np.array_equal(once[0], again[0])


@pytest.mark.parametrize(
    ("asked", "stretch", "fault"),
    [
        (Asked(ANSWER, "age 61", None), WORDS, "none is given"),  # nothing to look at
        (ASKED, (200, 210), "no token"),  # beyond the answer
    ],
)
def test_what_cannot_be_asked_is_refused(embedded, asked, stretch, fault):
    with pytest.raises(ValueError, match=fault):
        embedded.looked(asked, stretches=(stretch,), inside=Inside.GRADIENT_MAP)


def test_numbers_that_are_not_finite_are_a_fault(embedded):
    hook = embedded.model.lm_head.register_forward_hook(lambda *a: a[2] * float("nan"))
    try:
        with pytest.raises(BackendError) as fault:
            embedded.looked(ASKED, stretches=(WORDS,), inside=Inside.GRADIENT_MAP)
    finally:
        hook.remove()
    assert fault.value.kind is FailureKind.NON_FINITE


@pytest.mark.parametrize("quantization", [Quantization.INT8, Quantization.NF4])
def test_a_quantized_model_looks_too(embedded, quantization):
    quantized = TransformersLocal(embedded_spec(quantization))
    (made,), (whole,) = (
        one.looked(ASKED, stretches=(STATEMENT,), inside=Inside.GRADIENT_MAP) for one in (quantized, embedded)
    )
    assert np.corrcoef(made.ravel(), whole.ravel())[0, 1] > 0.7


@pytest.mark.parametrize(
    ("count", "shape", "grid"),
    [
        (256, (896, 896), (16, 16)),
        (1369, (518, 518), (37, 37)),
        (12, (84, 112), (3, 4)),  # wider than high
        (12, (112, 84), (4, 3)),
        (101, (320, 320), None),  # one token that is no place
        (0, (320, 320), None),
    ],
)
def test_tokens_as_a_grid(count, shape, grid):
    assert token_grid(count, shape) == grid


@pytest.fixture(scope="module")
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield importlib.import_module("tiny_models")


@pytest.mark.parametrize("family", ["gemma3", "maira2", "qwen2_5_vl", "qwen3_vl"])
def test_every_family_looks_at_a_grid_of_its_own(tiny, family, tmp_path):
    """Their towers have no convolutional map; their tokens are a grid of the input's shape."""
    tiny.build(family, tmp_path)
    file = tiny.listed(tmp_path / "models.json", tiny.entry(family, tmp_path))
    backend = TransformersLocal(spec_named(f"tiny-{family}", file))
    pixels = np.random.default_rng(1).integers(0, 65536, (60, 90)).astype(np.uint16)
    image = laid_in(pixels, fitted(90, 60, fit=family_named(family).fit, side=tiny.SIDES[family]))
    asked = Asked("a nodule in the left lung", "age 61", image)
    assert backend.looked(asked, stretches=((2, 8),), inside=Inside.GRADIENT_MAP) is None
    for inside in (Inside.GRADIENT_TOKENS, Inside.ATTENTION):
        (grid,) = backend.looked(asked, stretches=((2, 8),), inside=inside)
        assert grid.size > 1
        assert grid.shape[0] / grid.shape[1] == pytest.approx(image.shape[0] / image.shape[1])
        assert grid.any()
