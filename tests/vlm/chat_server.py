"""A real HTTP server on loopback that speaks OpenAI's chat completions as vLLM does; it exists for tests only.

The conforming one answers from the image that it was sent: it decodes the PNG, finds the bright target and spells its
place as a family of models would. It refuses what vLLM refuses, and drops special tokens unless it is asked to keep
them, as vLLM does. The others misbehave, one way each.
"""

from __future__ import annotations

import base64
import io
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlm.backend import Answer
from vlm.backends.bounded_http import Limits
from vlm.backends.openai_server import OpenAIServer
from vlm.model_spec import ModelSpec

MODEL = "site/model-4b"
KEY = "sk-very-secret-0123456789"
WORDS = "Nodule in the right upper lobe."
NOTHING = "<obj>No nodule.</obj>"
END = "<eos>"
TOKEN = re.compile(r"<[^<>]+>|[^<]+")
CONTRAST = 40  # grey levels of 255
LARGEST = 0.25  # of the input
VARIABLE = "OVERREAD_TEST_SERVER_KEY"
PROMPT = "indication: Mrs Example coughs\nnote: nodule in the left lung"
IMAGE = np.zeros((20, 20), np.uint8)
QUICK = Limits(connect_s=1.0, total_s=1.0, most_bytes=200_000, pause_s=0.01)
PATIENT = Limits(connect_s=5.0, total_s=20.0, pause_s=0.01)

Act = Callable[["Exchange"], None]
Corners = tuple[int, int, int, int]


class Exchange(BaseHTTPRequestHandler):
    """One request; `act` of the server decides on the answer."""

    protocol_version = "HTTP/1.1"
    server: ChatServer

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), self.body))
        with suppress(ConnectionError):
            self.server.act(self)

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers), b""))
        self.reply(b"{}", status=404)

    def reply(self, body: bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, value: object, *, status: int = 200) -> None:
        self.reply(json.dumps(value).encode(), status=status)

    def hang_up(self) -> None:
        """Close the connection with a reset, not an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


class ChatServer(ThreadingHTTPServer):
    """Serves on a free port of loopback until it is closed; remembers each request (path, headers, body)."""

    daemon_threads = True

    def __init__(self, act: Act) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.act = act
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.closing = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up is what some tests are about

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


def spec_at(endpoint: str, **changes: Any) -> ModelSpec:
    """A served model at that address; name what is to differ."""
    given: dict[str, Any] = {
        "model_id": "served",
        "folder": None,
        "weights_sha256": "",
        "codec": "maira2@1",
        "prompt": "overread-1",
        "input_side_px": 100,
        "endpoint": endpoint,
        "served_name": MODEL,
        "key_variable": VARIABLE,
        "revision": "2026-11",
    }
    return ModelSpec(**(given | changes))


def answered(server: ChatServer, limits: Limits = PATIENT, **changes: Any) -> Answer:
    """What the backend makes of the server's answer to one question."""
    return OpenAIServer(spec_at(server.endpoint, **changes), limits=limits).answer(image=IMAGE, prompt=PROMPT)


def secrets_in(text: str) -> list[str]:
    """What must not be in a message and is: the key, the prompt, the answer."""
    return [secret for secret in (KEY, "Example", "coughs", "nodule in the left", "Nodule in") if secret in text]


def completion(text: str | None, *, finish: str | None = "stop", **changes: Any) -> dict[str, Any]:
    """A whole reply, as vLLM sends it; `changes` replace parts of the choice."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": None, "tool_calls": []},
        "logprobs": None,
        "finish_reason": finish,
        "stop_reason": None,
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [choice | changes],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
    }


def logprobs(tokens: list[str], values: list[Any]) -> dict[str, Any]:
    pairs = zip(tokens, values, strict=True)
    return {"content": [{"token": t, "logprob": v, "bytes": None, "top_logprobs": []} for t, v in pairs]}


def conforming(spell: Callable[[Corners, int, int], str], *, key: str | None = None) -> Act:
    """A server that looks: it spells where the bright target of the image lies, or says that there is none."""

    def act(exchange: Exchange) -> None:
        asked = json.loads(exchange.body)
        fault = _fault(exchange, asked, key)
        if fault is not None:
            status, words = fault
            exchange.reply_json({"error": {"message": words, "type": "BadRequestError", "code": status}}, status=status)
            return
        images = images_in(exchange.body)
        corners = target(images[0]) if len(images) == 1 else None
        text = NOTHING if corners is None else spell(corners, *images[0].shape)
        exchange.reply_json(_generated(text, asked))

    return act


def _fault(exchange: Exchange, asked: dict[str, Any], key: str | None) -> tuple[int, str] | None:
    """What vLLM answers to a question that it does not take."""
    if exchange.path != "/v1/chat/completions":
        return 404, "Not Found"
    if key is not None and exchange.headers["Authorization"] != f"Bearer {key}":
        return 401, "Unauthorized"
    if asked["model"] != MODEL:
        return 404, f"The model `{asked['model']}` does not exist."
    if [message["role"] for message in asked["messages"]] != ["user"]:
        return 400, "one user message"
    if exchange.headers["Content-Type"] != "application/json":
        return 400, "JSON"
    return None


def images_in(body: bytes) -> list[NDArray[np.uint8]]:
    """The images of a question, each (rows, columns) uint8."""
    parts = json.loads(body)["messages"][0]["content"]
    return [_decoded(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]


def _decoded(url: str) -> NDArray[np.uint8]:
    head, _, data = url.partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data, validate=True)), formats=["PNG"]) as picture:
        return np.asarray(picture.convert("L"))


def target(image: NDArray[np.uint8]) -> Corners | None:
    """Edges of what is clearly brighter than most of an input, in its pixels: left, top, right, bottom."""
    usual, brightest = float(np.median(image)), float(image.max())
    bright = image > (usual + brightest) / 2
    if brightest - usual < CONTRAST or bright.mean() > LARGEST:
        return None
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _generated(text: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The reply, up to the token limit; the end token is among the log-probabilities and not in the text."""
    tokens = [*TOKEN.findall(text), END]
    cut = tokens[: asked["max_tokens"]]
    finish = "stop" if len(cut) == len(tokens) else "length"
    shown = cut[:-1] if finish == "stop" else cut
    if asked.get("skip_special_tokens", True):
        shown = [token for token in shown if not token.startswith("<")]
    given = logprobs(cut, [-0.25] * len(cut)) if asked.get("logprobs") else None
    return completion("".join(shown), finish=finish, logprobs=given)


