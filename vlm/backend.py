"""What a backend is: something that answers a prompt about an image, with its own token probabilities.

Two kinds exist (`vlm.backends`): a local transformers model and an OpenAI-compatible server. Every scripted one
lives in `tests/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
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
    """An answer that a backend is asked to score, and what it is an answer to, as `Backend.answer` takes it.

    Attributes:
        answer: (the start of) an answer in the codec's spelling, special tokens and all.
        prompt: the rendered prompt text.
        image, prior: already laid into the model's input; None where removed. The same object is the same image.
    """

    answer: str
    prompt: str
    image: NDArray[np.uint8] | None
    prior: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """One answer's score, token by token, with the characters that each token stands for.

    Attributes:
        spans: of each token, [start, end) in the answer.
        log_probabilities: of each token, as in `Scored`.
    """

    spans: tuple[tuple[int, int], ...]
    log_probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse a score of another answer."""
        if len(self.spans) != len(self.log_probabilities):
            counts = (len(self.spans), len(self.log_probabilities))
            msg = f"one log-probability a token: {counts[0]} tokens, {counts[1]} log-probabilities"
            raise ValueError(msg)

    def over(self, start: int, end: int) -> float:
        """The summed log-probability of the tokens that hold a character of [start, end).

        >>> ScoredAnswer(((0, 5), (5, 8)), (-1.0, -0.5)).over(5, 8)
        -0.5
        """
        pairs = zip(self.spans, self.log_probabilities, strict=True)
        return sum((value for (first, last), value in pairs if max(first, start) < min(last, end)), 0.0)


@runtime_checkable
class AnswerScoringBackend(ScoringBackend, Protocol):
    """A backend that scores answers after many prompts at once: how evidence by removal asks."""

    def answer_log_probabilities(self, asked: Sequence[Asked]) -> tuple[ScoredAnswer, ...]:
        """The score of each answer after its own prompt; each image among them is encoded once.

        Raises:
            BackendError: it crashed, its numbers are not finite, or a prompt is too long.
            ValueError: an answer has no token.
        """
        ...


class Inside(StrEnum):
    """What a model shows of its insides when it is asked where it looked."""

    GRADIENT_MAP = "gradient_map"  # gradient times activation on a convolutional map of the vision tower
    GRADIENT_TOKENS = "gradient_tokens"  # the same on the image's tokens, as the language model receives them
    ATTENTION = "attention"  # from the tokens that choose the words to the image's tokens, all layers and heads alike


class ModelPart(StrEnum):
    """Which of a model's weights a sanity check makes meaningless."""

    LANGUAGE = "language"  # all but the vision tower: what was seen is as before, what is made of it is not
    WHOLE = "whole"


@runtime_checkable
class LookingBackend(AnswerScoringBackend, Protocol):
    """A backend that can tell from inside its model where on the image a stretch of an answer leans."""

    def looked(
        self, asked: Asked, *, stretches: Sequence[tuple[int, int]], inside: Inside
    ) -> tuple[NDArray[np.float64], ...] | None:
        """One grid of weights a stretch, over the model's input of the current image, (rows, columns) of its own.

        Args:
            asked: answer, prompt and images; the current image is given.
            stretches: [start, end) in the answer's characters; the log-probability of their tokens is explained.
            inside: by what.

        Returns:
            None where the model has no such part, or its image tokens are no grid.

        Raises:
            BackendError: it crashed, its numbers are not finite, or the prompt is too long.
            ValueError: no image is given, or a stretch holds no token.
        """
        ...

    def randomised(self, *, part: ModelPart, seed: int) -> LookingBackend:
        """The same model with the entries of each weight of that part in random order: it knows nothing any more.

        Source: Adebayo J et al., Sanity Checks for Saliency Maps, NeurIPS 2018.
        """
        ...


@runtime_checkable
class PromptMeter(Protocol):
    """A backend that can tell beforehand whether a prompt fits its model."""

    def fits(self, prompt: str, *, images: int = 1) -> bool:
        """Whether the prompt, so many images and the longest answer fit together."""
        ...


@runtime_checkable
class FeatureBackend(Backend, Protocol):
    """A backend that shows what its vision tower makes of an image, pooled to one vector."""

    def features(self, *, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The vector of an image that is already laid into the model's input, (features,).

        Raises:
            BackendError: it crashed, or its numbers are not finite.
        """
        ...
