"""Every family's real architecture with random weights: through the site's list, loader, processor and codec."""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cases.draft import DraftStatus, FailureKind
from vlm.backends.architectures import GEOMETRY, architecture_of
from vlm.backends.quantizing import quantized_layers
from vlm.backends.transformers_local import TransformersLocal
from vlm.draft import draft_case
from vlm.errors import BackendError, ModelLoadError
from vlm.families import FAMILIES, family_named
from vlm.model_spec import Quantization
from vlm.preprocess import fitted, laid_in
from vlm.registry import spec_named

LOCAL_FAMILIES = ("gemma3", "maira2", "qwen2_5_vl", "qwen3_vl")
UNREADABLE = {FailureKind.PARSE, FailureKind.TRUNCATED, FailureKind.EMPTY, FailureKind.REPEATING}


@pytest.fixture(scope="module")
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield importlib.import_module("tiny_models")


@dataclasses.dataclass(frozen=True)
class Built:
    family: str
    folder: Path
    parts: object


@pytest.fixture(scope="module", params=LOCAL_FAMILIES)
def built(request, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return Built(request.param, folder, tiny.build(request.param, folder))


@pytest.fixture(scope="module")
def maira2(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("maira2-alone")
    return Built("maira2", folder, tiny.build("maira2", folder))


def spec_of(tiny, built, **changes):
    file = tiny.listed(built.folder / "models.json", tiny.entry(built.family, built.folder, **changes))
    return spec_named(f"tiny-{built.family}", file)


@pytest.fixture(scope="module")
def whole(tiny, built):
    return TransformersLocal(spec_of(tiny, built))


def picture(family, *, columns=90, rows=70):
    """A patterned radiograph as `vlm.preprocess` lays it into that family's input, (rows, columns) uint8."""
    from tiny_models import SIDES

    pixels = np.random.default_rng(1).integers(0, 65536, (rows, columns)).astype(np.uint16)
    return laid_in(pixels, fitted(columns, rows, fit=family_named(family).fit, side=SIDES[family]))


def test_every_family_is_loaded_by_an_architecture():
    for family in FAMILIES:
        assert architecture_of(family).kept_whole


def test_a_case_is_drafted_to_a_failed_draft_that_keeps_the_answer(whole, make_case, pixels):
    """Random weights say nothing that a codec can read: a failure with its text, not a crash."""
    draft = draft_case(make_case(), pixels=pixels, backend=whole, now=lambda: datetime.now(UTC), new_id=lambda: "d")
    assert draft.status is DraftStatus.FAILED
    assert draft.failure.kind in UNREADABLE
    assert draft.raw_text
    assert draft.model.revision == whole.spec.content


def test_the_image_reaches_the_model_where_it_was_laid(whole, built):
    """The processor may only rescale grey values: undoing that by its own mean and deviation gives every pixel back."""
    image = picture(built.family)
    features = whole._inputs((image,), "a nodule")
    processor = whole._loaded.processor.image_processor
    values = features["pixel_values"].double().numpy()
    if built.family.startswith("qwen"):
        values = unpatched(values, features["image_grid_thw"][0].tolist(), processor)
    else:
        values = values[0]
    mean, deviation = (np.array(part)[:, None, None] for part in (processor.image_mean, processor.image_std))
    back = (values * deviation + mean) * 255
    assert back.shape == (3, *image.shape)
    assert np.abs(back - image[None]).max() < 0.01


def unpatched(values, grid, processor):
    """Qwen's flat patches as an image: rows of 2 x 2 groups of patches, each patch twice in time."""
    _, high, wide = grid
    merge, size = processor.merge_size, processor.patch_size
    parts = values.reshape(high // merge, wide // merge, merge, merge, 3, processor.temporal_patch_size, size, size)
    assert np.array_equal(parts[:, :, :, :, :, 0], parts[:, :, :, :, :, 1])
    return parts[:, :, :, :, :, 0].transpose(4, 0, 2, 5, 1, 3, 6).reshape(3, high * size, wide * size)


def test_a_processor_that_would_crop_is_stopped(tiny, built, monkeypatch):
    """The folders ask for resizing, cropping, or pan and scan; loaded as they are, the image would not fit or move."""
    monkeypatch.setattr("vlm.backends.loading.keep_geometry", lambda _: None)
    untamed = TransformersLocal(spec_of(tiny, built))._loaded.processor.image_processor
    assert any(getattr(untamed, step, False) for step in GEOMETRY)


def test_the_image_changes_the_answer(whole, built):
    """The image's tokens stand in the prompt, once each, and the model reads them."""
    image = picture(built.family)
    first, second = (whole.answer(image=one, prompt="a nodule") for one in (image, 255 - image))
    assert first.log_probabilities != second.log_probabilities
    assert whole.answer(image=None, prompt="a nodule").tokens


def test_a_prompt_begins_once(whole, built):
    """Chat templates write the beginning themselves; a tokenizer that adds another spoils Gemma's answers."""
    ids = whole._inputs((picture(built.family),), "a nodule")["input_ids"][0].tolist()
    assert ids.count(whole._loaded.processor.tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("quantization", [Quantization.INT8, Quantization.NF4, Quantization.NF4_DOUBLE])
def test_only_the_language_model_is_quantized(tiny, built, quantization):
    backend = TransformersLocal(spec_of(tiny, built, quantization=quantization.value))
    names = quantized_layers(backend.model)
    assert len(names) == 14  # two layers: q, k, v, o, and gate, up, down
    assert all(".language_model." in name for name in names)
    answer = backend.answer(image=picture(built.family), prompt="a nodule")
    assert all(np.isfinite(answer.log_probabilities))


def test_double_quantization_is_on_where_it_is_asked_for(tiny, maira2):
    import torch

    for quantization, nested in ((Quantization.NF4, False), (Quantization.NF4_DOUBLE, True)):
        model = TransformersLocal(spec_of(tiny, maira2, quantization=quantization.value)).model
        layer = model.get_submodule(quantized_layers(model)[0])
        assert layer.weight.quant_state.nested is nested
        assert layer.weight.quant_type == "nf4"
        assert layer.compute_dtype is (torch.bfloat16 if torch.cuda.is_available() else torch.float32)


def test_gemma_ends_its_turn_by_the_folders_token(tiny, tmp_path):
    folder = tmp_path / "gemma3"
    tiny.build("gemma3", folder)
    backend = TransformersLocal(spec_of(tiny, Built("gemma3", folder, None)))
    tokenizer = backend._loaded.processor.tokenizer
    assert backend._ends == (tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>"))


def test_maira2_is_what_was_published(tiny, maira2):
    """The mapped model against its parts put together by hand: backbone features with their norm, without the class
    token, four layers, in place of the image's tokens. Two images: the norm and the order of patches show."""
    import torch

    backend = TransformersLocal(spec_of(tiny, maira2))
    tower, projector, llama = maira2.parts
    for seed in (0, 1):
        image = np.random.default_rng(seed).integers(0, 256, (42, 42), dtype=np.uint8)
        features = backend._inputs((image,), "a nodule")
        with torch.inference_mode():
            seen = tower(features["pixel_values"]).feature_maps[-1][:, 1:]
            embedded = llama.get_input_embeddings()(features["input_ids"])
            place = features["input_ids"] == backend.model.config.image_token_index
            assert int(place.sum()) == 9  # 42 px in patches of 14
            embedded[place] = projector.layers(seen)[0]
            expected = llama(inputs_embeds=embedded).logits
            found = backend.model(**features).logits
        assert torch.allclose(found, expected, atol=1e-4)


def test_maira2s_own_code_is_not_run(tiny, maira2):
    TransformersLocal(spec_of(tiny, maira2))
    assert (maira2.folder / "configuration_maira2.py").exists()
    assert not (maira2.folder / "ran").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"vision_feature_layer": -2},  # LLaVA's usual layer
        {"vision_feature_select_strategy": "full"},  # the class token kept
        {"model_type": "llava"},  # another model
        {"vision_config": {"model_type": "clip_vision_model"}},  # another tower
    ],
)
def test_a_maira2_that_is_otherwise_is_refused(tiny, maira2, tmp_path, change):
    folder = shutil.copytree(maira2.folder, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelLoadError, match="not MAIRA-2 as published"):
        TransformersLocal(spec_of(tiny, Built("maira2", folder, None)))


@pytest.fixture
def copied(tiny, maira2, tmp_path):
    return Built("maira2", shutil.copytree(maira2.folder, tmp_path / "copy"), None)


def with_index(folder, change):
    path = folder / "model.safetensors.index.json"
    content = json.loads(path.read_text())
    change(content["weight_map"])
    path.write_text(json.dumps(content))


def test_an_index_that_names_a_pickle_is_refused(tiny, copied):
    (copied.folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    spec = spec_of(tiny, copied)
    with_index(copied.folder, lambda names: names.update({"lm_head.weight": "pytorch_model.bin"}))
    with pytest.raises(ModelLoadError, match="pickled weights run code"):
        TransformersLocal(spec)


def test_an_index_that_names_an_unlisted_file_is_refused(tiny, copied):
    spec = spec_of(tiny, copied)
    with_index(copied.folder, lambda names: names.update({"lm_head.weight": "../evil.safetensors"}))
    with pytest.raises(ModelLoadError, match=r"differ in \.\./evil\.safetensors"):
        TransformersLocal(spec)


def test_a_changed_shard_is_refused(tiny, copied):
    spec = spec_of(tiny, copied)
    shard = copied.folder / "model-00002-of-00002.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ModelLoadError, match="have SHA-256"):
        TransformersLocal(spec)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.safetensors.index.json").unlink(), "no readable index"),
        (lambda folder: (folder / "model.safetensors.index.json").write_text("[]"), "no readable index"),
        (lambda folder: (folder / "model-00001-of-00002.safetensors").unlink(), "no weights at"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "would be read instead"),
    ],
)
def test_a_damaged_sharded_folder_is_refused(tiny, copied, damage, message):
    spec = spec_of(tiny, copied)
    damage(copied.folder)
    with pytest.raises(ModelLoadError, match=message):
        TransformersLocal(spec)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_side_px": 56}, "sees 42 px"),  # the tower's side is fixed
        ({"dtype": "float16"}, "float32, bfloat16"),  # never past the list's door; here as if it were
    ],
)
def test_a_spec_that_does_not_fit_the_folder_is_refused(tiny, maira2, changes, message):
    spec = dataclasses.replace(spec_of(tiny, maira2), **changes)
    with pytest.raises(ModelLoadError, match=message):
        TransformersLocal(spec)


def test_a_folder_of_another_family_is_refused(tiny, tmp_path):
    folder = tmp_path / "q"
    tiny.build("qwen3_vl", folder)
    spec = dataclasses.replace(spec_of(tiny, Built("qwen3_vl", folder, None)), family="qwen2_5_vl")
    with pytest.raises(ModelLoadError, match="holds a qwen3_vl model"):
        TransformersLocal(spec)


def test_numbers_that_are_not_finite_fail_a_quantized_draft_too(tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "q"
    tiny.build("qwen3_vl", folder)
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    name = next(key for key in index if key.endswith("language_model.norm.weight"))
    tensors = load_file(folder / index[name])
    tensors[name][0] = float("nan")
    save_file(tensors, folder / index[name], metadata={"format": "pt"})
    backend = TransformersLocal(spec_of(tiny, Built("qwen3_vl", folder, None), quantization="nf4"))
    with pytest.raises(BackendError, match="not finite") as caught:
        backend.answer(image=picture("qwen3_vl"), prompt="a nodule")
    assert caught.value.kind is FailureKind.NON_FINITE
