"""Which GPUs a server may start a model on: what the environment allows, else what the driver lists."""

from __future__ import annotations

import pytest

from vlm.devices import child_environments, gpus


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("0", ("0",)),
        ("2,0", ("2", "0")),  # the caller's order
        (" 0 , 1 ", ("0", "1")),
        ("MIG-aa-bb", ("MIG-aa-bb",)),  # a slice of a card has a name, no number
        ("", ()),  # set and empty: no GPU
        ("-1", ()),
        ("0,-1,1", ("0",)),  # CUDA stops at the first that it does not know
    ],
)
def test_the_environment_says_which_devices_may_be_used(tmp_path, visible, names):
    (tmp_path / "0000:01:00.0").mkdir()
    assert gpus({"CUDA_VISIBLE_DEVICES": visible}, driver=tmp_path) == names


def test_without_a_word_every_card_of_the_driver_counts(tmp_path):
    for card in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / card).mkdir()
    assert gpus({}, driver=tmp_path) == ("0", "1")
    assert child_environments({}, driver=tmp_path) == ({"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"})


def test_a_machine_without_a_driver_runs_one_model_on_its_cpu(tmp_path):
    assert child_environments({}, driver=tmp_path / "nothing") == ({},)
