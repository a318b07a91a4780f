"""What a model thinks of its own draft from every subset of the case's inputs: the values behind attribution.

An input that a coalition lacks is removed from the prompt, never blanked; age and sex are no inputs and stay. The
draft's own answer is teacher-forced once for each coalition, whole: a sentence's value is the summed log-probability
of the tokens of its words, given the words before it, as the draft has them. Boxes and the marks around the words stay
in the context and are not counted. A coalition is made of what the model read for the draft (notes as far as they
fitted), so that removing one note makes no room for another.

A model that remarks on a missing input ("No prior report for comparison.") puts that remark before what it would have
said all the same; the sentence then looks less likely where it stands, though it is said one sentence later. The value
therefore also counts the way by such a remark: the probability that the sentence comes next, or next after a remark.

Not here: the arithmetic (`grounding.attribution`); the draft from fewer inputs (`vlm.redrafts`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cases.draft import Draft
from cases.pixels import Pixels, Rendered
from cases.study import Case, InputName, InputState, MissingReason
from grounding.attribution import Attribution, Coalition, EvidenceInput, coalitions, shapley
from vlm.backend import AnswerScoringBackend, Asked, Backend
from vlm.families import Family, family_named
from vlm.instructions import asked as with_question
from vlm.prompt import Prompt, load_template, render
from vlm.question import Question, fitting_prompt, question_of, readable, shows_prior
from vlm.score import remarks
from vlm.spoken import Spoken, spoken
from vlm.ways import SHOWN, Manner, ways_to

REPORT = "report"  # the kind of note that is an earlier report; any other is a clinical note


def without(case: Case, pixels: Rendered | None, removed: Iterable[EvidenceInput]) -> tuple[Case, Rendered | None]:
    """The case as if these inputs had not come in, and its pixels.

    A removed current image stays in the case, stated as missing: its frame is still that of the report.

    Args:
        case: any; what it lacks already is not removed again, and keeps the reason for which it is missing.
        pixels: of its images; given back without the prior one where that is removed.
        removed: inputs.
    """
    gone = frozenset(removed)
    notes = tuple(note for note in case.notes if note_input(note.kind) not in gone)
    fewer = replace(
        case,
        notes=notes,
        indication=None if EvidenceInput.CLINICAL_NOTES in gone else case.indication,
        observations=() if EvidenceInput.STRUCTURED_VALUES in gone else case.observations,
        prior_image=None if EvidenceInput.PRIOR_IMAGE in gone else case.prior_image,
        inputs=_states(case, _missing_names(case, gone, notes_left=bool(notes))),
    )
    if pixels is not None and EvidenceInput.PRIOR_IMAGE in gone:
        pixels = Pixels(Pixels.of(pixels).current)
    return fewer, pixels


def note_input(kind: str) -> EvidenceInput:
    """Which input a note of that kind belongs to.

    >>> note_input("report").value, note_input("note").value
    ('prior_report', 'clinical_notes')
    """
    return EvidenceInput.PRIOR_REPORT if kind == REPORT else EvidenceInput.CLINICAL_NOTES


def _missing_names(case: Case, gone: Coalition, *, notes_left: bool) -> frozenset[InputName]:
    """The case's inputs that the removal leaves nothing of."""
    pairs = (
        (EvidenceInput.CURRENT_IMAGE, InputName.CURRENT_IMAGE),
        (EvidenceInput.PRIOR_IMAGE, InputName.PRIOR_IMAGE),
        (EvidenceInput.CLINICAL_NOTES, InputName.INDICATION),
        (EvidenceInput.STRUCTURED_VALUES, InputName.STRUCTURED_VALUES),
    )
    names = {name for one, name in pairs if one in gone}
    return frozenset(names | ({InputName.PRIOR_NOTES} if case.notes and not notes_left else set()))


def _states(case: Case, missing: frozenset[InputName]) -> tuple[InputState, ...]:
    """The case's states, those names stated as excluded unless they were missing before."""
    stated = {state.name for state in case.inputs}
    kept = tuple(_excluded(one.name) if one.present and one.name in missing else one for one in case.inputs)
    return (*kept, *(_excluded(name) for name in InputName if name in missing - stated))


def _excluded(name: InputName) -> InputState:
    return InputState(name, present=False, missing_reason=MissingReason.EXCLUDED)


