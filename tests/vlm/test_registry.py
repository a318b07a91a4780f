from __future__ import annotations

import json

import pytest

from vlm.errors import ModelLoadError
from vlm.model_spec import Quantization
from vlm.registry import embedded_spec

FIELDS = {
    "model_id": "m",
    "weights_sha256": "0" * 64,
    "codec": "overread-cells@1",
    "prompt": "overread-1",
    "input_side_px": 320,
}


def written(folder, content):
    (folder / "spec.json").write_text(content)
    return folder


def test_a_spec_is_read_from_beside_the_weights(tmp_path):
    spec = embedded_spec(Quantization.NF4, folder=written(tmp_path, json.dumps(FIELDS | {"max_new_tokens": 99})))
    assert (spec.folder, spec.quantization, spec.max_new_tokens) == (tmp_path, Quantization.NF4, 99)
    assert (spec.model_id, spec.input_side_px, spec.dtype) == ("m", 320, "float32")


@pytest.mark.parametrize(
    "content",
    [
        "",  # empty
        "{",  # truncated
        "[]",  # another shape
        json.dumps({k: v for k, v in FIELDS.items() if k != "codec"}),  # a field short
        json.dumps(FIELDS | {"folder": "/etc"}),  # a field that is not the file's to give
        json.dumps(FIELDS | {"input_side_px": "320"}),  # mistyped
        json.dumps(FIELDS | {"input_side_px": True}),  # a bool is no side
    ],
)
def test_a_damaged_spec_is_refused(tmp_path, content):
    with pytest.raises(ModelLoadError, match=r"spec\.json"):
        embedded_spec(folder=written(tmp_path, content))


def test_no_spec_names_the_folder(tmp_path):
    with pytest.raises(ModelLoadError, match=str(tmp_path)):
        embedded_spec(folder=tmp_path)
