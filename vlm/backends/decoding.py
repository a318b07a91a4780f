"""Greedy decoding under a token-level grammar, keeping what the model itself thought of each token.

The grammar decides which tokens may come next; the probabilities that are reported are those of the raw model, before
the others were taken away, so that a token the grammar forced on the model shows as improbable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cases.draft import FailureKind
from vlm.errors import BackendError

CELLS_CODEC = "overread-cells@1"


class TokenGrammar(Protocol):
    """Which tokens may follow an answer's tokens so far (the prompt is not among them)."""

    def allowed(self, prefix_ids: Sequence[int]) -> list[int]:
        """At least one token id; the end-of-answer token among them where the answer may end."""
        ...


def grammar_of(codec: str, tokenizer: Any, *, prompt: str) -> TokenGrammar | None:  # noqa: ANN401 - transformers is late
    """The grammar that keeps a codec's answers readable, None where the project has none for it.

    Args:
        codec: of the model's spec.
        tokenizer: of the model.
        prompt: of the model's spec: weights may only say what they were taught under it.
    """
    if codec != CELLS_CODEC:
        return None
    from vlm.embedded.grammar import CellGrammar

    grammar: TokenGrammar = CellGrammar(tokenizer, prompt=prompt)
    return grammar


@dataclass(slots=True)
class GrammarGuard:
    """A logits processor: refuses non-finite numbers, remembers the raw logits, leaves only allowed tokens.

    Attributes:
        prompt_tokens: how many tokens stand before the answer.
        raw: the model's own logits, one (vocabulary,) tensor per step.
    """

    grammar: TokenGrammar | None
    prompt_tokens: int
    raw: list[Any] = field(default_factory=list)

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ANN401 - torch is imported late
        """The scores (1, vocabulary), with those of tokens that may not come next at minus infinity."""
        import torch

        if not bool(torch.isfinite(scores).all()):
            msg = f"the model gave numbers that are not finite at step {len(self.raw) + 1}: draft with dtype float32"
            raise BackendError(FailureKind.NON_FINITE, msg)
        self.raw.append(scores[0].float())
        if self.grammar is None:
            return scores
        allowed = self.grammar.allowed(input_ids[0, self.prompt_tokens :].tolist())
        masked = torch.full_like(scores, float("-inf"))
        masked[:, allowed] = scores[:, allowed]
        return masked

    def log_probabilities(self, token_ids: Sequence[int]) -> tuple[float, ...]:
        """Natural log of the raw model's probability of each token of the answer."""
        import torch

        if not token_ids:
            return ()
        chosen = torch.log_softmax(torch.stack(self.raw[: len(token_ids)]), dim=-1)
        return tuple(float(row[token]) for row, token in zip(chosen, token_ids, strict=True))