@dataclass(frozen=True, slots=True)
class Table:
    """A case as one model reads it, ready to be asked about with any subset of its inputs.

    Attributes:
        case: with what the model reads of it, and nothing else.
        question: that the whole of it asks; the draft's own.
        family: of the model.
        template: name of the prompt template.
    """

    case: Case
    question: Question
    family: Family
    template: str

    @property
    def players(self) -> tuple[EvidenceInput, ...]:
        """The inputs that are there and that the model reads, in the order of `EvidenceInput`."""
        there = {
            EvidenceInput.CURRENT_IMAGE: self.question.image is not None,
            EvidenceInput.PRIOR_IMAGE: self.question.prior is not None,
            EvidenceInput.STRUCTURED_VALUES: bool(self.case.observations),
            EvidenceInput.CLINICAL_NOTES: self.case.indication is not None,
        }
        noted = {note_input(note.kind) for note in self.case.notes}
        return tuple(one for one in EvidenceInput if there.get(one, False) or one in noted)

    def asked(self, coalition: Coalition, answer: str) -> Asked:
        """An answer to what is asked when only these inputs are given."""
        case, _ = without(self.case, None, frozenset(self.players) - coalition)
        template = load_template(self.template)
        words = render(readable(case, self.family), template=template, budget_chars=len(self.question.prompt.text)).text
        return Asked(
            answer,
            with_question(words, text=template.text, placement=self.question.placement),
            self.question.image if EvidenceInput.CURRENT_IMAGE in coalition else None,
            self.question.prior if EvidenceInput.PRIOR_IMAGE in coalition else None,
        )


def table(case: Case, *, pixels: Rendered, backend: Backend) -> Table:
    """The case as the backend's model reads it.

    Raises:
        ValueError: the pixels are not those of the case.
    """
    spec = backend.spec
    family, prompt = family_named(spec.family), fitting_prompt(case, backend)
    question = question_of(case, pixels=pixels, side=spec.input_side_px, prompt=prompt, family=family)
    return Table(_as_read(case, prompt, family), question, family, spec.prompt)


def _as_read(case: Case, prompt: Prompt, family: Family) -> Case:
    """The case with what of it stands in the prompt: notes as far as they were read, and no input that was not."""
    seen = prompt.seen_text(case)
    unread = {InputName(name) for name in prompt.left_out_inputs}
    unread |= {state.name for state in case.inputs if not state.present}
    unread |= set(family.never_reads(prior_image_given=shows_prior(case, family)))
    return replace(
        case,
        notes=tuple(replace(note, text=seen[note.note_id]) for note in case.notes if note.note_id in seen),
        indication=None if InputName.INDICATION in unread else case.indication,
        observations=() if InputName.STRUCTURED_VALUES in unread else case.observations,
        prior_image=None if InputName.PRIOR_IMAGE in unread else case.prior_image,
    )


def attributions(case: Case, *, pixels: Rendered, draft: Draft, backend: Backend) -> tuple[Attribution | None, ...]:
    """What each input gave to each drafted sentence.

    Args:
        case: that was drafted.
        pixels: of its images.
        draft: of this case by this model.
        backend: of the model that drafted.

    Returns:
        One for each sentence, in order; None where it cannot be measured: the backend cannot score, the draft's words
        are not found in its answer, or the model holds a sentence for impossible. Empty for a draft without a report.

    Raises:
        ValueError: the pixels are not those of the case.
        BackendError: the model's fault.
    """
    count = 0 if draft.report is None else len(draft.report.sentences)
    said = spoken(draft)
    if said is None or not isinstance(backend, AnswerScoringBackend):
        return (None,) * count
    asked_about = table(case, pixels=pixels, backend=backend)
    values = values_of(asked_about, said, backend=backend, manner=SHOWN)
    return tuple(attributed(asked_about.players, one) for one in values)


def attributed(players: Sequence[EvidenceInput], values: Mapping[Coalition, float]) -> Attribution | None:
    """The attribution, or None where the model holds the sentence for impossible under some coalition."""
    if any(value == float("-inf") for value in values.values()):
        return None
    return shapley(players, values)


def values_of(
    asked_about: Table, said: Spoken, *, backend: AnswerScoringBackend, manner: Manner
) -> tuple[dict[Coalition, float], ...]:
    """Of each sentence, the log-probability of its words (nats) under every coalition."""
    ways = ways_to(said, remarks(backend.spec), manner=manner)
    sets = coalitions(asked_about.players)
    taken = [(way, one) for one in sets for way in ways if way.lacking is None or way.lacking in _lacks(sets[-1], one)]
    answers = {(way.answer, one): asked_about.asked(one, way.answer) for way, one in taken}
    scores = dict(zip(answers, backend.answer_log_probabilities(tuple(answers.values())), strict=True))
    values: list[dict[Coalition, float]] = [{} for _ in said.words]
    for way, one in taken:
        found = scores[way.answer, one].over(*way.counted)
        values[way.sentence][one] = _either(values[way.sentence].get(one, -math.inf), found)
    return tuple(values)


def _lacks(everything: Coalition, coalition: Coalition) -> Coalition:
    return everything - coalition


def _either(first: float, second: float) -> float:
    """The log of the sum of two probabilities that are given as logs."""
    most = max(first, second)
    return most if most == -math.inf else most + math.log1p(math.exp(min(first, second) - most))
