"""Any backend as a LangChain chat model that takes image content blocks; the only module that touches LangChain's core.

LangChain brings a tracer that sends prompts to a server when an environment variable asks for it. Importing this
module turns that off, and `untraced` keeps it off whatever a caller's context says: notes never leave the machine.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tracers.context import tracing_v2_callback_var
from langsmith import tracing_context
from numpy.typing import NDArray
from PIL import Image
from pydantic import ConfigDict

from cases.draft import FailureKind
from vlm.backend import Answer, Backend
from vlm.errors import BackendError

PNG = "image/png"
CURRENT, PRIOR = "current", "prior"  # names of the image blocks
TRACING_SWITCHES = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2")
RETIRED_SWITCHES = ("LANGCHAIN_TRACING", "LANGCHAIN_HANDLER")  # set, they make LangChain refuse to run untraced


def turn_tracing_off() -> None:
    """Set LangChain's tracing switches to off in this process's environment, and so in its children's."""
    os.environ.update(dict.fromkeys(TRACING_SWITCHES, "false"))
    for name in RETIRED_SWITCHES:
        os.environ.pop(name, None)


turn_tracing_off()


@contextmanager
def untraced() -> Iterator[None]:
    """Run without any tracer, even inside a caller's tracing context or with a cached environment."""
    token = tracing_v2_callback_var.set(None)
    try:
        with tracing_context(enabled=False):
            yield
    finally:
        tracing_v2_callback_var.reset(token)


class BackendChat(BaseChatModel):
    """A backend behind LangChain's interface: one human message in, the answer and its probabilities out."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    backend: Backend
    cache: Any = False  # an answer belongs to one case; LangChain's global cache never sees it

    @property
    def _llm_type(self) -> str:
        return "overread-backend"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        spec = self.backend.spec
        return {"model_id": spec.model_id, "revision": spec.content, "quantization": spec.quantization.value}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,  # noqa: ANN401 - LangChain's signature
    ) -> ChatResult:
        if stop is not None or kwargs:
            msg = f"decoding is fixed by the model's spec: give no stop words and no {sorted(kwargs)}"
            raise ValueError(msg)
        answer = _asked(self.backend, parts_of(messages))
        return ChatResult(generations=[ChatGeneration(message=message_of(answer))])


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message shows: the current image, the prompt, and the prior image; each may be missing."""

    image: NDArray[np.uint8] | None
    prompt: str
    prior: NDArray[np.uint8] | None


def _asked(backend: Backend, parts: Parts) -> Answer:
    """The answer, or a typed error: whatever a model library throws is a crash of the model."""
    try:
        return backend.answer(image=parts.image, prompt=parts.prompt, prior=parts.prior)
    except BackendError:
        raise
    except Exception as fault:
        msg = f"the model raised {type(fault).__name__} instead of answering: draft again, or read without a draft"
        raise BackendError(FailureKind.CRASH, msg) from fault


def human_message(
    image: NDArray[np.uint8] | None, prompt: str, *, prior: NDArray[np.uint8] | None = None
) -> HumanMessage:
    """The images (when there are any, each by its name) and the prompt (when there are words) as content blocks."""
    named = ((CURRENT, image), (PRIOR, prior))
    blocks: list[str | dict[Any, Any]] = [
        {"type": "image", "base64": _png(shown), "mime_type": PNG, "id": name}
        for name, shown in named
        if shown is not None
    ]
    if prompt:
        blocks.append({"type": "text", "text": prompt})
    return HumanMessage(content=blocks)


def parts_of(messages: Sequence[BaseMessage]) -> Parts:
    """The images and the prompt of a conversation that is one human message.

    Raises:
        ValueError: there are more messages, a third image, two of one name, or blocks of another kind.
    """
    if len(messages) != 1 or not isinstance(messages[0], HumanMessage):
        msg = f"a draft is asked for by one human message, not {[message.type for message in messages]}"
        raise ValueError(msg)
    images: dict[str, NDArray[np.uint8]] = {}
    words: list[str] = []
    for block in messages[0].content_blocks:
        if block["type"] == "text":
            words.append(block["text"])
        elif block["type"] == "image" and _is_next(block, images):
            images[block.get("id", CURRENT)] = _pixels(block["base64"])
        else:
            msg = f"a draft takes text, one {CURRENT} and one {PRIOR} base64 {PNG}, no further {block['type']!r} block"
            raise ValueError(msg)
    return Parts(images.get(CURRENT), "\n".join(words), images.get(PRIOR))


def _is_next(block: Mapping[str, Any], images: Mapping[str, object]) -> bool:
    """Whether an image block is the one of its name; one without a name is the current image."""
    name = block.get("id", CURRENT)
    return block.get("mime_type") == PNG and name in (CURRENT, PRIOR) and name not in images


def message_of(answer: Answer) -> AIMessage:
    """The answer as a message; its probabilities travel in the response metadata."""
    metadata = {
        "tokens": answer.tokens,
        "log_probabilities": answer.log_probabilities,
        "truncated": answer.truncated,
        "seconds": answer.seconds,
    }
    return AIMessage(content=answer.text, response_metadata=metadata)


def answer_of(message: BaseMessage) -> Answer:
    """The answer that `message_of` put into a message."""
    return Answer(text=str(message.content), **message.response_metadata)


def _png(image: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG", compress_level=1)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _pixels(encoded: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)), formats=["PNG"]) as picture:
        return np.asarray(picture.convert("L"), dtype=np.uint8)
