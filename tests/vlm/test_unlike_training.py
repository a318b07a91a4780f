"""How unlike training an image is: the file beside the weights, what refuses it, and the score of a case."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cases.study import InputName, InputState, MissingReason
from grounding.typicality import fitted
from vlm.backends.features import pooled
from vlm.embedded.typical import is_kept_out, typical_of
from vlm.errors import BackendError
from vlm.model_spec import ModelSpec
from vlm.typical_file import FILE, TypicalError, TypicalGroups, read_typical, write_typical
from vlm.unlike_training import unlike, unlikeness, why_not_measured

WIDTH = 4


class Eye:
    """A backend whose features are four quantiles of the image; it never answers."""

    def __init__(self, spec):
        self.spec = spec

    def answer(self, *, image, prompt, prior=None):
        raise AssertionError

    def features(self, *, image):
        return np.quantile(image, [0.1, 0.4, 0.6, 0.9]).astype(np.float32)


class Blind:
    def __init__(self, spec):
        self.spec = spec

    def answer(self, *, image, prompt, prior=None):
        raise AssertionError


@pytest.fixture
def spec(tmp_path):
    return ModelSpec("eye", tmp_path, "a" * 64, "maira2@1", "overread-1", 32)


@pytest.fixture
def groups():
    data = np.random.default_rng(0).normal(120, 8, (60, WIDTH)).astype(np.float32)
    one = replace(fitted(data, directions=2), threshold=3.0)
    return TypicalGroups({"real": one, "simulated": replace(one, threshold=1.5)}, 60)


def picture(level):
    return np.random.default_rng(1).normal(level * 257, 2000, (100, 80)).clip(0, 65535).astype(np.uint16)


def test_what_was_written_is_read_back(spec, groups):
    path = write_typical(groups, spec=spec, folder=spec.folder)
    back = read_typical(spec)
    assert path.name == FILE
    assert (sorted(back.groups), back.images) == (["real", "simulated"], 60)
    point = np.array([100, 110, 120, 150], np.float32)
    assert back.unlikeness(point) == pytest.approx(groups.unlikeness(point), rel=1e-2)
    assert groups.unlikeness(point) == groups.groups["real"].unlikeness(point)  # the nearest: the larger threshold


def test_statistics_of_other_weights_are_refused_in_words(spec, groups):
    write_typical(groups, spec=spec, folder=spec.folder)
    other = replace(spec, weights_sha256="b" * 64)
    with pytest.raises(TypicalError, match=r"aaaaaaaaaaaa.*bbbbbbbbbbbb.*vlm\.embedded\.typical"):
        read_typical(other)
    assert "fit it again" in why_not_measured(Eye(other))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not safetensors",
        b"\xff" * 64,  # a header of absurd length
        b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00",  # the beginning of a pickle
        b"\x00" * 300_000,  # too large
    ],
)
def test_a_file_that_is_none_is_refused(spec, content):
    (spec.folder / FILE).write_bytes(content)
    with pytest.raises(TypicalError, match="again"):
        read_typical(spec)


def test_arrays_that_do_not_fit_are_refused(spec, groups):
    from safetensors.numpy import load_file, save_file

    path = write_typical(groups, spec=spec, folder=spec.folder)
    about = {"format": "1", "content": spec.content, "images": "60"}
    arrays = load_file(path)
    for broken in ({**arrays, "real.rest": arrays["real.numbers"], "real.mean": arrays["real.mean"][:2]}, {}):
        save_file(broken, path, metadata=about)
        with pytest.raises(TypicalError, match="does not hold what it should"):
            read_typical(spec)


def test_a_case_is_scored_as_its_picture_is(spec, groups, make_case):
    write_typical(groups, spec=spec, folder=spec.folder)
    eye = Eye(spec)
    usual, odd = picture(120), picture(240)
    assert unlikeness(make_case(), pixels=odd, backend=eye) == unlike(odd, backend=eye) > unlike(usual, backend=eye)


def test_what_cannot_be_measured_is_none_and_says_why(spec, groups, make_case, pixels):
    assert unlikeness(make_case(), pixels=pixels, backend=Eye(spec)) is None
    assert "no typical.safetensors" in why_not_measured(Eye(spec))
    assert unlikeness(make_case(), pixels=pixels, backend=Blind(spec)) is None
    assert "shows no features" in why_not_measured(Blind(spec))
    with pytest.raises(TypicalError, match="shows no features"):
        unlike(pixels, backend=Blind(spec))
    write_typical(groups, spec=replace(spec, model_id="other"), folder=spec.folder)
    gone = InputState(InputName.CURRENT_IMAGE, present=False, missing_reason=MissingReason.EXCLUDED)
    without = make_case(inputs=(gone,))
    sighted = Eye(replace(spec, model_id="fresh"))
    assert unlikeness(make_case(), pixels=pixels, backend=sighted) is not None
    assert unlikeness(without, pixels=pixels, backend=sighted) is None
    assert unlikeness(make_case(), pixels=None, backend=sighted) is None


def test_the_threshold_is_set_on_patients_that_the_fit_did_not_see(spec):
    pictures = [(f"p{n}", picture(100 + n % 40)) for n in range(120)]
    typical, count = typical_of(iter(pictures), Eye(spec))
    kept = [one for patient, one in pictures if is_kept_out(patient)]
    assert count == 120
    assert 10 < len(kept) < 60
    assert sum(typical.unlikeness(Eye(spec).features(image=_input(one, spec))) >= 1 for one in kept) <= 0.05 * len(kept)


def test_a_trimmed_picture_is_a_part_of_it_in_one_direction():
    from vlm.embedded.typical import trimmed

    picture = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    shapes = {trimmed(picture, random=np.random.default_rng(n)).shape for n in range(40)}
    assert all(max(shape) == 100 and min(shape) >= 78 for shape in shapes)
    assert len({shape[0] < shape[1] for shape in shapes}) == 2
    one = trimmed(picture, random=np.random.default_rng(3))
    assert np.isin(one, picture).all()


def _input(pixels, spec):
    from vlm.preprocess import model_input

    return model_input(pixels, side=spec.input_side_px)[0]


def test_the_tower_of_the_embedded_model_gives_the_moments_of_all_its_maps():
    torch = pytest.importorskip("torch")
    from vlm.embedded.architecture import tower_config

    class Model:
        def __init__(self, tower):
            self.vision_tower = tower

    from transformers import ResNetModel

    tower = ResNetModel(tower_config()).eval()
    values = torch.rand(1, 3, 64, 64)
    vector = pooled(Model(tower), values)
    with torch.inference_mode():
        states = tower(values, output_hidden_states=True).hidden_states
    assert vector.shape == (2 * sum(one.shape[1] for one in states),)
    first = states[0][0].flatten(1).numpy()
    assert np.allclose(vector[: len(first)], first.mean(axis=1), atol=1e-5)
    assert np.allclose(vector[len(first) : 2 * len(first)], first.std(axis=1), atol=1e-4)
    with torch.inference_mode(), pytest.raises(BackendError, match="not finite"):
        pooled(Model(tower), values * float("nan"))


def test_the_embedded_model_has_statistics_of_its_own_weights():
    from vlm.registry import embedded_spec

    read_typical(embedded_spec())
