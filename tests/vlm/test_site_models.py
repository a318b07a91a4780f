"""The site's list of models at the door: what it takes, and what it refuses without quoting a value."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from vlm.errors import SiteModelsError
from vlm.model_spec import ModelSpec, Quantization
from vlm.registry import embedded_spec, models, site_file, spec_named
from vlm.site_models import read_site_models

SHARDS = {"model-00002-of-00002.safetensors": "b" * 64, "model-00001-of-00002.safetensors": "a" * 64}
LOCAL = {
    "model_id": "medgemma",
    "family": "gemma3",
    "folder": "weights/medgemma",
    "files_sha256": SHARDS,
    "input_side_px": 896,
    "quantization": "nf4-double",
}
SERVED = {
    "model_id": "qwen",
    "family": "qwen3_vl",
    "endpoint": "http://127.0.0.1:8000/v1",
    "served_name": "Qwen/Qwen3-VL-8B-Instruct",
    "key_variable": "VLLM_KEY",
    "input_side_px": 1024,
    "revision": "abc",
}


def written(folder, *entries):
    path = folder / "models.json"
    path.write_text(json.dumps({"models": list(entries)}))
    return path


def without(entry, *names):
    return {name: value for name, value in entry.items() if name not in names}


def test_no_file_is_no_model(tmp_path):
    assert read_site_models(None) == read_site_models(tmp_path / "none.json") == ()
    assert [spec.model_id for spec in models()] == [embedded_spec().model_id]


def test_a_listed_folder_becomes_a_spec(tmp_path):
    (spec,) = read_site_models(written(tmp_path, LOCAL))
    assert spec == ModelSpec(
        "medgemma",
        tmp_path.resolve() / "weights" / "medgemma",  # beside the file that names it
        "",
        "gemma-box2d@1",
        "gemma3-1",
        896,
        quantization=Quantization.NF4_DOUBLE,
        dtype="bfloat16",
        max_new_tokens=1200,
        family="gemma3",
        files_sha256=tuple(sorted(SHARDS.items())),
    )


def test_a_listed_server_becomes_a_spec(tmp_path):
    (spec,) = read_site_models(written(tmp_path, SERVED))
    assert (spec.folder, spec.endpoint, spec.served_name) == (None, SERVED["endpoint"], SERVED["served_name"])
    assert (spec.key_variable, spec.codec, spec.content) == ("VLLM_KEY", "qwen3-vl@1", "declared:abc")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (LOCAL | {"family": "llama"}, "no model family is named 'llama'"),
        (LOCAL | {"endpoint": "https://h/v1", "served_name": "s"}, "exactly one of folder and endpoint"),
        (without(LOCAL, "folder"), "exactly one of folder and endpoint"),
        (without(LOCAL, "files_sha256"), "weights_sha256"),  # unpinned
        (LOCAL | {"weights_sha256": "c" * 64}, "give exactly one"),  # pinned twice
        (LOCAL | {"files_sha256": {"../x.safetensors": "a" * 64}}, "no folders"),
        (LOCAL | {"files_sha256": {"pytorch_model.bin": "a" * 64}}, ".safetensors file"),
        (LOCAL | {"files_sha256": {"a.safetensors": "A" * 64}}, "string pattern mismatch"),  # capitals
        (LOCAL | {"served_name": "s"}, "belong to an endpoint"),
        (LOCAL | {"key_variable": "K"}, "belong to an endpoint"),
        (LOCAL | {"dtype": "float16"}, "dtype"),  # Gemma-3 answers nothing in it
        (LOCAL | {"quantization": "int4"}, "quantization"),
        (LOCAL | {"input_side_px": "896"}, "input_side_px"),
        (LOCAL | {"input_side_px": True}, "input_side_px"),
        (LOCAL | {"max_new_tokens": 0}, "max_new_tokens"),
        (LOCAL | {"model_id": "../etc"}, "model_id"),
        (LOCAL | {"trust_remote_code": True}, "another name"),  # there is no such switch
        (LOCAL | {"codec": "maira2@1"}, "another name"),  # the family's to give
        (without(SERVED, "served_name"), "give served_name"),
        (SERVED | {"weights_sha256": "c" * 64}, "cannot be hashed from here"),
        (SERVED | {"endpoint": "http://10.0.0.7:8000/v1"}, "without TLS"),  # notes in the open
        (SERVED | {"endpoint": "https://user:secret@h/v1"}, "key_variable"),
        (SERVED | {"endpoint": "https://h/v1?api_key=secret"}, "key_variable"),
        (SERVED | {"endpoint": "file:///etc/passwd"}, "no URL"),
        (SERVED | {"key_variable": "sk-secret-0123"}, "key_variable"),  # a key where its variable's name belongs
        (SERVED | {"api_key": "secret"}, "another name"),
    ],
)
def test_an_entry_that_does_not_hold_together_is_refused(tmp_path, entry, message):
    with pytest.raises(SiteModelsError, match=message) as caught:
        read_site_models(written(tmp_path, entry))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"models": {}}',
        '{"models": [1]}',
        '{"model": []}',
        "[" * 100_000,
        "\ufeff{}",
        " " * (1 << 20) + "{}",
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, content):
    path = tmp_path / "models.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SiteModelsError, match=r"models\.json"):
        read_site_models(path)


def test_a_name_is_one_model(tmp_path):
    with pytest.raises(SiteModelsError, match="lists medgemma twice"):
        read_site_models(written(tmp_path, LOCAL, LOCAL))
    for taken in ("embedded", embedded_spec().model_id):
        with pytest.raises(SiteModelsError, match="the project's own"):
            models(written(tmp_path, LOCAL | {"model_id": taken}))


def test_models_by_name(tmp_path):
    path = written(tmp_path, LOCAL, SERVED)
    assert spec_named("embedded", path) == spec_named(embedded_spec().model_id, path) == embedded_spec()
    assert spec_named("medgemma", path).quantization is Quantization.NF4_DOUBLE
    assert spec_named("medgemma", path, quantization=Quantization.INT8).quantization is Quantization.INT8
    with pytest.raises(SiteModelsError, match="no model is named 'gpt'"):
        spec_named("gpt", path)
    with pytest.raises(SiteModelsError, match="quantized where it is served"):
        spec_named("qwen", path, quantization=Quantization.NF4)


def test_the_embedded_model_needs_no_list(tmp_path):
    """A broken list of the site's does not keep the embedded model from drafting."""
    path = tmp_path / "models.json"
    path.write_text("{")
    assert spec_named("embedded", path) == embedded_spec()


def test_the_list_is_named_or_beside_the_store():
    store = Path("pilot") / "s.duckdb"
    assert site_file(store, environment={"OVERREAD_MODELS": "/etc/models.json"}) == Path("/etc/models.json")
    assert site_file(store, environment={"OVERREAD_MODELS": ""}) == Path("pilot") / "s.duckdb.models.json"


def test_what_pins_a_sharded_model_is_the_hash_of_its_list():
    """As `sha256sum` hashes the list it prints itself: "hash  name" and a line's end."""
    spec = ModelSpec("m", Path("f"), "", "c", "p", 1, files_sha256=(("a.safetensors", "a" * 64),))
    assert spec.content == "9e677f646e7c926d1081f9872a1d4b9fbc431e3412359a6f5e3f2ac1cfbee3e7"
    other = dataclasses.replace(spec, files_sha256=(("b.safetensors", "a" * 64),))
    assert spec.content != other.content
