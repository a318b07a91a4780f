"""Greedy decoding by a loop of our own over a static cache, so that it can be compiled, and be seen to be.

transformers' `generate()` compiles no bitsandbytes model: its criterion asks the quantizer for `is_compileable`, which
bitsandbytes' is not, and a static cache alone compiles nothing. Here one decoding step is compiled explicitly, and
what ran is observed (profiler, dynamo's counters). Not here: a grammar, sampling; this loop is for measuring, drafts
are written by `vlm.backends.transformers_local`.

Source: transformers 5.23, generation/utils.py `_valid_auto_compile_criteria`; bitsandbytes pull request 1616.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from vlm.timing import Effort

COMPILED_REGION = "Torch-Compiled Region"
GRAPH_LAUNCH = "cudaGraphLaunch"
COMPILERS = ("c++", "g++", "clang++")
FIRST_PLAIN_ID = 10


class DecodeLoop:
    """Prefill and decoding of one prompt of made-up tokens, again and again.

    Args:
        model: in evaluation mode.
        effort: how many tokens.
        compiler: backend of torch.compile for the decoding step; None decodes eagerly.
    """

    def __init__(self, model: Any, *, effort: Effort, compiler: str | None) -> None:  # noqa: ANN401
        import torch

        self._model, self._effort = model, effort
        length = effort.prompt_tokens + effort.new_tokens
        self._cache = static_cache(model.config, length=length)
        self._mask = torch.ones(1, length, dtype=torch.long, device=model.device)
        self._prompt = prompt_ids(model, count=effort.prompt_tokens)
        self._positions = torch.arange(length, device=model.device)[None]
        self._decode = self._step if compiler is None else compiled(self._step, compiler, device=model.device.type)

    @property
    def device(self) -> str:
        """The kind of device: "cuda", or "cpu" without one."""
        return str(self._model.device.type)

    def prefill(self) -> Any:  # noqa: ANN401
        """The first token of the answer, (1, 1); the cache is emptied first."""
        self._cache.reset()
        return self._step(self._prompt, self._positions[:, : self._effort.prompt_tokens])

    def decode(self, token: Any) -> Any:  # noqa: ANN401
        """All further tokens, (1, new_tokens - 1), each from the one before."""
        import torch

        found = []
        for place in range(self._effort.prompt_tokens, self._effort.prompt_tokens + self._effort.new_tokens - 1):
            token = self.one(token, place)
            found.append(token)
        return torch.cat(found, dim=1)

    def one(self, token: Any, place: int) -> Any:  # noqa: ANN401
        """The token after `token`, which stands at `place`; cloned, since a CUDA graph writes over its output."""
        return self._decode(token, self._positions[:, place : place + 1].clone()).clone()

    def plain_step(self) -> Any:  # noqa: ANN401
        """One decoding step that is never compiled, after a prefill of its own: for watching which modules run."""
        token = self.prefill()
        place = self._effort.prompt_tokens
        return lambda: self._step(token, self._positions[:, place : place + 1])

    def observed(self) -> dict[str, int]:
        """How often one decoding step, profiled, entered a compiled region and launched a CUDA graph."""
        from torch.profiler import ProfilerActivity, profile

        token = self.prefill()
        cuda = [ProfilerActivity.CUDA] if self._model.device.type == "cuda" else []
        with profile(activities=[ProfilerActivity.CPU, *cuda]) as seen:
            self.one(token, self._effort.prompt_tokens)
        names = [(event.key, event.count) for event in seen.key_averages()]
        return {
            kind: sum(count for name, count in names if name.startswith(kind))
            for kind in (COMPILED_REGION, GRAPH_LAUNCH)
        }

    def _step(self, ids: Any, positions: Any) -> Any:  # noqa: ANN401
        """The most probable next token, (1, 1). The mask is whole: the causal mask hides what is not yet written."""
        output = self._model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
        )
        return output.logits[:, -1:].argmax(-1)


def compiled(step: Callable[..., Any], compiler: str, *, device: str) -> Callable[..., Any]:
    """The step through torch.compile, in one graph or not at all; with CUDA graphs on a GPU."""
    import torch

    if compiler == "inductor" and device == "cuda":
        made = torch.compile(step, fullgraph=True, mode="reduce-overhead")
    else:
        made = torch.compile(step, fullgraph=True, backend=compiler)
    wrapped: Callable[..., Any] = made
    return wrapped


def static_cache(config: Any, *, length: int) -> Any:  # noqa: ANN401
    """A cache of fixed size for that many tokens.

    Layers that attend to a sliding window keep a count in Python, which recompiles the step at every token. While the
    window is not shorter than the whole text it hides nothing, and a plain static layer does the same without.
    """
    from transformers import StaticCache
    from transformers.cache_utils import StaticLayer

    cache = StaticCache(config=config, max_cache_len=length)
    cache.layers = [
        StaticLayer(max_cache_len=length) if layer.is_sliding and layer.max_cache_len >= length else layer
        for layer in cache.layers
    ]
    return cache


def prompt_ids(model: Any, *, count: int) -> Any:  # noqa: ANN401
    """Made-up token ids, (1, count), the same each time, none of them an image's placeholder."""
    import torch

    vocabulary = int(model.config.get_text_config().vocab_size)
    image = getattr(model.config, "image_token_id", None)
    ids = torch.arange(count) * 7919 % (vocabulary - FIRST_PLAIN_ID) + FIRST_PLAIN_ID
    ids[ids == (-1 if image is None else image)] = FIRST_PLAIN_ID - 1
    return ids[None].to(model.device)


def lacks_compiler() -> str | None:
    """Why torch.compile cannot make CPU code here, None when it can: it needs a C++ compiler."""
    named = os.environ.get("CXX")
    if any(shutil.which(name) for name in ([named] if named else COMPILERS)):
        return None
    sought = named or ", ".join(COMPILERS)
    return f"torch.compile needs a C++ compiler on a CPU and none is on the path ({sought}): install one"
