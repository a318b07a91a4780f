"""A model that a site serves: any OpenAI-compatible server (vLLM, Ray Serve, SGLang), asked at the URL of the spec.

The same prompt, placement and codec as for a local model; the server lays the prompt out by its own chat template and
may hold a grammar of its own. Greedy: temperature 0, a fixed seed, no repetition penalty. Fields beyond OpenAI's are
vLLM's. What leaves this machine is the prompt and the image, for the one address that the site listed; see
docs/servers.md. It is not a client for other people's services: it needs `skip_special_tokens`, which those refuse.
"""

from __future__ import annotations

import base64
import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cases.draft import FailureKind
from vlm.backend import Answer
from vlm.backends.bounded_http import OK, Limits, Reply, address_of, ask
from vlm.backends.completion import answer_in
from vlm.endpoint import fault_of
from vlm.errors import BackendError, ModelLoadError
from vlm.model_spec import ModelSpec

PATH: Final = "/chat/completions"
SEED: Final = 0
REDIRECTS: Final = range(300, 400)
UNFIT: Final = "the question (longer than the model takes, or with a field or an image that the server does not know)"
REFUSALS: Final = {
    400: UNFIT,
    401: "the key",
    403: "the key",
    404: "the model's name or the path",
    413: "the question as too large",
    422: UNFIT,
    429: "more work for now",
}
SLOW: Final = (408, 504)


class OpenAIServer:
    """A served model that answers prompts; implements `vlm.backend.Backend`.

    Args:
        spec: with the endpoint, the model's name there and, where the server wants one, the name of the environment
            variable that holds its key. The key is read once, here, and is in no message.
        limits: of time and size.

    Raises:
        ModelLoadError: no endpoint that may be asked, or no key in the variable. The server is not asked yet.
    """

    def __init__(self, spec: ModelSpec, *, limits: Limits | None = None) -> None:
        self._spec = spec
        self._address = address_of(completions_url(spec), _authorization(spec, os.environ))
        self._limits = limits or Limits()

    @property
    def spec(self) -> ModelSpec:
        """The model behind this backend."""
        return self._spec

    def answer(self, *, image: NDArray[np.uint8] | None, prompt: str, prior: NDArray[np.uint8] | None = None) -> Answer:
        """The model's answer to a prompt, about an image or about none.

        Args:
            image: (rows, columns) uint8, already laid into the model's input.
            prompt: the rendered prompt text.
            prior: the earlier image, laid in likewise.

        Raises:
            BackendError: the server was out of reach, too slow, refused the question, or sent what is no answer.
        """
        started = time.perf_counter()
        body = json.dumps(question(self._spec, (image, prior), prompt=prompt)).encode("ascii")
        encoded = time.perf_counter()
        reply = ask(self._address, body, limits=self._limits)
        answered = time.perf_counter()
        self._refuse_status(reply)
        return answer_in(reply.body, seconds=(("encode", encoded - started), ("server", answered - encoded)))

    def _refuse_status(self, reply: Reply) -> None:
        """Any status but 200, in words; what the server wrote beside it is not read."""
        if reply.status == OK:
            return
        said = f"{self._spec.model_id} at {self._spec.endpoint} (HTTP {reply.status})"
        if reply.status in SLOW:
            msg = f"no answer in time from {said}: look at the server's load, then draft again"
            raise BackendError(FailureKind.TIMEOUT, msg)
        if reply.status in REDIRECTS:
            msg = f"{said} points elsewhere, which is not followed: write the server's own address in the model's entry"
        elif reply.status in REFUSALS:
            msg = f"{said} refused {REFUSALS[reply.status]}: {self._way_out(reply.status)}"
        else:
            msg = f"{said} failed: see the server's log, then draft again"
        raise BackendError(FailureKind.CRASH, msg)

    def _way_out(self, status: int) -> str:
        if status in (401, 403):
            variable = self._spec.key_variable
            return f"put the right key into {variable}" if variable else "name its key's variable in key_variable"
        if status == 404:
            return f"compare served_name {self._spec.served_name!r} and the endpoint with the server's /v1/models"
        return "draft again later" if status == 429 else "shorten the notes, or see docs/servers.md for its settings"


def completions_url(spec: ModelSpec) -> str:
    """Where the spec's model is asked.

    Raises:
        ModelLoadError: the spec has no endpoint, or one that must not be asked.

    >>> from pathlib import Path
    >>> served = {"endpoint": "http://127.0.0.1:8000/v1/", "served_name": "s"}
    >>> completions_url(ModelSpec("m", None, "", "maira2@1", "p", 518, **served))
    'http://127.0.0.1:8000/v1/chat/completions'
    """
    if spec.endpoint is None:
        msg = f"{spec.model_id} has no endpoint: only a server that the site listed is ever asked"
        raise ModelLoadError(msg)
    fault = fault_of(spec.endpoint)
    if fault:
        msg = f"{spec.model_id}: {fault}"
        raise ModelLoadError(msg)
    return spec.endpoint.rstrip("/") + PATH


def _authorization(spec: ModelSpec, environment: Mapping[str, str]) -> dict[str, str]:
    """The header that carries the key; none where the server wants none."""
    if spec.key_variable is None:
        return {}
    key = environment.get(spec.key_variable, "").strip()
    if not key or not (key.isascii() and key.isprintable() and " " not in key):
        msg = (
            f"{spec.model_id} needs a key in the environment variable {spec.key_variable}, one word of plain characters"
        )
        raise ModelLoadError(msg)
    return {"Authorization": f"Bearer {key}"}


def question(spec: ModelSpec, images: Sequence[NDArray[np.uint8] | None], *, prompt: str) -> dict[str, Any]:
    """The request's JSON: one user message, the images before the words, decoding fixed."""
    content: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": data_url(image)}} for image in images if image is not None
    ]
    if prompt:
        content.append({"type": "text", "text": prompt})
    return {
        "model": spec.served_name,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "seed": SEED,
        "n": 1,
        "stream": False,
        "max_tokens": spec.max_new_tokens,
        "logprobs": True,
        "repetition_penalty": 1.0,  # some models' own settings ask for one, which would change what they say
        "skip_special_tokens": False,  # boxes are spelt in them
        "spaces_between_special_tokens": False,
    }


def data_url(image: NDArray[np.uint8]) -> str:
    """A PNG without metadata, in RGB as every server's processor takes it."""
    file = io.BytesIO()
    Image.fromarray(image).convert("RGB").save(file, format="PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
