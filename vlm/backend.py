"""What a backend is: something that answers a prompt about an image, with its own token probabilities.

Two kinds exist (`vlm.backends`): a local transformers model and an OpenAI-compatible server. Every scripted one
lives in `tests/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vlm.model_spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer.

    Attributes:
        text: special tokens kept, since boxes are spelt in them.
        tokens: the answer's tokens as text, in order; empty when the backend does not give them.
        log_probabilities: natural log of each token's probability under the grammar-free model; same length.
        truncated: whether the token limit ended it.
        seconds: per stage, (name, seconds).
    """

    text: str
    tokens: tuple[str, ...]
    log_probabilities: tuple[float, ...]
    truncated: bool
    seconds: tuple[tuple[str, float], ...]


@runtime_checkable
class Backend(Protocol):
    """Answers one prompt about one image."""

    @property
    def spec(self) -> ModelSpec:
        """The model behind this backend."""
        ...

    def answer(self, *, image: NDArray[np.uint8] | None, prompt: str, prior: NDArray[np.uint8] | None = None) -> Answer:
        """The model's answer.

        Args:
            image: (rows, columns) uint8, already laid into the model's input by `vlm.preprocess`; None when the
                image input is removed (evidence by removal).
            prompt: the rendered prompt text.
            prior: the earlier image, laid in likewise; shown after the current one.

        Raises:
            BackendError: it crashed, ran out of time, or answered with non-finite numbers.
        """
        ...


@dataclass(frozen=True, slots=True)
class Scored:
    """How probable a model finds given words as (the start of) its answer.

    Attributes:
        log_probabilities: natural log of each token's probability given all before it, under the grammar-free model.
    """

    log_probabilities: tuple[float, ...]

    @property
    def total(self) -> float:
        """Natural log of the probability of the words as a whole.

        >>> Scored((-1.0, -0.5)).total
        -1.5
        """
        return sum(self.log_probabilities)


@runtime_checkable
class ScoringBackend(Backend, Protocol):
    """A backend that can also be asked how probable it finds words that are put into its mouth (teacher forcing)."""

    def log_probabilities(
        self,
        *,
        image: NDArray[np.uint8] | None,
        prompt: str,
        continuations: Sequence[str],
        prior: NDArray[np.uint8] | None = None,
    ) -> tuple[Scored, ...]:
        """One score for each continuation, all after the same image and prompt.

        Args:
            image: as for `answer`; None when the image input is removed.
            prompt: the rendered prompt text.
            continuations: starts of answers in the codec's spelling, special tokens and all; none is empty.
            prior: as for `answer`.

        Raises:
            BackendError: it crashed, or its numbers are not finite.
            ValueError: a continuation has no token.
        """
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing a backend may be asked, as `Backend.answer` takes it.

    Attributes:
        prompt: the rendered prompt text.
        image, prior: already laid into the model's input; None where removed.
    """

    prompt: str
    image: NDArray[np.uint8] | None
    prior: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """One answer, scored after each of several prompts.

    Attributes:
        spans: of each of the answer's tokens, [start, end) in the answer's characters.
        scored: in the order of what was asked; as many log-probabilities in each as there are spans.
    """

    spans: tuple[tuple[int, int], ...]
    scored: tuple[Scored, ...]

    def __post_init__(self) -> None:
        """Refuse a score of another answer."""
        if any(len(one.log_probabilities) != len(self.spans) for one in self.scored):
            counts = sorted({len(one.log_probabilities) for one in self.scored})
            msg = f"one log-probability a token: {len(self.spans)} tokens, {counts} log-probabilities"
            raise ValueError(msg)


@runtime_checkable
class AnswerScoringBackend(ScoringBackend, Protocol):
    """A backend that scores one answer after many prompts at once: how evidence by removal asks."""

    def answer_log_probabilities(self, *, asked: Sequence[Asked], answer: str) -> ScoredAnswer:
        """The answer's score after each prompt; each image among them is encoded once.

        Args:
            asked: prompts with what is shown beside them. Images that are the same object are the same image.
            answer: (the start of) an answer in the codec's spelling, special tokens and all.

        Raises:
            BackendError: it crashed, its numbers are not finite, or a prompt is too long.
            ValueError: the answer has no token.
        """
        ...


@runtime_checkable
class PromptMeter(Protocol):
    """A backend that can tell beforehand whether a prompt fits its model."""

    def fits(self, prompt: str, *, images: int = 1) -> bool:
        """Whether the prompt, so many images and the longest answer fit together."""
        ...