def maira2(corners: Corners, rows: int, columns: int) -> str:
    """The bins in which the target's first and last pixels lie, of 100 on each axis."""
    left, top, right, bottom = corners
    x0, x1 = (left * 100 // columns, (right - 1) * 100 // columns)
    y0, y1 = (top * 100 // rows, (bottom - 1) * 100 // rows)
    return f"<obj>{WORDS}<box><x{x0}><y{y0}><x{x1}><y{y1}></box></obj>"


def gemma(corners: Corners, rows: int, columns: int) -> str:
    """Thousandths, y first, after some reasoning."""
    left, top, right, bottom = corners
    box = [round(1000 * n / side) for n, side in ((top, rows), (left, columns), (bottom, rows), (right, columns))]
    return "I look at the lungs.\nFinal Answer:\n```json\n" + json.dumps([{"box_2d": box, "label": WORDS}]) + "\n```"


def qwen3(corners: Corners, rows: int, columns: int) -> str:
    """Thousandths, x first."""
    left, top, right, bottom = corners
    box = [round(1000 * n / side) for n, side in ((left, columns), (top, rows), (right, columns), (bottom, rows))]
    return json.dumps([{"bbox_2d": box, "label": WORDS}])


def qwen25(corners: Corners, rows: int, columns: int) -> str:
    """Pixels of the input."""
    return json.dumps([{"bbox_2d": list(corners), "label": WORDS}])


def echoing(status: int, *, kind: str = "application/json", **headers: str) -> Act:
    """An error page that quotes the whole question and the key, as debugging pages do."""

    def act(exchange: Exchange) -> None:
        page = exchange.body + exchange.headers.get("Authorization", "").encode()
        exchange.reply(page, status=status, kind=kind, **headers)

    return act


def saying(value: object) -> Act:
    """A server that always replies with that JSON value, whatever it is asked."""
    return lambda exchange: exchange.reply_json(value)


def writing(body: bytes, **headers: str) -> Act:
    """A server that always replies with those bytes."""
    return lambda exchange: exchange.reply(body, **headers)


def hanging(exchange: Exchange) -> None:
    """Takes the question and says nothing."""
    exchange.server.closing.wait(30)


def dripping_headers(exchange: Exchange) -> None:
    """One byte of a header now and then: every read is in time, the whole is not."""
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(exchange)


def dripping_body(exchange: Exchange) -> None:
    """One byte of the body now and then."""
    exchange.send_response(200)
    exchange.send_header("Content-Length", "100000")
    exchange.end_headers()
    _drip(exchange)


def _drip(exchange: Exchange) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and not exchange.server.closing.wait(0.1):
        exchange.wfile.write(b" ")
        exchange.wfile.flush()


def endless(exchange: Exchange) -> None:
    """A body without a stated length that does not end."""
    exchange.send_response(200)
    exchange.send_header("Connection", "close")
    exchange.end_headers()
    while not exchange.server.closing.is_set():
        exchange.wfile.write(b" " * 65536)


def closing_midway(exchange: Exchange) -> None:
    """Half of a good answer, then nothing."""
    body = json.dumps(completion(WORDS)).encode()
    exchange.reply(body[: len(body) // 2], length=str(len(body)))
    exchange.close_connection = True


def resetting(exchange: Exchange) -> None:
    """Resets the connection once it has the question."""
    exchange.hang_up()


def closing_silently(exchange: Exchange) -> None:
    """Closes the connection in an orderly way, without a word."""
    exchange.close_connection = True


def not_http(exchange: Exchange) -> None:
    """Speaks another protocol."""
    exchange.wfile.write(b"220 mail.example ESMTP\r\n")
    exchange.close_connection = True


def in_turn(*acts: Act) -> Act:
    """Another act for each question; the last one stays."""
    left = list(acts)

    def act(exchange: Exchange) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return act
