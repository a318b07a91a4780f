"""The embedded model's real architecture with random weights, through the loader that the real weights take."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from cases.draft import DraftStatus, FailureKind
from vlm.backend import Backend, PromptMeter
from vlm.backends.architectures import ARCHITECTURES
from vlm.backends.quantizing import quantized_layers, verify_quantization
from vlm.backends.transformers_local import TransformersLocal
from vlm.draft import draft_case
from vlm.errors import BackendError, ModelLoadError
from vlm.model_spec import Quantization
from vlm.registry import embedded_spec

IMAGE = np.random.default_rng(0).integers(0, 256, (320, 320), dtype=np.uint8)
WORDS = ["prior report: nodule in the left lung. no effusion.", "indication: cough", "values: smoking current"] * 9


def build_model(folder, *, poison=None):
    """Random weights; `poison` is put into one of them."""
    import torch
    from transformers import AutoModelForImageTextToText
    from transformers.utils import logging

    from vlm.embedded.architecture import model_config
    from vlm.embedded.tokens import BOS, EOS, IMAGE, PAD, build_processor, build_tokenizer

    logging.disable_progress_bar()
    tokenizer = build_tokenizer(WORDS)
    image, pad, bos, eos = tokenizer.convert_tokens_to_ids([IMAGE, PAD, BOS, EOS])
    config = model_config(vocabulary=len(tokenizer), image_token_id=image, pad_id=pad, bos_id=bos, eos_id=eos)
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_config(config)
    if poison is not None:
        with torch.no_grad():
            model.lm_head.weight[0, 0] = poison
    model.save_pretrained(folder)
    build_processor(tokenizer).save_pretrained(folder)
    write_spec(folder)


def write_spec(folder):
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    spec = {
        "model_id": "tiny",
        "weights_sha256": digest,
        "codec": "overread-cells@1",
        "prompt": "overread-1",
        "input_side_px": 320,
        "max_new_tokens": 256,
    }
    (folder / "spec.json").write_text(json.dumps(spec))


@pytest.fixture(scope="module", autouse=True)
def short_answers():
    """Random weights say all that the grammar lets them say: one lesion and one plain statement are enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vlm.embedded.grammar.MOST_BOXES", 1)
        patch.setattr("vlm.embedded.grammar.MOST_PLAIN", 1)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("weights")
    build_model(made)
    return made


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.fixture(scope="module")
def whole(folder):
    return TransformersLocal(embedded_spec(folder=folder))


def test_it_is_a_backend_that_counts_its_tokens(whole):
    assert isinstance(whole, Backend)
    assert isinstance(whole, PromptMeter)
    assert whole.fits("age 61")
    assert not whole.fits("\u0436" * 900)  # two bytes, two tokens each


@pytest.mark.parametrize("image", [IMAGE, None], ids=["image", "no image"])
def test_an_answer_has_a_probability_for_each_token(whole, image):
    answer = whole.answer(image=image, prompt="age 61")
    assert answer.text.startswith("<obj>")
    assert answer.text.endswith("</obj>")
    assert not answer.truncated
    assert len(answer.tokens) == len(answer.log_probabilities) > 2
    assert all(math.isfinite(value) and value < 0 for value in answer.log_probabilities)
    assert [stage for stage, _ in answer.seconds] == ["tokenize", "generate"]


def test_greedy_decoding_gives_the_same_answer_again(whole):
    first, second = (whole.answer(image=IMAGE, prompt="age 61") for _ in range(2))
    assert (first.text, first.log_probabilities) == (second.text, second.log_probabilities)


def test_the_probabilities_are_those_of_the_raw_model(whole):
    """Recomputed by one plain forward pass over prompt and answer, without cache, grammar or generate."""
    import torch
    from PIL import Image

    from vlm.embedded.tokens import compose

    answer = whole.answer(image=IMAGE, prompt="age 61")
    processor = whole._loaded.processor
    ids = []

    class Recorder:
        def allowed(self, prefix_ids):
            ids[:] = prefix_ids  # at the last step: all but the token that ends the answer
            return whole._grammar.allowed(prefix_ids)

    recording = TransformersLocal(whole.spec, grammar=Recorder())
    assert recording.answer(image=IMAGE, prompt="age 61").text == answer.text
    text = compose("age 61", images=1)
    inputs = processor(text=[text], images=[Image.fromarray(IMAGE).convert("RGB")], return_tensors="pt")
    count = inputs["input_ids"].shape[1]
    joined = torch.cat([inputs["input_ids"], torch.tensor([ids])], dim=1)
    with torch.inference_mode():
        logits = whole.model(
            input_ids=joined, pixel_values=inputs["pixel_values"], attention_mask=torch.ones_like(joined)
        ).logits
    expected = torch.log_softmax(logits[0, count - 1 : -1].double(), dim=-1)
    taken = [float(expected[step, token]) for step, token in enumerate(ids)]
    assert answer.log_probabilities == pytest.approx(taken, abs=1e-3)


