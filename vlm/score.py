"""What a model thinks of statements about a case: teacher-forced scores through the product's own prompt and placement.

A case is asked about exactly as `vlm.draft` asks about it, so a score belongs to the draft that the same case would
get. An input is removed by removing it from the case (its `InputState` says missing), never by blanking it: scoring the
same statements with each subset of inputs is evidence by removal. Not here: what the scores are used for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cases.pixels import Rendered
from cases.study import Case
from grounding.attribution import EvidenceInput
from vlm.backend import Scored, ScoringBackend
from vlm.families import family_named
from vlm.model_spec import ModelSpec
from vlm.question import fitting_prompt, question_of

EMBEDDED_FAMILY = "overread"


@dataclass(frozen=True, slots=True)
class Opening:
    """A statement that an answer may begin with.

    Attributes:
        text: the sentence.
        spelling: the start of an answer that says it, in the codec's spelling.
    """

    text: str
    spelling: str

    @property
    def closed(self) -> str:
        """The start of an answer that says it, shows no box, and goes on to the next statement."""
        return f"{self.spelling}</obj>"


def openings(spec: ModelSpec) -> tuple[Opening, ...]:
    """Every statement that this model's answers can begin with; empty for a model whose words are not a closed book.

    >>> from vlm.registry import embedded_spec
    >>> openings(embedded_spec())[0].spelling
    '<obj>Nodule in the right upper zone.'
    """
    if spec.family != EMBEDDED_FAMILY:
        return ()
    from vlm.embedded.statements import statement_book

    return tuple(Opening(one.text, f"<obj>{one.text}") for one in statement_book(spec.prompt))


def remarks(spec: ModelSpec) -> Mapping[EvidenceInput, str]:
    """What this model says where an input is missing, as it spells a whole sentence; empty where that is not known.

    >>> from vlm.registry import embedded_spec
    >>> remarks(embedded_spec())[EvidenceInput.PRIOR_REPORT]
    '<obj>No prior report for comparison.</obj>'
    """
    if spec.family != EMBEDDED_FAMILY:
        return {}
    from vlm.embedded.statements import NO_PRIOR

    return {EvidenceInput.PRIOR_REPORT: f"<obj>{NO_PRIOR}</obj>"}


def score_case(
    case: Case, *, pixels: Rendered, backend: ScoringBackend, continuations: Sequence[str]
) -> tuple[Scored, ...]:
    """The score of each continuation as this case's answer, in order.

    Args:
        case: in scope; what its `inputs` call missing is not shown to the model.
        pixels: of its images, or of the current one alone.
        backend: that scores.
        continuations: starts of answers in the codec's spelling.

    Raises:
        ValueError: the pixels are not those of the case, or a continuation is empty.
        BackendError: the model's fault.
    """
    side, family = backend.spec.input_side_px, family_named(backend.spec.family)
    question = question_of(case, pixels=pixels, side=side, prompt=fitting_prompt(case, backend), family=family)
    return backend.log_probabilities(
        image=question.image, prompt=question.prompt.text, continuations=continuations, prior=question.prior
    )
