from __future__ import annotations

import gzip
import socket
import time

import pytest

from cases.draft import FailureKind
from vlm.backends.openai_server import OpenAIServer
from vlm.errors import BackendError


def scores(chat, value):
    return chat.saying(chat.completion(chat.WORDS, logprobs=chat.logprobs([chat.WORDS], [value])))


CRASH, TIMEOUT, NON_FINITE = FailureKind.CRASH, FailureKind.TIMEOUT, FailureKind.NON_FINITE
STATUSES = [
    (401, CRASH, "refused the key: put the right key into OVERREAD_TEST_SERVER_KEY"),
    (403, CRASH, "refused the key"),
    (404, CRASH, "compare served_name 'site/model-4b'"),  # no such model, or no such path
    (400, CRASH, "refused the question"),  # too long, or no images there
    (422, CRASH, "refused the question"),
    (413, CRASH, "too large"),
    (429, CRASH, "refused more work for now: draft again later"),
    (500, CRASH, "failed: see the server's log"),
    (408, TIMEOUT, "no answer in time"),
    (504, TIMEOUT, "no answer in time"),
    (418, CRASH, "HTTP 418"),  # whatever else there may be
    (201, CRASH, "HTTP 201"),  # no answer lies in it
]
SHAPES = [
    ("not JSON", lambda chat: chat.writing(b"{'choices': nope"), "json_invalid"),
    ("a web page", lambda chat: chat.writing(b"<html><body>Log in</body></html>", kind="text/html"), "json_invalid"),
    ("an empty body", lambda chat: chat.writing(b""), "json_invalid"),
    ("not UTF-8", lambda chat: chat.writing(b'{"choices": "\xff\xfe"}'), "no chat completion"),
    ("a list", lambda chat: chat.saying([1, 2]), "no chat completion"),
    ("null", lambda chat: chat.saying(None), "no chat completion"),
    ("deep nesting", lambda chat: chat.writing(b"[" * 100_000), "json_invalid"),
    ("an error with status 200", lambda chat: chat.saying({"error": {"message": chat.PROMPT}}), "missing"),
    ("no choice", lambda chat: chat.saying(chat.completion("") | {"choices": []}), "0 answers"),
    (
        "two choices",
        lambda chat: chat.saying({"choices": chat.completion("A.")["choices"] + chat.completion("B.")["choices"]}),
        "2 answers",
    ),
    (
        "content as parts",
        lambda chat: chat.saying(chat.completion([{"type": "text", "text": chat.WORDS}])),
        "string_type",
    ),
    ("content as a number", lambda chat: chat.saying(chat.completion(7)), "string_type"),
    (
        "another role",
        lambda chat: chat.saying(chat.completion("", message={"role": "user", "content": chat.PROMPT})),
        "literal_error",
    ),
    ("no message", lambda chat: chat.saying(chat.completion("", message=None)), "no chat completion"),
    ("filtered", lambda chat: chat.saying(chat.completion(chat.WORDS, finish="content_filter")), "finish_reason"),
    ("a tool call", lambda chat: chat.saying(chat.completion(None, finish="tool_calls")), "finish_reason"),
    ("not finished", lambda chat: chat.saying(chat.completion(chat.WORDS, finish=None)), "finish_reason"),
    ("a log-probability as text", lambda chat: scores(chat, "-0.5"), "float_type"),
    ("a log-probability of null", lambda chat: scores(chat, None), "float_type"),
    ("packed", lambda chat: chat.writing(gzip.compress(b" " * 10**7), Content_Encoding="gzip"), "packed"),
    ("huge, and says so", lambda chat: chat.writing(b" " * 300_000), "over 200000 bytes"),
    ("huge, without end", lambda chat: chat.endless, "over 200000 bytes"),
    ("closed midway", lambda chat: chat.closing_midway, "in the middle of its answer"),
    ("reset", lambda chat: chat.resetting, "was out of reach, or broke off"),
    ("closed without a word", lambda chat: chat.closing_silently, "was out of reach, or broke off"),
    ("another protocol", lambda chat: chat.not_http, "was out of reach, or broke off"),
]


