from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from cases.draft import DraftStatus, FailureKind
from vlm.backend import Backend
from vlm.backends.openai_server import OpenAIServer
from vlm.draft import draft_case
from vlm.families import family_named


def test_the_question_is_one_message_with_a_png_and_fixed_decoding(serve, chat):
    server = serve(chat.conforming(chat.maira2, key=chat.KEY))
    answer = chat.answered(server)
    ((path, headers, body),) = server.asked
    asked = json.loads(body)
    image, words = asked.pop("messages")[0]["content"]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {chat.KEY}"
    assert headers["Accept-Encoding"] == "identity"
    assert words == {"type": "text", "text": chat.PROMPT}
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    assert asked == {
        "model": "site/model-4b",
        "temperature": 0,
        "seed": 0,
        "n": 1,
        "stream": False,
        "max_tokens": 320,
        "logprobs": True,
        "repetition_penalty": 1.0,
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
    }
    assert (answer.text, answer.tokens) == ("<obj>No nodule.</obj>", ("<obj>", "No nodule.", "</obj>"))
    assert answer.log_probabilities == (-0.25,) * 3
    assert not answer.truncated
    assert [name for name, _ in answer.seconds] == ["encode", "server"]
    assert all(0 <= seconds < 20 for _, seconds in answer.seconds)


def test_it_is_a_backend_and_names_what_the_site_declares(serve, chat):
    backend = OpenAIServer(chat.spec_at(serve(chat.hanging).endpoint))
    assert isinstance(backend, Backend)
    assert backend.spec.content == "declared:2026-11"


@pytest.mark.parametrize(
    ("image", "prompt", "kinds"),
    [
        (True, True, ["image_url", "text"]),
        (False, True, ["text"]),  # the image is removed, not blanked
        (True, False, ["image_url"]),  # everything else is removed
    ],
)
def test_what_is_removed_is_not_sent(serve, chat, image, prompt, kinds):
    server = serve(chat.conforming(chat.maira2))
    OpenAIServer(chat.spec_at(server.endpoint)).answer(
        image=chat.IMAGE if image else None, prompt=chat.PROMPT if prompt else ""
    )
    content = json.loads(server.asked[0][2])["messages"][0]["content"]
    assert [part["type"] for part in content] == kinds


def test_without_a_key_variable_no_key_is_sent(serve, chat):
    server = serve(chat.conforming(chat.maira2))
    chat.answered(server, key_variable=None)
    assert "Authorization" not in server.asked[0][1]


# Rows, columns of the radiograph; the target's corners in it (x0, y0, x1, y1).
SCENES = [
    (400, 400, (100, 200, 140, 260)),
    (500, 300, (60, 120, 120, 180)),  # taller than wide, the target in the left third
    (300, 480, (300, 60, 380, 140)),  # wider than tall, right of the middle
    (701, 499, (247, 333, 300, 371)),  # odd sides: half a pixel of padding
]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene[0]}x{scene[1]}")
@pytest.mark.parametrize(
    ("family", "spelling", "slack_px"),
    [
        ("maira2", "maira2", 4.0),  # cropped to the middle; half a bin of 518 / 100 px, and a pixel of blur
        ("gemma3", "gemma", 2.0),  # padded to a square; half a thousandth, and a pixel of blur
        ("qwen2_5_vl", "qwen25", 2.0),  # sides that are multiples of 28; whole pixels of them
        ("qwen3_vl", "qwen3", 2.0),  # multiples of 32; thousandths
    ],
)
def test_a_box_comes_back_to_where_the_target_lies(serve, chat, make_case, scene, family, spelling, slack_px):
    rows, columns, (x0, y0, x1, y1) = scene
    pixels = np.full((rows, columns), 15000, np.uint16)
    pixels[y0:y1, x0:x1] = 65535
    server = serve(chat.conforming(getattr(chat, spelling)))
    draft = drafted(make_case, served(chat, server, family=family), pixels=pixels)
    assert draft.status is DraftStatus.OK, draft.failure
    (box,) = draft.report.boxes
    slack = slack_px / min(draft.placement.scale_x, draft.placement.scale_y)
    assert box.scoord(columns, rows) == pytest.approx((x0, y0, x1, y1), abs=slack)
    (image,) = (part for part in chat.images_in(server.asked[0][2]))
    assert image.shape == (draft.placement.input_rows, draft.placement.input_columns)


