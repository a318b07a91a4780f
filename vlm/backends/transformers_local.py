"""A vision-language model of a standard transformers architecture, run on this machine from a local folder.

On a CPU as on a GPU, whole or quantized by bitsandbytes. Thread counts are the environment's (OMP_NUM_THREADS). It
answers one prompt at a time, greedily, so the same input gives the same answer.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cases.draft import FailureKind
from vlm.backend import Answer, Asked, Inside, ModelPart, Scored, ScoredAnswer
from vlm.backends.decoding import GrammarGuard, TokenGrammar, grammar_of
from vlm.backends.encoded_once import EncodedOnce
from vlm.backends.features import pooled
from vlm.backends.layout import laid_out
from vlm.backends.loading import load
from vlm.backends.looking import Told, looked, shuffled
from vlm.backends.teacher_forcing import forced, forced_after
from vlm.errors import BackendError
from vlm.model_spec import ModelSpec

UNBOUNDED = 1 << 30


class TransformersLocal:
    """A loaded model that answers prompts; implements `vlm.backend.Backend`.

    Args:
        spec: which model, from which folder, with which weights.
        grammar: in place of the one that the spec's codec names.

    Raises:
        ModelLoadError: see `vlm.backends.loading.load`.
    """

    def __init__(self, spec: ModelSpec, *, grammar: TokenGrammar | None = None) -> None:
        self._spec = spec
        self._loaded = load(spec)
        self._grammar = grammar or grammar_of(spec.codec, self._loaded.processor.tokenizer, prompt=spec.prompt)

    @property
    def spec(self) -> ModelSpec:
        """The model behind this backend."""
        return self._spec

    @property
    def model(self) -> Any:  # noqa: ANN401 - transformers is imported late
        """The transformers model itself, for those who measure it."""
        return self._loaded.model

    def answer(self, *, image: NDArray[np.uint8] | None, prompt: str, prior: NDArray[np.uint8] | None = None) -> Answer:
        """The model's answer to a prompt, about an image or about none.

        Raises:
            BackendError: non-finite numbers, a prompt that is too long, or a fault inside of the model.
        """
        started = time.perf_counter()
        inputs = self._inputs((image, prior), prompt)
        prompt_tokens = int(inputs["input_ids"].shape[1])
        self._refuse_overlong(prompt_tokens)
        prepared = time.perf_counter()
        guard = GrammarGuard(self._grammar, prompt_tokens)
        token_ids = self._generate(inputs, guard)
        ended = time.perf_counter()
        return self._answer(token_ids, guard, (("tokenize", prepared - started), ("generate", ended - prepared)))

    def log_probabilities(
        self,
        *,
        image: NDArray[np.uint8] | None,
        prompt: str,
        continuations: Sequence[str],
        prior: NDArray[np.uint8] | None = None,
    ) -> tuple[Scored, ...]:
        """How probable the model finds each continuation of a prompt; the image is encoded once for all of them.

        Raises:
            BackendError: non-finite numbers, or a prompt that is too long.
            ValueError: a continuation has no token.
        """
        inputs = self._inputs((image, prior), prompt)
        self._refuse_overlong(int(inputs["input_ids"].shape[1]))
        tokenizer = self._loaded.processor.tokenizer
        spelt = [tokenizer(text, add_special_tokens=False).input_ids for text in continuations]
        return tuple(map(Scored, forced(self.model, inputs, spelt, pad_id=tokenizer.pad_token_id or 0)))

    def answer_log_probabilities(self, asked: Sequence[Asked]) -> tuple[ScoredAnswer, ...]:
        """How probable the model finds each answer after its own prompt; each image is encoded once.

        Raises:
            BackendError: non-finite numbers, or a prompt that is too long.
            ValueError: an answer has no token.
        """
        encoded = EncodedOnce(self.model)
        scored: dict[int, ScoredAnswer] = {}
        for together in _showing_the_same(asked):
            scored |= dict(zip(together, self._scored([asked[index] for index in together], encoded), strict=True))
        return tuple(scored[index] for index in range(len(asked)))

    def _scored(self, asked: Sequence[Asked], encoded: EncodedOnce) -> list[ScoredAnswer]:
        """The scores of answers beside the same images."""
        tokenizer = self._loaded.processor.tokenizer
        known: dict[str, Any] = {}  # a prompt's inputs: several answers may be asked about after it
        for one in asked:
            known[one.prompt] = known.get(one.prompt) or self._inputs((one.image, one.prior), one.prompt)
        self._refuse_overlong(max(int(one["input_ids"].shape[1]) for one in known.values()))
        spelt = [tokenizer(one.answer, add_special_tokens=False, return_offsets_mapping=True) for one in asked]
        prompts = {prompt: encoded.inputs(inputs) for prompt, inputs in known.items()}
        found = forced_after(
            self.model,
            [prompts[one.prompt] for one in asked],
            [one.input_ids for one in spelt],
            image_id=getattr(self.model.config, "image_token_id", None),
            pad_id=tokenizer.pad_token_id or 0,
        )
        return [
            ScoredAnswer(tuple((int(start), int(end)) for start, end in one.offset_mapping), row)
            for one, row in zip(spelt, found, strict=True)
        ]

    def looked(
        self, asked: Asked, *, stretches: Sequence[tuple[int, int]], inside: Inside
    ) -> tuple[NDArray[np.float64], ...] | None:
        """Where on the current image the tokens of each stretch lean; None where this model cannot tell so.

        Raises:
            BackendError: non-finite numbers, or a prompt that is too long.
            ValueError: no image is given, or a stretch holds no token.
        """
        if asked.image is None:
            msg = "where a model looked is asked of an image: none is given"
            raise ValueError(msg)
        inputs = self._inputs((asked.image, asked.prior), asked.prompt)
        self._refuse_overlong(int(inputs["input_ids"].shape[1]))
        spelt = self._loaded.processor.tokenizer(asked.answer, add_special_tokens=False, return_offsets_mapping=True)
        told = Told(
            inputs=inputs,
            answer=spelt.input_ids,
            chosen=[_tokens_in(stretch, spelt.offset_mapping) for stretch in stretches],
            shape=asked.image.shape,
            image_id=int(getattr(self.model.config, "image_token_id", -1)),
            images=1 if asked.prior is None else 2,
        )
        return looked(self.model, told, inside=inside)

    def randomised(self, *, part: ModelPart, seed: int) -> TransformersLocal:
        """The same model with the entries of each weight of that part in random order."""
        made = copy.copy(self)
        made._loaded = replace(self._loaded, model=shuffled(self.model, part=part, seed=seed))
        return made

    def features(self, *, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the vision tower makes of an image, pooled to one vector (`vlm.backends.features`)."""
        return pooled(self.model, self._inputs((image,), "")["pixel_values"])

    @property
    def _prompt_room(self) -> int:
        """Tokens that image and prompt may have together, so that the longest answer still fits."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", UNBOUNDED)) - self._spec.max_new_tokens

    def fits(self, prompt: str, *, images: int = 1) -> bool:
        """Whether the model can take this prompt beside so many images, by its own count of tokens."""
        blank = np.zeros((self._spec.input_side_px, self._spec.input_side_px), np.uint8)
        return int(self._inputs((blank,) * images, prompt)["input_ids"].shape[1]) <= self._prompt_room

    def _inputs(self, shown: Sequence[NDArray[np.uint8] | None], prompt: str) -> Any:  # noqa: ANN401 - a BatchFeature
        processor = self._loaded.processor
        images = [Image.fromarray(one).convert("RGB") for one in shown if one is not None]
        text = laid_out(processor, prompt, codec=self._spec.codec, images=len(images))
        features = processor(
            text=[text],
            images=images or None,
            return_tensors="pt",
            add_special_tokens=not text.startswith(processor.tokenizer.bos_token or "\0"),  # never two beginnings
        )
        return features.to(self._loaded.device, dtype=self._loaded.model.dtype)

    def _refuse_overlong(self, prompt_tokens: int) -> None:
        if prompt_tokens > self._prompt_room:
            msg = f"the prompt has {prompt_tokens} tokens, the model takes {self._prompt_room}: shorten the notes"
            raise BackendError(FailureKind.CRASH, msg)

    def _generate(self, inputs: Any, guard: GrammarGuard) -> list[int]:  # noqa: ANN401 - a BatchFeature
        import torch
        from transformers import LogitsProcessorList

        tokenizer = self._loaded.processor.tokenizer
        with torch.inference_mode():
            output = self.model.generate(
                **inputs,
                do_sample=False,
                num_beams=1,
                repetition_penalty=1.0,  # some folders ask for one, which would change the model's probabilities
                max_new_tokens=self._spec.max_new_tokens,
                eos_token_id=list(self._ends),
                pad_token_id=tokenizer.pad_token_id,
                logits_processor=LogitsProcessorList([guard]),
            )
        ids: list[int] = output[0, guard.prompt_tokens :].tolist()
        return ids

    @property
    def _ends(self) -> tuple[int, ...]:
        """The tokens that end an answer: the tokenizer's, and those of the folder (Gemma ends a turn by another)."""
        given = self.model.generation_config.eos_token_id
        folder = given if isinstance(given, list) else [given]
        ends = {self._loaded.processor.tokenizer.eos_token_id, *folder} - {None}
        return tuple(sorted(ends))

    def _answer(self, token_ids: Sequence[int], guard: GrammarGuard, seconds: tuple[tuple[str, float], ...]) -> Answer:
        """The answer's text and tokens; the token that ends it is not part of it."""
        tokenizer = self._loaded.processor.tokenizer
        ended = bool(token_ids) and token_ids[-1] in self._ends
        kept = list(token_ids[:-1] if ended else token_ids)
        return Answer(
            text=_decoded(tokenizer, kept),
            tokens=tuple(_decoded(tokenizer, [token]) for token in kept),
            log_probabilities=guard.log_probabilities(kept),
            truncated=not ended,
            seconds=seconds,
        )


def _showing_the_same(asked: Sequence[Asked]) -> list[list[int]]:
    """The indices of what is asked, together where the same images are shown."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, one in enumerate(asked):
        groups.setdefault((id(one.image), id(one.prior)), []).append(index)
    return list(groups.values())


def _tokens_in(stretch: tuple[int, int], spans: Sequence[tuple[int, int]]) -> list[int]:
    """The places of the tokens that hold a character of the stretch."""
    places = [place for place, (start, end) in enumerate(spans) if max(start, stretch[0]) < min(end, stretch[1])]
    if not places:
        msg = f"no token of the answer stands in the characters {stretch}"
        raise ValueError(msg)
    return places


def _decoded(tokenizer: Any, token_ids: list[int]) -> str:  # noqa: ANN401 - transformers is imported late
    return str(tokenizer.decode(token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