@pytest.mark.parametrize("quantization", [Quantization.INT8, Quantization.NF4, Quantization.NF4_DOUBLE])
def test_quantized_on_a_cpu_only_the_language_model_is(folder, quantization):
    backend = TransformersLocal(embedded_spec(quantization, folder=folder))
    names = quantized_layers(backend.model)
    assert len(names) == 24  # four OPT layers of six linear layers
    assert all(name.startswith("model.language_model.") for name in names)
    answer = backend.answer(image=IMAGE, prompt="age 61")
    assert answer.text.startswith("<obj>")
    assert all(math.isfinite(value) for value in answer.log_probabilities)


def test_a_quantized_answer_is_near_the_whole_one(folder, whole):
    quantized = TransformersLocal(embedded_spec(Quantization.INT8, folder=folder)).answer(image=IMAGE, prompt="a")
    assert quantized.log_probabilities[0] == pytest.approx(
        whole.answer(image=IMAGE, prompt="a").log_probabilities[0], abs=0.1
    )


def test_quantization_that_did_not_happen_is_refused(whole):
    with pytest.raises(ModelLoadError, match="1 whole that must not"):
        verify_quantization(whole.model, Quantization.NF4, predicted=["model.language_model.layers.0.fc1"])


def test_a_quantized_head_is_refused(folder, monkeypatch):
    """What transformers does with a short module name: nothing is skipped, silently."""
    short = dataclasses.replace(ARCHITECTURES["overread"], kept_whole=("vision_tower", "lm_head"))
    monkeypatch.setattr("vlm.backends.loading.architecture_of", lambda _: short)
    with pytest.raises(ModelLoadError, match="full name"):
        TransformersLocal(embedded_spec(Quantization.NF4, folder=folder))


def test_one_changed_byte_of_the_weights_is_refused(copied):
    weights = copied / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelLoadError, match="have SHA-256"):
        TransformersLocal(embedded_spec(folder=copied))


def test_weights_of_another_kind_are_not_read(copied):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelLoadError, match=r"only the safetensors files"):
        TransformersLocal(embedded_spec(folder=copied))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "processor_config.json"])
def test_a_damaged_folder_is_a_typed_error(copied, name):
    (copied / name).write_text("{")
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        TransformersLocal(embedded_spec(folder=copied))


def test_remote_code_is_not_run(copied):
    config = json.loads((copied / "config.json").read_text())
    config |= {"model_type": "custom", "auto_map": {"AutoConfig": "evil.Config"}}
    (copied / "config.json").write_text(json.dumps(config))
    (copied / "evil.py").write_text(f"open({str(copied / 'ran')!r}, 'w')\nclass Config: ...\n")
    with pytest.raises(ModelLoadError):
        TransformersLocal(embedded_spec(folder=copied))
    assert not (copied / "ran").exists()


def test_a_parameter_that_is_not_in_the_weights_is_refused(copied):
    from safetensors.torch import load_file, save_file

    tensors = load_file(copied / "model.safetensors")
    tensors.pop("lm_head.weight")
    save_file(tensors, copied / "model.safetensors", metadata={"format": "pt"})
    write_spec(copied)
    with pytest.raises(ModelLoadError, match=r"lm_head\.weight"):
        TransformersLocal(embedded_spec(folder=copied))


def test_numbers_that_are_not_finite_fail_the_draft(tmp_path):
    build_model(tmp_path, poison=float("nan"))
    backend = TransformersLocal(embedded_spec(folder=tmp_path))
    with pytest.raises(BackendError, match="not finite") as caught:
        backend.answer(image=IMAGE, prompt="age 61")
    assert caught.value.kind is FailureKind.NON_FINITE


def test_an_overlong_prompt_is_refused_before_the_model_runs(whole):
    with pytest.raises(BackendError, match="shorten the notes"):
        whole.answer(image=IMAGE, prompt="\u0436" * 900)


def test_the_token_limit_ends_an_answer_as_truncated(folder):
    spec = dataclasses.replace(embedded_spec(folder=folder), max_new_tokens=5)
    answer = TransformersLocal(spec).answer(image=IMAGE, prompt="age 61")
    assert answer.truncated
    assert len(answer.tokens) == 5


def test_a_case_is_drafted_whole(whole, make_case, pixels):
    draft = draft_case(make_case(), pixels=pixels, backend=whole, now=lambda: datetime.now(UTC), new_id=lambda: "d")
    # Random weights say anything; what they say is either a report or a failure that keeps it.
    assert draft.status in (DraftStatus.OK, DraftStatus.FAILED)
    assert draft.raw_text.startswith("<obj>")
    assert draft.model.revision == whole.spec.weights_sha256


def test_a_note_in_another_script_is_shortened_not_failed(whole, make_case, pixels):
    from vlm.question import fitting_prompt

    prompt = fitting_prompt(make_case(indication="\u0436" * 850), whole)
    assert prompt.left_out_inputs == ("indication",)
    assert whole.fits(prompt.text)
