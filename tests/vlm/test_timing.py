"""Timing on tiny models of the real architectures: the loop answers as `generate` does, and compiling is seen."""

from __future__ import annotations

import copy

import pytest

from vlm import timing
from vlm.backends import decode_loop, shapes
from vlm.backends import timing as clocks
from vlm.backends.footprint import bytes_per_token, footprint, module_bytes
from vlm.backends.timing_worker import outcome
from vlm.model_spec import ModelSpec, Quantization
from vlm.registry import embedded_spec
from vlm.timing import Effort, NotMeasured, Subject, Task, Timed

EFFORT = Effort(prompt_tokens=12, new_tokens=8, repeats=2)
TEXT = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 16}
TOWERS = {
    "gemma3": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2},
    "maira2": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2},
    "qwen2_5_vl": {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64},
}
OTHERS = {
    "gemma3": ({"num_key_value_heads": 2}, {"image_size": 56}, {"pixel_values": [1, 3, 56, 56]}),
    "maira2": ({"num_key_value_heads": 4}, {"image_size": 56}, {"pixel_values": [1, 3, 56, 56]}),
    "qwen2_5_vl": (
        {"num_key_value_heads": 2, "rope_scaling": {"rope_type": "default", "mrope_section": [2, 3, 3]}},
        {"fullatt_block_indexes": [0]},
        {"pixel_values": [16, 1176], "image_grid_thw": [[1, 4, 4]]},
    ),
}
LINEAR = 2 * 7  # layers, each with q, k, v, o, gate, up and down
FAMILIES = pytest.mark.parametrize("family", sorted(TOWERS))


