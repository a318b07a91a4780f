"""A chat completion as a server sent it: its shape is checked strictly, since a server's answer is untrusted.

Follows OpenAI's chat completion object as vLLM, Ray Serve and SGLang send it; fields beyond ours are not looked at. A
reply of another shape is a fault of the server (a crash), never an unreadable answer of the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from cases.draft import FailureKind
from vlm.backend import Answer
from vlm.errors import BackendError

ROUNDING: Final = 1e-3  # a certain token's log-probability may come out this far above 0 in 16-bit arithmetic


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class _Token(_Shape):
    token: str
    logprob: float


class _Tokens(_Shape):
    content: tuple[_Token, ...] | None = None


class _Message(_Shape):
    role: Literal["assistant"]
    content: str | None = None


class _Choice(_Shape):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Tokens | None = None


class _Completion(_Shape):
    choices: tuple[_Choice, ...]


def answer_in(body: bytes, *, seconds: tuple[tuple[str, float], ...]) -> Answer:
    """The one answer in a reply's body; "" where the model wrote nothing, which `vlm.answer_check` refuses.

    Args:
        body: JSON.
        seconds: per stage, as measured here.

    Raises:
        BackendError: another shape, more or fewer answers than one, an answer that did not end by itself or at the
            token limit, log-probabilities that are none. Only `raw_text` holds what the model wrote.

    >>> body = b'{"choices": [{"message": {"role": "assistant", "content": "Clear."}, "finish_reason": "stop"}]}'
    >>> answer_in(body, seconds=()).text
    'Clear.'
    """
    choice = _only_choice(body)
    text = choice.message.content or ""
    if choice.finish_reason not in ("stop", "length"):
        msg = (
            "the server ended the answer neither by itself nor at the token limit (its finish_reason is not 'stop' or "
            "'length'): see the server's log and switch its filters and tools off"
        )
        raise BackendError(FailureKind.CRASH, msg, raw_text=text)
    given = (choice.logprobs.content if choice.logprobs else None) or ()
    tokens = spelling(tuple(item.token for item in given), text)
    return Answer(
        text=text,
        tokens=tokens,
        log_probabilities=_log_probabilities(given, text)[: len(tokens)],
        truncated=choice.finish_reason == "length",
        seconds=seconds,
    )


def _only_choice(body: bytes) -> _Choice:
    try:
        choices = _Completion.model_validate_json(body).choices
    except ValidationError as fault:
        kinds = sorted({error["type"] for error in fault.errors(include_input=False, include_context=False)})
        msg = (
            f"the server's reply is no chat completion ({', '.join(kinds)}): see that the endpoint is an "
            "OpenAI-compatible server's, with its /v1"
        )
        raise BackendError(FailureKind.CRASH, msg) from None
    if len(choices) != 1:
        msg = f"the server sent {len(choices)} answers to one question: see its log and its default sampling settings"
        raise BackendError(FailureKind.CRASH, msg)
    return choices[0]


def spelling(tokens: Sequence[str], text: str) -> tuple[str, ...]:
    """The tokens that spell the text: all, or all but the one that ended the answer; none where they spell another.

    A server counts the end-of-answer token and does not print it. A character split over tokens cannot be spelt, and
    then the answer goes without probabilities, which is not measured rather than measured wrongly.

    >>> spelling(["Clear", ".", "<eos>"], "Clear.")
    ('Clear', '.')
    >>> spelling(["caf", "\ufffd", "\ufffd"], "café")
    ()
    """
    for kept in (tuple(tokens), tuple(tokens[:-1])):
        if "".join(kept).strip() == text.strip():
            return kept
    return ()


def _log_probabilities(tokens: Sequence[_Token], text: str) -> tuple[float, ...]:
    for number, token in enumerate(tokens, start=1):
        if not (math.isfinite(token.logprob) and token.logprob <= ROUNDING):
            msg = (
                f"the server's log-probability of token {number} is not a finite number up to 0: "
                "serve the model with dtype bfloat16 or float32, then draft again"
            )
            raise BackendError(FailureKind.NON_FINITE, msg, raw_text=text)
    return tuple(min(token.logprob, 0.0) for token in tokens)