@pytest.mark.parametrize(("status", "kind", "says"), STATUSES)
def test_a_status_is_a_typed_failure_that_names_the_way_out(serve, chat, status, kind, says):
    with pytest.raises(BackendError) as caught:
        chat.answered(serve(chat.echoing(status)), chat.QUICK)
    assert caught.value.kind is kind
    assert says in str(caught.value)
    assert str(status) in str(caught.value)
    assert not chat.secrets_in(repr(caught.value) + caught.value.raw_text)  # the page quoted all of them


@pytest.mark.parametrize(("make", "says"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_a_reply_that_is_none_is_a_crash_of_the_server(serve, chat, make, says):
    with pytest.raises(BackendError) as caught:
        chat.answered(serve(make(chat)), chat.QUICK)
    assert caught.value.kind is CRASH
    assert says in str(caught.value)
    assert not chat.secrets_in(str(caught.value))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 0.5])
def test_probabilities_that_are_none_fail_the_draft(serve, chat, value):
    with pytest.raises(BackendError, match="token 1 is not a finite number up to 0") as caught:
        chat.answered(serve(scores(chat, value)))
    assert (caught.value.kind, caught.value.raw_text) == (NON_FINITE, chat.WORDS)
    assert not chat.secrets_in(str(caught.value))


@pytest.mark.parametrize(
    "act",
    [
        "hanging",  # not a byte
        "dripping_headers",  # each read in time, the whole never
        "dripping_body",
    ],
)
def test_a_slow_server_is_left_at_the_time_limit(serve, chat, act):
    server = serve(getattr(chat, act))
    started = time.monotonic()
    with pytest.raises(BackendError, match=r"no whole answer from 127.0.0.1:[0-9]+ within its 1 s") as caught:
        chat.answered(server, chat.QUICK)
    assert caught.value.kind is TIMEOUT
    assert 0.9 < time.monotonic() - started < 5
    assert len(server.asked) == 1  # it may still be at work: it is not asked twice
    assert not chat.secrets_in(str(caught.value))


def test_a_server_that_is_not_there_is_said_so(chat, monkeypatch):
    monkeypatch.setenv(chat.VARIABLE, chat.KEY)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        backend = OpenAIServer(chat.spec_at(f"http://127.0.0.1:{taken.getsockname()[1]}/v1"), limits=chat.QUICK)
        with pytest.raises(BackendError, match="out of reach") as caught:
            backend.answer(image=chat.IMAGE, prompt=chat.PROMPT)
    assert caught.value.kind is CRASH


@pytest.mark.parametrize(
    ("first", "questions", "ok"),
    [
        ("502", 2, True),
        ("503", 2, True),
        ("resetting", 2, True),
        ("closing_silently", 2, True),
        ("500", 1, False),  # it tried
        ("429", 1, False),  # asking again is what it asks us not to do
        ("closing_midway", 1, False),  # it had answered in part
    ],
)
def test_it_is_asked_again_once_and_only_where_no_answer_had_begun(serve, chat, first, questions, ok):
    act = chat.echoing(int(first)) if first.isdigit() else getattr(chat, first)
    server = serve(chat.in_turn(act, chat.saying(chat.completion("Clear."))))
    if ok:
        assert chat.answered(server).text == "Clear."
    else:
        with pytest.raises(BackendError):
            chat.answered(server)
    assert len(server.asked) == questions


@pytest.mark.parametrize("status", [502, 503])
def test_it_is_never_asked_a_third_time(serve, chat, status):
    server = serve(chat.echoing(status))
    with pytest.raises(BackendError, match=f"HTTP {status}"):
        chat.answered(server)
    assert len(server.asked) == 2
