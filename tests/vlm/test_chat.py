from __future__ import annotations

import contextlib
import contextvars
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from langchain_core.callbacks import CallbackManager
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tracers.context import tracing_v2_callback_var
from langchain_core.tracers.langchain import LangChainTracer
from langsmith import tracing_context

from vlm.chat import TRACING_SWITCHES, BackendChat, Parts, answer_of, human_message, message_of, parts_of, untraced


def test_pixels_survive_the_content_block_to_the_bit():
    image = np.random.default_rng(1).integers(0, 256, (31, 17), dtype=np.uint8)
    parts = parts_of([human_message(image, "age 61\nsex F")])
    assert np.array_equal(parts.image, image)
    assert (parts.prompt, parts.prior) == ("age 61\nsex F", None)


@pytest.mark.parametrize("with_current", [True, False])
def test_the_prior_image_is_known_by_its_name_even_alone(with_current):
    current, prior = np.full((4, 4), 9, np.uint8), np.full((6, 5), 3, np.uint8)
    parts = parts_of([human_message(current if with_current else None, "", prior=prior)])
    assert np.array_equal(parts.prior, prior)
    assert (parts.image is not None) == with_current


def test_neither_image_nor_words_is_a_message_too():
    assert parts_of([human_message(None, "")]) == Parts(None, "", None)


def test_an_answer_survives_the_message(scripted):
    assert answer_of(message_of(scripted.answer())) == scripted.answer()


def test_the_chat_model_answers_with_the_backends_words(scripted):
    backend = scripted.Scripted(scripted.answer)
    message = BackendChat(backend=backend).invoke([human_message(None, "age 61")])
    assert answer_of(message) == scripted.answer()
    assert backend.asked == [(None, "age 61")]


IMAGE = {"type": "image", "base64": "", "mime_type": "image/jpeg"}


@pytest.mark.parametrize(
    "messages",
    [
        [],  # nothing asked
        [SystemMessage("be brief"), HumanMessage("hi")],  # a system prompt that no spec names
        [HumanMessage([IMAGE])],  # another format
        [HumanMessage([{"type": "image", "url": "http://example.org/x.png"}])],  # would have to be fetched
        [HumanMessage([{"type": "image", "base64": "", "mime_type": "image/png", "id": "lateral"}])],  # no such input
    ],
)
def test_other_conversations_are_refused(scripted, messages):
    with pytest.raises(ValueError, match="a draft"):
        BackendChat(backend=scripted.Scripted(scripted.answer)).invoke(messages)


def test_decoding_cannot_be_changed_by_a_call(scripted):
    with pytest.raises(ValueError, match="decoding is fixed"):
        BackendChat(backend=scripted.Scripted(scripted.answer)).invoke([human_message(None, "x")], stop=["."])


def active_tracers():
    return [handler for handler in CallbackManager.configure().handlers if isinstance(handler, LangChainTracer)]


class KeylessTracer(LangChainTracer):
    """The tracer, made without the key that it would need to send anything."""

    def __init__(self, **kwargs):
        super().__init__(client=object())


def traced_caller(way, entered):
    """The tracers that are active under a caller who asks for tracing in that way, once `entered` is entered."""

    def inside():
        if way == "callback variable":
            tracing_v2_callback_var.set(KeylessTracer())
        with tracing_context(enabled=True if way == "context" else None), entered:
            return active_tracers()

    return contextvars.copy_context().run(inside)


@pytest.mark.parametrize("way", ["callback variable", "context"])
def test_a_caller_who_traces_gets_no_tracer_in_here(monkeypatch, way):
    monkeypatch.setattr("langchain_core.tracers.langchain.LangChainTracer", KeylessTracer)
    assert len(traced_caller(way, contextlib.nullcontext())) == 1  # the control: it does happen without `untraced`
    assert traced_caller(way, untraced()) == []


def test_no_tracer_is_active_after_import():
    assert active_tracers() == []
    assert {os.environ[name] for name in TRACING_SWITCHES} == {"false"}


DRAFTING = """
import socket, sys
def refuse(*args, **kwargs):
    raise SystemExit("network: " + repr(args[:1]))
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import json
from datetime import UTC, datetime
import numpy as np
from conftest import case
from langchain_core.callbacks import CallbackManager
from langchain_core.tracers.langchain import LangChainTracer
import scripted_backend as s
import vlm.draft
seen = []
real = LangChainTracer.__init__
LangChainTracer.__init__ = lambda self, *a, **k: (seen.append(1), real(self, *a, **k))[1]
backend = s.Scripted(s.answer)
draft = vlm.draft.draft_case(
    case(), pixels=np.zeros((100, 80), np.uint16), backend=backend, now=lambda: datetime.now(UTC), new_id=lambda: "d"
)
print(json.dumps([draft.status.value, len(seen)]))
"""


def test_a_process_told_to_trace_drafts_without_tracer_and_without_network(scripted):
    asked = {
        "LANGSMITH_TRACING": "true",
        "LANGCHAIN_TRACING_V2": "true",
        "LANGCHAIN_TRACING": "true",  # retired; set, it makes LangChain refuse to run untraced
        "LANGSMITH_API_KEY": "x",
        "LANGSMITH_ENDPOINT": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-c", DRAFTING], env={**os.environ, **asked}, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, '["ok", 0]'), done.stderr[-2000:]


def test_drafting_opens_no_socket(scripted, make_case, pixels, monkeypatch):
    from datetime import UTC, datetime

    from vlm.draft import draft_case

    def refuse(*args, **kwargs):
        raise AssertionError("drafting opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    draft = draft_case(
        make_case(),
        pixels=pixels,
        backend=scripted.Scripted(scripted.answer),
        now=lambda: datetime.now(UTC),
        new_id=lambda: "d",
    )
    assert draft.status.value == "ok"
