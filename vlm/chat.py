"""Any backend as a LangChain chat model that takes image content blocks; the only module that touches LangChain's core.

LangChain brings a tracer that sends prompts to a server when an environment variable asks for it. Importing this
module turns that off, and `untraced` keeps it off whatever a caller's context says: notes never leave the machine.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
        image, prompt = parts_of(messages)
        answer = _asked(self.backend, image, prompt)
        return ChatResult(generations=[ChatGeneration(message=message_of(answer))])


def _asked(backend: Backend, image: NDArray[np.uint8] | None, prompt: str) -> Answer:
    """The answer, or a typed error: whatever a model library throws is a crash of the model."""
    try:
        return backend.answer(image=image, prompt=prompt)
    except BackendError:
        raise
    except Exception as fault:
        msg = f"the model raised {type(fault).__name__} instead of answering: draft again, or read without a draft"
        raise BackendError(FailureKind.CRASH, msg) from fault


def human_message(image: NDArray[np.uint8] | None, prompt: str) -> HumanMessage:
    """The image (when there is one) and the prompt (when there are words) as content blocks."""
    blocks: list[str | dict[Any, Any]] = []
    if image is not None:
        blocks.append({"type": "image", "base64": _png(image), "mime_type": PNG})
    if prompt:
        blocks.append({"type": "text", "text": prompt})
    return HumanMessage(content=blocks)


def parts_of(messages: Sequence[BaseMessage]) -> tuple[NDArray[np.uint8] | None, str]:
    """The image and the prompt of a conversation that is one human message.

    Raises:
        ValueError: there are more messages, more images, or blocks of another kind.
    """
    if len(messages) != 1 or not isinstance(messages[0], HumanMessage):
        msg = f"a draft is asked for by one human message, not {[message.type for message in messages]}"
        raise ValueError(msg)
    image: NDArray[np.uint8] | None = None
    words: list[str] = []
    for block in messages[0].content_blocks:
        if block["type"] == "text":
            words.append(block["text"])
        elif block["type"] == "image" and image is None and block.get("mime_type") == PNG:
            image = _pixels(block["base64"])
        else:
            msg = f"a draft takes text and one base64 {PNG}, not a further {block['type']!r} block"
            raise ValueError(msg)
    return image, "\n".join(words)


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
