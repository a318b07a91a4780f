"""The embedded model behind a second real server (uvicorn, on which vLLM and Ray Serve run too), and beside it.

The same case is drafted by the model in this process and by the same model over HTTP: the report, the raw text and the
scores must be the same, so nothing is lost on the way there or back. `transformers serve` cannot stand here: it needs
FastAPI, and it drops special tokens, in which this model spells its boxes.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from cases.draft import DraftStatus
from cases.phantom.thorax import render_thorax
from vlm.backends.openai_server import OpenAIServer
from vlm.backends.transformers_local import TransformersLocal
from vlm.draft import draft_case
from vlm.registry import embedded_spec

pytestmark = pytest.mark.campaign


@pytest.fixture
def local():
    return TransformersLocal(embedded_spec())


@pytest.fixture
def endpoint(local, chat):
    """The model under uvicorn, asked through the protocol alone; its base URL."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def complete(request):
        body = await request.body()
        asked = json.loads(body)
        image = next(iter(chat.images_in(body)), None)
        words = [part["text"] for part in asked["messages"][0]["content"] if part["type"] == "text"]
        answer = local.answer(image=image, prompt="".join(words))
        given = chat.logprobs([*answer.tokens, "<eos>"], [*answer.log_probabilities, -0.5])
        finish = "length" if answer.truncated else "stop"
        return JSONResponse(chat.completion(answer.text, finish=finish, logprobs=given))

    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"
    server.should_exit = True
    thread.join(timeout=10)


def test_a_served_model_drafts_what_it_drafts_here(local, endpoint, chat, make_case):
    pixels = np.rint(render_thorax(seed=7, side_px=512).pixels * 65535).astype(np.uint16)
    case = make_case()
    case = dataclasses.replace(case, image=dataclasses.replace(case.image, rows=512, columns=512))
    spec = local.spec
    served = chat.spec_at(
        endpoint,
        family=spec.family,
        codec=spec.codec,
        prompt=spec.prompt,
        input_side_px=spec.input_side_px,
        max_new_tokens=spec.max_new_tokens,
    )
    here, there = (
        draft_case(case, pixels=pixels, backend=backend, now=lambda: datetime(2026, 1, 2, tzinfo=UTC), new_id=str)
        for backend in (local, OpenAIServer(served))
    )
    assert here.status is DraftStatus.OK
    assert there.raw_text == here.raw_text
    assert there.report == here.report
    assert np.allclose(there.box_scores, here.box_scores, rtol=1e-12)
    assert there.model.model_id != here.model.model_id
