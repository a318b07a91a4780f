"""Where a transformers model looked while it chose the words of an answer: gradients and attention, from one pass.

Gradient times activation (Shrikumar A et al., arXiv:1605.01713; spatial as in Selvaraju RR et al., Grad-CAM, ICCV
2017, without averaging the gradient over the map): at each place, the sum over channels of the activation times the
gradient of the words' log-probability. It is taken at a convolutional map of the tower, where there is one (what speaks
for the words alone, smoothed a little), or at the image's tokens as the language model receives them. Attention is
read, not differentiated: the mean over layers and heads from the positions that choose the words to the image's tokens
(Jain S, Wallace BC, NAACL 2019, on why it may mislead). Which of them can be believed is measured (`evals.fidelity`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cases.draft import FailureKind
from vlm.backend import Inside, ModelPart
from vlm.errors import BackendError

SMOOTHING: Final = 1.0  # cells of the map (8 px of 320): single cells are noisy, and a lesion covers several
STAGE: Final = 1  # the tower's map of 8 px cells: the deepest that still tells a 10 mm nodule from its neighbour
MAP_DIMENSIONS: Final = 4  # (images, channels, rows, columns)
VISION: Final = ("vision_tower", "visual", "vision_model")

Grid = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Told:
    """What a model is asked about: its inputs up to the prompt, and the answer that is put into its mouth.

    Attributes:
        inputs: of the processor, for one prompt.
        answer: token ids.
        chosen: for each stretch, the places of its tokens in the answer.
        shape: (rows, columns) of the model's input of one image, pixels.
        image_id: the token that stands for a piece of an image.
        images: how many images are shown, the current one first.
    """

    inputs: Mapping[str, Any]
    answer: Sequence[int]
    chosen: Sequence[Sequence[int]]
    shape: tuple[int, int]
    image_id: int
    images: int

    @property
    def whole(self) -> dict[str, Any]:
        """The inputs with the answer after the prompt; what goes by token and is no id is continued as plain text."""
        import torch

        ids = self.inputs["input_ids"]
        answer = torch.tensor([list(self.answer)], device=ids.device, dtype=ids.dtype)
        fill = {"input_ids": answer, "attention_mask": torch.ones_like(answer)}
        return {
            name: torch.cat([value, fill.get(name, torch.zeros_like(answer)).to(value.dtype)], dim=1)
            if getattr(value, "shape", ())[:2] == ids.shape
            else value
            for name, value in self.inputs.items()
        }

    @property
    def image_places(self) -> list[int]:
        """Where the current image's tokens stand in the prompt."""
        places: list[int] = (self.inputs["input_ids"][0] == self.image_id).nonzero()[:, 0].tolist()
        return places[: len(places) // self.images]


def looked(model: Any, told: Told, *, inside: Inside) -> tuple[Grid, ...] | None:  # noqa: ANN401
    """One grid a stretch, over the current image's input; None where the model has no such part.

    Raises:
        BackendError: the model's numbers are not finite.
    """
    if inside is Inside.ATTENTION:
        return _attention(model, told)
    if inside is Inside.GRADIENT_TOKENS:
        return _token_gradient(model, told)
    return _map_gradient(model, told)


def token_grid(count: int, shape: tuple[int, int]) -> tuple[int, int] | None:
    """(rows, columns) of so many tokens laid over an input of that shape in nearly square cells; None for no grid.

    >>> token_grid(100, (320, 320)), token_grid(6, (56, 84)), token_grid(7, (320, 320))
    ((10, 10), (2, 3), None)
    """
    rows = round(math.sqrt(count * shape[0] / shape[1]))
    return (rows, count // rows) if rows and count % rows == 0 else None


def smoothed(grid: Grid, *, sigma: float = SMOOTHING) -> Grid:
    """The grid under a Gaussian of that many cells, cut off at three of them; nothing lies beyond the edges.

    >>> smoothed(np.array([[0.0, 0.0, 1.0, 0.0, 0.0]]), sigma=0.5).round(3).tolist()
    [[0.0, 0.084, 0.619, 0.084, 0.0]]
    """
    reach = math.ceil(3 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    down = np.apply_along_axis(_laid_over, 0, grid, kernel)
    return np.asarray(np.apply_along_axis(_laid_over, 1, down, kernel), dtype=np.float64)


def _laid_over(line: Grid, kernel: Grid) -> Grid:
    reach = len(kernel) // 2
    return np.convolve(np.pad(line, reach), kernel, mode="valid")


def shuffled(model: Any, *, part: ModelPart, seed: int) -> Any:  # noqa: ANN401 - a transformers model
    """A copy of the model, the entries of each weight of that part in random order."""
    import torch

    made = copy.deepcopy(model)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if part is ModelPart.WHOLE or not any(vision in name for vision in VISION):
                order = torch.randperm(weight.numel(), generator=random).to(weight.device)
                weight.copy_(weight.reshape(-1)[order].reshape(weight.shape))
    return made


def _map_gradient(model: Any, told: Told) -> tuple[Grid, ...] | None:  # noqa: ANN401
    stages = getattr(getattr(_tower(model), "encoder", None), "stages", None)
    if stages is None or len(stages) <= STAGE:
        return None
    with _leaf_of(stages[STAGE]) as leaf:
        scores = _scores(model, told)
    if len(leaf) != 1 or leaf[0].ndim != MAP_DIMENSIONS:
        return None
    weights = [(leaf[0] * slope).sum(dim=1)[0] for slope in _slopes(scores, leaf[0], told)]
    return tuple(smoothed(np.maximum(_grid(one), 0.0)) for one in weights)


def _token_gradient(model: Any, told: Told) -> tuple[Grid, ...] | None:  # noqa: ANN401
    places, language = told.image_places, _language(model)
    shape = token_grid(len(places), told.shape)
    if shape is None or language is None:
        return None
    with _embedded_leaf_of(language) as leaf:
        scores = _scores(model, told)
    weights = [(leaf[0] * slope).sum(dim=-1)[0, places] for slope in _slopes(scores, leaf[0], told)]
    return tuple(_grid(one.reshape(shape)) for one in weights)


def _attention(model: Any, told: Told) -> tuple[Grid, ...] | None:  # noqa: ANN401
    import torch

    places, language = told.image_places, _language(model)
    shape = token_grid(len(places), told.shape)
    if shape is None or language is None:
        return None
    before = language.config._attn_implementation  # no public name
    language.set_attn_implementation("eager")  # the others do not give their weights
    try:
        with torch.inference_mode():
            layers = model(**told.whole, use_cache=False, logits_to_keep=1, output_attentions=True).attentions
    finally:
        language.set_attn_implementation(before)
    mean = torch.stack([layer[0].float().mean(dim=0) for layer in layers]).mean(dim=0)
    prompt = int(told.inputs["input_ids"].shape[1])
    choosing = [[prompt + place - 1 for place in places_] for places_ in told.chosen]  # each token is chosen before it
    return tuple(_grid(mean[rows][:, places].mean(dim=0).reshape(shape)) for rows in choosing)


def _tower(model: Any) -> Any:  # noqa: ANN401
    return next((one for name in VISION if (one := getattr(model.model, name, None)) is not None), None)


def _language(model: Any) -> Any:  # noqa: ANN401
    return getattr(model.model, "language_model", None)


def _scores(model: Any, told: Told) -> Any:  # noqa: ANN401 - a torch tensor
    """The log-probability of each of the answer's tokens, with the graph back to the leaf."""
    import torch

    answer = torch.tensor(list(told.answer), device=told.inputs["input_ids"].device)
    with torch.enable_grad():
        logits = model(**told.whole, use_cache=False, logits_to_keep=len(answer) + 1).logits[0, :-1]
        return torch.log_softmax(logits.float(), dim=-1).gather(1, answer[:, None])[:, 0]


def _slopes(scores: Any, leaf: Any, told: Told) -> Iterator[Any]:  # noqa: ANN401 - torch tensors
    """The gradient of each stretch's log-probability at the leaf."""
    import torch

    for places in told.chosen:
        yield torch.autograd.grad(scores[list(places)].sum(), leaf, retain_graph=True)[0]


@contextmanager
def _leaf_of(module: Any) -> Iterator[list[Any]]:  # noqa: ANN401
    """What the module gives, cut off from all before it, so that no gradient runs further back than here."""
    leaves: list[Any] = []

    def cut(_module: Any, _given: Any, output: Any) -> Any:  # noqa: ANN401
        leaves.append(output.detach().requires_grad_())
        return leaves[-1]

    with _hooked(lambda: module.register_forward_hook(cut)):
        yield leaves


@contextmanager
def _embedded_leaf_of(language: Any) -> Iterator[list[Any]]:  # noqa: ANN401
    """What the language model is given in place of token ids, cut off likewise."""
    leaves: list[Any] = []

    def cut(_module: Any, arguments: Any, named: dict[str, Any]) -> Any:  # noqa: ANN401
        leaves.append(named["inputs_embeds"].detach().requires_grad_())
        return arguments, {**named, "inputs_embeds": leaves[-1]}

    with _hooked(lambda: language.register_forward_pre_hook(cut, with_kwargs=True)):
        yield leaves


@contextmanager
def _hooked(register: Callable[[], Any]) -> Iterator[None]:
    with ExitStack() as stack:
        stack.callback(register().remove)
        yield


def _grid(weights: Any) -> Grid:  # noqa: ANN401 - a torch tensor
    grid: Grid = weights.detach().double().cpu().numpy()
    if not np.isfinite(grid).all():
        msg = "the model gave numbers that are not finite when asked where it looked: load it with dtype float32"
        raise BackendError(FailureKind.NON_FINITE, msg)
    return grid


__all__ = ["Told", "looked", "shuffled", "token_grid"]