def tiny(family):
    """The shape of that family in the data file, with a few small layers instead."""
    shape = next(shape for shape in shapes.shapes() if shape.family == family)
    text, tower, inputs = OTHERS[family]
    config = copy.deepcopy(shape.config)
    special = {"bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
    config["text_config"] |= {**TEXT, **text, **special, "vocab_size": 512}
    config["vision_config"] |= {**TOWERS[family], **tower}
    if family == "gemma3":
        config["mm_tokens_per_image"] = 4
    return shapes.Shape(family, shape.words, family, config, inputs, EFFORT.prompt_tokens)


def built(family, quantization=Quantization.NONE):
    return shapes.built(tiny(family), quantization=quantization, dtype="float32", device="cpu")


def task(compiler, quantization=Quantization.NONE):
    return Task(Subject("tiny", None, "tiny", quantization.value, "float32"), EFFORT, compiler)


@pytest.fixture(autouse=True)
def small_copies(monkeypatch):
    monkeypatch.setattr(clocks, "COPY_BYTES", {"cpu": 1 << 20})


@pytest.fixture
def fresh_compiler():
    import torch._dynamo

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


@FAMILIES
def test_the_loop_writes_what_generate_writes(family):
    import torch

    model = built(family).model
    loop = decode_loop.DecodeLoop(model, effort=EFFORT, compiler=None)
    with torch.inference_mode():
        first = loop.prefill()
        ours = [int(first), *loop.decode(first)[0].tolist()]
        prompt = decode_loop.prompt_ids(model, count=EFFORT.prompt_tokens)
        theirs = model.generate(
            input_ids=prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=EFFORT.new_tokens
        )
    assert ours == theirs[0, EFFORT.prompt_tokens :].tolist()


@FAMILIES
def test_a_compiled_step_is_one_graph_that_is_never_compiled_again(family, fresh_compiler):
    """Through dynamo without a code generator; what inductor makes of the graph is for `make campaign`."""
    import torch

    running = built(family)
    with torch.inference_mode():
        found = clocks.timed_run(running, task=task("eager"), held=footprint(running.model))
    assert found.proof.frames == 1
    assert (found.proof.recompiled, found.proof.graph_breaks, found.proof.graph_launches) == (0, 0, None)
    assert found.proof.regions == 1
    assert len(found.token_s) == len(found.image_s) == len(found.draft_s) == EFFORT.repeats
    assert all(seconds > 0 for seconds in (*found.token_s, *found.image_s, *found.prefill_s))
    for draft, image, prefill, step in zip(found.draft_s, found.image_s, found.prefill_s, found.token_s, strict=True):
        assert draft == pytest.approx(image + prefill + step * (EFFORT.new_tokens - 1))


def test_code_that_was_not_compiled_is_not_timed_as_compiled(monkeypatch, fresh_compiler):
    """What generate() does with a quantized model: it runs eagerly and says nothing."""
    import torch

    monkeypatch.setattr(decode_loop, "compiled", lambda step, compiler, device: step)
    running = built("maira2")
    with torch.inference_mode(), pytest.raises(clocks.NotMeasurableError, match="did not run as it should"):
        clocks.timed_run(running, task=task("eager"), held=footprint(running.model))


@pytest.mark.campaign
@pytest.mark.parametrize("quantization", list(Quantization))
def test_inductor_compiles_whole_and_quantized(quantization, fresh_compiler):
    import torch

    if decode_loop.lacks_compiler() is not None:
        pytest.skip(decode_loop.lacks_compiler())
    running = built("gemma3", quantization)
    with torch.inference_mode():
        found = clocks.timed_run(running, task=task("inductor", quantization), held=footprint(running.model))
    assert (found.proof.frames, found.proof.regions) == (1, 1)


@FAMILIES
@pytest.mark.parametrize("quantization", [Quantization.INT8, Quantization.NF4, Quantization.NF4_DOUBLE])
def test_only_the_language_model_of_a_shape_is_quantized(family, quantization):
    running = built(family, quantization)
    held = footprint(running.model)
    assert held.quantized_layers == LINEAR
    assert held.quant_state_bytes > 0
    assert held.total_bytes < footprint(built(family).model).total_bytes


@pytest.mark.parametrize(
    ("double", "state"),
    [
        (False, 64 * 4 + 16 * 4),  # a float32 absmax for each of 64 blocks of 64, and the 16 values of NF4
        (True, 64 + 16 * 4 + 4 + 256 * 4 + 4),  # absmax in 8 bits, one block of them, its 256 values, the offset
    ],
)
def test_the_state_of_a_4_bit_layer_by_hand(double, state):
    import bitsandbytes as bnb
    import torch

    layer = bnb.nn.Linear4bit(64, 64, bias=False, compress_statistics=double, quant_type="nf4")
    layer.weight = bnb.nn.Params4bit(
        torch.randn(64, 64), requires_grad=False, compress_statistics=double, quant_type="nf4"
    )
    layer = layer.to("cpu")
    assert footprint(layer).weight_bytes == 64 * 64 // 2
    assert footprint(layer).quant_state_bytes == state
    assert module_bytes(layer) == 64 * 64 // 2 + state


def test_a_step_reads_one_row_of_the_table_and_the_head_once():
    """Embedding 100 x 8 tied to the head: 32 bytes of a row, 3200 of the head; the unused layer is not read."""
    import torch
    from torch import nn

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.head, self.unused = nn.Embedding(100, 8), nn.Linear(8, 100, bias=False), nn.Linear(8, 8)
            self.head.weight = self.table.weight

        def forward(self, ids):
            return self.head(self.table(ids))

    model = Tied()
    assert bytes_per_token(model, lambda: model(torch.tensor([[3]]))) == 8 * 4 + 100 * 8 * 4
    assert footprint(model).total_bytes == 100 * 8 * 4 + (8 * 8 + 8) * 4  # tied weights once
    assert not model.table._forward_hooks


def test_a_missing_part_is_a_reason_before_anything_is_loaded(monkeypatch):
    monkeypatch.setattr(clocks, "find_spec", lambda name: None)
    found = outcome(task(None, Quantization.NF4))
    assert found == NotMeasured("nf4 needs bitsandbytes, which is not installed: pip install bitsandbytes")


def test_without_a_c_compiler_a_compiled_row_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    found = outcome(task("inductor"))
    assert "needs a C++ compiler" in found.reason


def test_what_cannot_be_timed_here_says_why(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    shape = Subject("medgemma-4b", None, "medgemma-4b", "none", "bfloat16")
    assert "only on a GPU" in outcome(Task(shape, EFFORT, None)).reason
    spec = ModelSpec("far", None, "", "maira2@1", "p", 518, endpoint="http://127.0.0.1:9/v1", served_name="s")
    far = Subject("far", spec, None, "none", "float32")
    assert "where it is served" in outcome(Task(far, EFFORT, None)).reason


def test_more_tokens_than_the_model_has_positions_is_a_reason():
    own = Subject("own", embedded_spec(), None, "none", "float32")
    assert "tokens, the model takes" in outcome(Task(own, Effort(100_000, 8, 1), None)).reason


def test_an_unforeseen_fault_is_one_line():
    found = outcome(Task(Subject("x", None, "x", "no-such", "float32"), EFFORT, None))
    assert found.reason.startswith("the run raised ValueError: 'no-such' is not a valid Quantization")
    assert "\n" not in found.reason


@pytest.mark.parametrize("changes", [{"prompt_tokens": 0}, {"new_tokens": 1}, {"repeats": 0}])
def test_a_run_without_a_step_or_a_repeat_is_refused(changes):
    with pytest.raises(ValueError, match="or more"):
        Effort(**({"prompt_tokens": 1, "new_tokens": 2, "repeats": 1} | changes))


def test_a_subject_is_a_model_or_a_shape():
    with pytest.raises(ValueError, match="exactly one"):
        Subject("both", embedded_spec(), "medgemma-4b", "none", "float32")


@pytest.mark.parametrize(
    ("program", "deadline_s", "reason"),
    [
        ("import os; os._exit(3)", 60.0, "exit status 3"),  # a crash
        ("import time; time.sleep(60)", 0.2, "was stopped"),  # a hang
    ],
)
def test_a_process_that_dies_or_hangs_costs_one_row(monkeypatch, program, deadline_s, reason):
    monkeypatch.setattr(timing, "PROGRAM", program)
    assert reason in timing.timed(task(None), deadline_s=deadline_s).reason


def test_the_embedded_model_is_timed_in_a_process_of_its_own():
    own = Subject("own", embedded_spec(), None, "none", "float32")
    found = timing.timed(Task(own, Effort(110, 3, 2), None))
    assert isinstance(found, Timed), found
    assert found.proof is None
    assert 0 < found.bytes_per_token < found.weight_bytes  # the tower is not read again for a token
    assert found.peak_bytes > found.weight_bytes
    assert found.quant_state_bytes == found.quantized_layers == 0
    assert len(found.token_s) == 2