def test_a_model_that_only_writes_text_is_asked_again_for_the_place(serve, chat, make_case, pixels):
    pixels[40:60, 30:50] = 65535
    words = chat.saying(chat.completion(f"{chat.WORDS} No pleural effusion."))
    server = serve(chat.in_turn(words, chat.conforming(chat.gemma)))
    draft = drafted(make_case, served(chat, server, family="gemma3_two_pass"), pixels=pixels)
    assert [len(sentence.boxes) for sentence in draft.report.sentences] == [1, 0]
    (box,) = draft.report.boxes
    assert box.scoord(80, 100) == pytest.approx((30, 40, 50, 60), abs=0.5)
    assert len(server.asked) == 2


def served(chat, server, *, family):
    kind = family_named(family)
    return chat.spec_at(
        server.endpoint, family=family, codec=kind.codec, prompt=kind.prompt, input_side_px=kind.side_px
    )


def drafted(make_case, spec, *, pixels):
    shape = {"rows": pixels.shape[0], "columns": pixels.shape[1]}
    case = make_case()
    return draft_case(
        replace(case, image=replace(case.image, **shape)),
        pixels=pixels,
        backend=OpenAIServer(spec),
        now=lambda: datetime(2026, 1, 2, tzinfo=UTC),
        new_id=lambda: "d1",
    )


def test_a_draft_keeps_who_wrote_it_and_how_sure_it_was(serve, chat, make_case, pixels):
    pixels[40:60, 30:50] = 65535
    server = serve(chat.conforming(chat.maira2))
    draft = drafted(make_case, chat.spec_at(server.endpoint), pixels=pixels)
    assert (draft.model.model_id, draft.model.revision) == ("served", "declared:2026-11")
    assert any(version.startswith("httpx2==") for version in draft.model.versions)
    assert not any(version.startswith("torch==") for version in draft.model.versions)  # it computed nothing
    assert draft.box_scores == pytest.approx((np.exp(-0.25 * 4),))  # four location tokens at -0.25 each
    assert {"encode", "server"} <= {stage.stage for stage in draft.seconds}


def test_an_answer_cut_off_is_a_failed_draft(serve, chat, make_case, pixels):
    server = serve(chat.conforming(chat.maira2))
    draft = drafted(make_case, chat.spec_at(server.endpoint, max_new_tokens=2), pixels=pixels)
    assert (draft.failure.kind, draft.raw_text) == (FailureKind.TRUNCATED, "<obj>No nodule.")


@pytest.mark.parametrize(
    ("reply", "text", "tokens", "truncated"),
    [
        ({"text": ""}, "", (), False),  # empty: a failed draft later, of kind "empty"
        ({"text": None}, "", (), False),  # null, as after a tool call
        ({"text": "Clear."}, "Clear.", (), False),  # no log-probabilities
        ({"text": "Clear.", "logprobs": {"content": None}}, "Clear.", (), False),  # asked for, not given
        ({"text": "Clear", "finish": "length"}, "Clear", (), True),
        ({"text": "Clear.", "tokens": ["Clear", ".", "<eos>"]}, "Clear.", ("Clear", "."), False),  # vLLM's end token
        ({"text": "Clear.", "tokens": ["Clear", "."]}, "Clear.", ("Clear", "."), False),  # OpenAI's
        ({"text": "Clear.", "tokens": [" Clear", "."]}, "Clear.", (" Clear", "."), False),  # a stripped first space
        ({"text": "café", "tokens": ["caf", "\ufffd", "\ufffd"]}, "café", (), False),  # half characters spell nothing
        ({"text": "Clear.", "tokens": ["Opaque", "."]}, "Clear.", (), False),  # other words than the answer's
    ],
)
def test_an_awkward_answer_is_read_as_it_stands(serve, chat, reply, text, tokens, truncated):
    parts = dict(reply)
    if "tokens" in parts:
        given = parts.pop("tokens")
        parts["logprobs"] = chat.logprobs(given, [-0.5] * len(given))
    answer = chat.answered(serve(chat.saying(chat.completion(parts.pop("text"), **parts))))
    assert (answer.text, answer.tokens, answer.truncated) == (text, tokens, truncated)
    assert answer.log_probabilities == (-0.5,) * len(tokens)


def test_a_log_probability_a_rounding_above_zero_is_zero(serve, chat):
    reply = chat.completion("Clear.", logprobs=chat.logprobs(["Clear."], [1e-5]))
    assert chat.answered(serve(chat.saying(reply))).log_probabilities == (0.0,)
